"""Maximum entropy over given rows: weights with which averages are met."""

import re
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from genzoo import checks
from genzoo.models.maxent import report
from genzoo.models.maxent.hull import LIMIT, combination
from genzoo.models.maxent.named import Columns, by_name, is_named, label
from genzoo.models.maxent.routes.summation import MOST_POINTS
from genzoo.models.maxent.rows import OfTable, Rows, Table
from genzoo.types import Array, ArrayLike

_WHERE = "MaxEnt.reweight"
# Eigenvalues of correlations below this share of the greatest are zero.
_ZERO = 1e-12
# Of a residual, in units of the features' size, that is not one of rounding.
_FAR = 1e-6
_SAME = 1e-12
_SILENT = re.compile("follow from the others|has not converged")
# By how much the shares of categories may miss 1.
_SHARES = 1e-6


class Target(NamedTuple):
    """Averages that rows are to have, and how well they are known.

    Attributes:
        observed: the averages, nan where they are not constrained.
        covariance: of their errors, or the square of each; zeros where they
            must be met.
        tolerance: "gaussian" or "laplace".
        examples: independent ones behind them.
    """

    observed: Array
    covariance: Array
    tolerance: str
    examples: int | None

    @property
    def known(self) -> Array:
        """The numbers of the features that are constrained."""
        return np.flatnonzero(np.isfinite(self.observed))

    def without(self, features: Array) -> "Target":
        """The same, where these features are not constrained."""
        observed = self.observed.copy()
        observed[features] = np.nan
        return self._replace(observed=observed)

    def chi_square(self, mean: Array, among: Array | None = None) -> float:
        """d' C^-1 d of the known averages that have errors; 0 without any.

        Args:
            mean: the averages found.
            among: numbers of the features that count; None for all known.
        """
        kept = self.known if among is None else among
        change = (mean - self.observed)[kept]
        if self.covariance.ndim == 1:
            variance = self.covariance[kept]
        else:
            part = self.covariance[np.ix_(kept, kept)]
            variance, basis = _modes(part)
            change = change @ basis
        sure = variance == 0
        change = np.where(sure, 0.0, change)
        return float(np.sum(change**2 / np.where(sure, 1.0, variance)))


class Scan(NamedTuple):
    """Fits with errors of other sizes; see `Reweighted.scan`.

    Attributes:
        factors: what all standard errors were multiplied by, increasing.
        chi_square: `d' C^-1 d` with the errors as they were given.
        entropy: relative to the base weights, at most 0, in nats.
        effective_rows: of each fit.
        averages: how many there are in the chi-square.
        held_out: chi-square of the averages that were held out, or None.

    Example:
    >>> x = np.linspace(-1, 1, 50)
    >>> found = genzoo.MaxEnt.reweight(x, [0.5], observation_stderr=0.1)
    >>> scan = found.scan([0.1, 1, 10])
    >>> bool((np.diff(scan.entropy) > 0).all())
    True
    """

    factors: Array
    chi_square: Array
    entropy: Array
    effective_rows: Array
    averages: int
    held_out: Array | None

    @property
    def kink(self) -> float:
        """The factor at the corner of chi-square against entropy.

        Of the curve of log(1 + chi-square / averages) against the entropy
        that it costs, both axes from 0 to 1, the point that is farthest from
        the line between its ends. Less error then costs entropy and wins
        little: what is off by less than its error agrees as well as can be.
        """
        misfit = np.log1p(self.chi_square / max(self.averages, 1))
        x, y = (
            (axis - axis.min()) / max(np.ptp(axis), 1e-300)
            for axis in (-self.entropy, misfit)
        )
        return float(self.factors[int(np.argmin(x + y))])

    @property
    def best(self) -> float:
        """The factor at which what was held out is predicted best.

        Raises:
            ValueError: if nothing was held out.
        """
        if self.held_out is None:
            raise ValueError(
                "Scan.best: nothing was held out. Pass held_out to scan, or "
                "take kink."
            )
        return float(self.factors[int(np.argmin(self.held_out))])


class _Search:
    """Multipliers of rows for a target, and for errors of other sizes.

    Args:
        make: `MaxEnt`.
        values: features of rows, (rows, features).
        base: positive weights of the rows, of sum one.
        names: of the features.
        target: what is to be met.
    """

    def __init__(
        self,
        make: Any,
        values: Array,
        base: Array,
        names: list[str],
        target: Target,
    ):
        self.values, self.base, self.target = values, base, target
        known = target.known
        self.basis = np.eye(len(names))[:, known]
        variance = target.covariance[known]
        told = [names[k] for k in known]
        if target.covariance.ndim == 2:
            part = target.covariance[np.ix_(known, known)]
            variance, basis = _modes(part)
            self.basis = self.basis @ basis
            told = [combination(v, told) for v in basis.T]
        table = self.modes_of(values)
        self.stderr = np.sqrt(variance)
        self.observed = target.observed[known] @ self.basis[known]
        self.table = table
        even = np.ptp(base) == 0
        self.model = make(
            Rows(len(values)),
            OfTable(told, Table.of(table)),
            reference=None if even else Table.of(np.log(base)[:, None]),
            seed=0,
        )
        self.model.compile()

    def solve(self, factor: float = 1.0) -> Array:
        """The multipliers of the modes, with the errors times a factor."""
        stderr = factor * self.stderr
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                history = self.model.fit(
                    observations=self.observed,
                    observation_stderr=stderr if stderr.any() else None,
                    tolerance=self.target.tolerance,
                    observation_count=self.target.examples,
                    verbose=0,
                )
            except ValueError as error:
                raise ValueError(_told(error)) from None
        for one in said:
            # Of categories one always follows from the others, and a search
            # that does not converge is refused.
            if not _SILENT.search(str(one.message)):
                warnings.warn(_told(one.message), one.category, stacklevel=5)
        residual = history.history["residual"][-1]
        size = np.abs(self.observed).max() + np.abs(self.table).max()
        if not residual <= _FAR * size:
            raise ValueError(
                f"{_WHERE}: no weights of these rows have these averages: the "
                f"nearest found miss them by {residual:.3g}. Check the "
                "averages, or pass observation_stderr, their errors."
            )
        return self.model.multiplier_weights.numpy()

    @property
    def limited(self) -> Array:
        """For each mode whether its multiplier is infinite."""
        return self.model.observations.limited

    def modes_of(self, values: Array) -> Array:
        """The modes of features, (rows, modes)."""
        if self.target.covariance.ndim == 1:
            return values[:, self.target.known]
        return values @ self.basis

    def log_ratio(self, table: Array, multipliers: Array) -> Array:
        """log(p / w) + log Z of rows of modes, (rows,), -inf at a limit."""
        at = self.limited
        value = table[:, ~at] @ multipliers[~at]
        if not at.any():
            return value
        # What is at a limit has no part but its finite one.
        change = table[:, at] - self.model.observations.values.numpy()[at]
        height = change @ multipliers[at]
        is_off = np.abs(height) > 0.5 * LIMIT
        return np.where(is_off, -np.inf, value + height)

    def of_features(self, multipliers: Array) -> Array:
        """The multipliers of all features, infinite at a limit."""
        at = self.limited
        found = self.basis[:, ~at] @ multipliers[~at]
        parts = self.basis[:, at] * np.sign(multipliers[at])
        slope = parts.sum(axis=1)
        is_off = np.abs(slope) > _SAME * np.abs(self.basis).max(axis=1)
        return np.where(is_off, np.copysign(np.inf, slope), found)

    def weights(self, multipliers: Array) -> tuple[Array, float]:
        """(p, log Z) of the rows, p of sum one."""
        log_p = np.log(self.base) + self.log_ratio(self.table, multipliers)
        top = log_p.max()
        p = np.exp(log_p - top)
        total = p.sum()
        return p / total, float(top + np.log(total))

    def errors(self, p: Array) -> Array:
        """Standard errors of the multipliers of all features, or nan."""
        if not self.stderr.any() and not self.target.examples:
            return np.full(len(self.basis), np.nan)
        if self.target.covariance.ndim == 1:
            found = np.full(len(self.basis), np.nan)
            found[self.target.known] = self.model.multiplier_stderr()
            return found
        change = self.table - p @ self.table
        fisher = change.T @ (p[:, None] * change)
        inverse = np.linalg.pinv(
            fisher + np.diag(self.stderr**2), hermitian=True
        )
        root = self.basis @ inverse * self.stderr
        found = np.sqrt(np.sum(root**2, axis=1))
        return np.where(np.isfinite(self.target.observed), found, np.nan)


class Reweighted:
    """Rows with weights of greatest entropy; what `MaxEnt.reweight` gives.

    `p_i = w_i exp(lambda . F_i) / Z` with base weights w of sum one.

    Attributes:
        weights: p, (rows,), float64, of sum one.
        names: of the features.
        multipliers: lambda, (features,), 0 where nothing was known, infinite
            where a limit leaves rows without a weight.
        multiplier_stderr: their standard errors, nan where not determined.
        mean: the averages `sum_i p_i F_i`, (features,).
        observed: those asked for, nan where not constrained.
        log_partition: log Z, `log sum_i w_i exp(lambda . F_i)`, in nats; of
            infinite multipliers it has no part, but rows without a weight.
        entropy: relative to w, `-sum_i p_i log(p_i / w_i)`: at most 0.
        effective_rows: Kish's number of rows, `1 / sum_i p_i^2`.
        chi_square: of the averages that have errors, `d' C^-1 d`.
        model: the `MaxEnt` on the numbers of the rows that have a weight. It
            holds their features: `model.save` keeps them.

    Example:
    >>> frames = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
    >>> found = genzoo.MaxEnt.reweight(frames, [1.2, np.nan])
    >>> [round(p, 3) for p in found.weights.tolist()]
    [0.238, 0.323, 0.438]
    >>> bool(np.isclose(found.density(frames)[0], 3 * found.weights[0]))
    True
    """

    def __init__(self, columns: Columns, keep: Array, search: _Search):
        self._columns, self._search = columns, search
        target = search.target
        modes = search.solve()
        p, self.log_partition = search.weights(modes)
        self.weights: Array = np.zeros(len(keep))
        self.weights[keep] = p
        self.names: list[str] = columns.names
        self.multipliers: Array = search.of_features(modes)
        self._modes = modes
        self.multiplier_stderr: Array = search.errors(p)
        self.observed: Array = target.observed
        self.mean: Array = p @ search.values
        self.entropy = _entropy(p, search.base)
        self.effective_rows = float(1 / np.sum(p**2))
        self.chi_square = target.chi_square(self.mean)
        self.model = search.model

    def __repr__(self) -> str:
        return (
            f"<Reweighted: {len(self.weights)} rows, "
            f"{self.effective_rows:.4g} effective, entropy "
            f"{self.entropy:.4g} nats>"
        )

    def density(self, features: Any) -> Array:
        """exp(lambda . f) / Z of rows, new ones too, (rows,).

        How much more probable a row is than in the base; the given rows have
        `p_i / w_i`, with w of sum one.

        Args:
            features: as `MaxEnt.reweight` was given, of any rows.

        Raises:
            ValueError: for other columns, or what is missing.
        """
        return np.exp(self.log_density(features))

    def log_density(self, features: Any) -> Array:
        """The logarithm of `density`, (rows,), in nats."""
        table = self._search.modes_of(self._columns(features))
        ratio = self._search.log_ratio(table, self._modes)
        return ratio - self.log_partition

    def solution(self) -> report.Solution:
        """The constraints: observed, model, multiplier and its error."""
        count = len(self.observed[np.isfinite(self.observed)])
        redundant = np.zeros(len(self.names), bool)
        if self._search.target.covariance.ndim == 1:
            kept = self.model.observations.is_redundant.numpy() == 1
            redundant[self._search.target.known] = kept
        return report.Solution(
            title=f"{len(self.weights)} rows, {self.effective_rows:.4g} "
            f"effective: {count} averages",
            names=self.names,
            observed=self.observed,
            mean=self.mean,
            multipliers=self.multipliers,
            stderr=self.multiplier_stderr,
            is_redundant=redundant,
            entropy=self.entropy,
            log_partition=self.log_partition,
        )

    def summary(self) -> None:
        """Print `solution`."""
        for line in self.solution().lines():
            print(line)

    def scan(
        self,
        factors: ArrayLike | None = None,
        held_out: Sequence[str] | None = None,
    ) -> Scan:
        """Fit with all errors times each of some factors.

        Small factors follow the averages at the cost of entropy, great ones
        stay with the base weights. `scan.kink` is a factor in between, by
        the corner of the curve, `scan.best` by what was held out; then
        `MaxEnt.reweight` with the errors times it.

        Args:
            factors: increasing positive numbers; None takes 16 from 0.1 to
                100.
            held_out: names of averages that are left out of the fits, and
                predicted.

        Raises:
            ValueError: without errors; for other names or factors.
        """
        where = "Reweighted.scan"
        search, target = self._search, self._search.target
        if factors is None:
            factors = np.geomspace(0.1, 100, 16)
        check = checks.number_list("increasing positive numbers", True)
        numbers = np.array(check(np.ravel(factors).tolist(), where))
        if numbers[0] <= 0:
            raise ValueError(
                f"{where}: factors must be positive; received {factors!r}."
            )
        known = [self.names[k] for k in target.known]
        names = [] if held_out is None else list(held_out)
        if set(names) - set(known) or set(names) == set(known):
            raise ValueError(
                f"{where}: held_out must be names of some of the averages that "
                f"are known, {known[:6]}; received {held_out!r}."
            )
        held = np.array([self.names.index(name) for name in names], int)
        if not target.covariance.any():
            raise ValueError(
                f"{where}: the averages have no errors to be scanned. Pass "
                "observation_stderr or observation_covariance to reweight."
            )
        search = _Search(
            type(self.model),
            search.values,
            search.base,
            self.names,
            target.without(held),
        )
        rows = []
        for factor in numbers[::-1]:
            p, _ = search.weights(search.solve(factor))
            mean = p @ search.values
            rows.append(
                (
                    search.target.chi_square(mean),
                    _entropy(p, search.base),
                    1 / np.sum(p**2),
                    target.chi_square(mean, held),
                )
            )
        chi, entropy, effective, predicted = np.array(rows[::-1]).T
        return Scan(
            numbers,
            chi,
            entropy,
            effective,
            int(np.count_nonzero(search.stderr)),
            predicted if len(held) else None,
        )


def _sizes(covariance):
    """The products of the errors of two averages, 1 of those without any."""
    error = np.sqrt(np.abs(np.diag(covariance)))
    error = np.where(error > 0, error, 1.0)
    return error[:, None] * error


def _modes(covariance):
    """(variances, basis) of combinations whose errors are independent.

    `basis' C basis` is diagonal. Each average counts in units of its own
    error: in others, such as 1e-5 and 1e7, rounding would hide one of them.
    """
    sizes = _sizes(covariance)
    variance, vectors = np.linalg.eigh(covariance / sizes)
    most = variance.max(initial=0.0)
    variance = np.where(variance <= _ZERO * most, 0.0, variance)
    return variance, vectors / np.sqrt(np.diag(sizes))[:, None]


def _entropy(p, base):
    """Relative to base weights, in nats, at most 0."""
    some = p > 0
    return float(-p[some] @ np.log(p[some] / base[some]))


def _told(message):
    return str(message).replace("MaxEnt.fit", _WHERE)


def reweight(
    make: Any,
    features: Any,
    observations: Any,
    weights: ArrayLike | None = None,
    observation_stderr: Any = None,
    observation_covariance: Any = None,
    tolerance: str = "gaussian",
    observation_count: int | None = None,
) -> Reweighted:
    """See `MaxEnt.reweight`; `make` is that class."""
    categories = _categories(observations)
    columns = Columns(_WHERE, features, categories)
    values = columns(features)
    base = _base_weights(weights, len(values))
    keep = base > 0
    names = columns.names
    observed = by_name(f"{_WHERE}: observations", observations, names)
    observed = _numbers("observations", observed, names)
    _check_shares(columns, observed)
    stderr = np.zeros(len(names))
    if observation_stderr is not None:
        given = by_name(
            f"{_WHERE}: observation_stderr", observation_stderr, names
        )
        if is_named(observation_stderr):
            lacks = np.array([v != v for v in given], bool)
            lacks &= np.isfinite(observed)
            if lacks.any():
                raise ValueError(
                    f"{_WHERE}: observation_stderr lacks "
                    f"{names[int(np.argmax(lacks))]!r}; give 0 for an average "
                    "that must be met exactly, inf for one to be left out."
                )
        stderr = _numbers("observation_stderr", given, names, True)
        if (stderr < 0).any():
            raise ValueError(
                f"{_WHERE}: observation_stderr must be 0 or more, or inf for "
                "averages that are not constrained; received "
                f"{stderr.min():g}."
            )
    observed = np.where(np.isfinite(stderr), observed, np.nan)
    covariance = np.where(np.isfinite(stderr), stderr, 0.0) ** 2
    if observation_covariance is not None:
        if observation_stderr is not None or tolerance != "gaussian":
            raise ValueError(
                f"{_WHERE}: observation_covariance says all of gaussian "
                "errors; leave out observation_stderr and tolerance."
            )
        covariance = _covariance(observation_covariance, observed, names)
    if not np.isfinite(observed).any():
        raise ValueError(
            f"{_WHERE}: observations: none is known. Pass the averages of at "
            f"least one of {names[:6]}."
        )
    target = Target(observed, covariance, tolerance, observation_count)
    base = base[keep] / base[keep].sum()
    search = _Search(make, values[keep], base, names, target)
    return Reweighted(columns, keep, search)


def _categories(observations):
    """Names of the columns whose categories have averages of their own."""
    if not is_named(observations):
        return []
    found = []
    for key in observations.keys():
        if isinstance(key, tuple):
            found.append(label(key[0]))
        elif isinstance(key, str) and "=" in key:
            found.append(key.split("=")[0])
        elif is_named(observations[key]):
            found.append(label(key))
    return found


def _check_shares(columns, observed):
    """Refuse shares of all categories of a column that are not all of it."""
    for number, column in enumerate(columns.columns or []):
        own = observed[columns.owners == number]
        if column.labels is None or not np.isfinite(own).all():
            continue
        if abs(own.sum() - 1) > _SHARES:
            raise ValueError(
                f"{_WHERE}: observations: the shares of {column.key!r} add up "
                f"to {own.sum():.9g}, not to 1. Divide them by their sum."
            )


def _base_weights(weights, rows):
    if rows < 2 or rows > MOST_POINTS:
        raise ValueError(
            f"{_WHERE}: features must have 2 to {MOST_POINTS:,} rows; "
            f"received {rows:,}."
        )
    if weights is None:
        return np.ones(rows)
    argument = f"{_WHERE}: weights"
    try:
        base = np.asarray(weights, np.float64).ravel()
    except (TypeError, ValueError):
        base = np.zeros(0)
    if base.shape != (rows,):
        raise ValueError(
            f"{argument} must be {rows} numbers, one for each row; received "
            f"shape {np.shape(weights)}."
        )
    if not np.isfinite(base).all() or (base < 0).any():
        raise ValueError(
            f"{argument} must be finite and 0 or more; found {base.min():g}. "
            "Of log-weights take np.exp(log_w - log_w.max())."
        )
    if np.count_nonzero(base) < 2:
        raise ValueError(f"{argument}: two rows or more must have a weight.")
    return base


def _numbers(argument, values, names, one_for_all=False):
    try:
        found = np.asarray(values, np.float64)
        if one_for_all and found.ndim == 0:
            found = np.full(len(names), found)
    except (TypeError, ValueError):
        found = np.zeros((0, 0))
    found = found.reshape(-1) if found.ndim < 2 else found
    if found.shape != (len(names),):
        raise ValueError(
            f"{_WHERE}: {argument} must be {len(names)} numbers, one for each "
            f"of {names[:6]}, nan where it is not known, or a dict of them; "
            f"received shape {np.shape(values)}."
        )
    if one_for_all:
        return np.where(np.isnan(found), np.inf, found)
    if np.isinf(found).any():
        raise ValueError(
            f"{_WHERE}: {argument}: the average of "
            f"{names[int(np.argmax(np.isinf(found)))]} is infinite."
        )
    return found


def _covariance(given, observed, names):
    try:
        matrix = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.shape != (len(names), len(names)):
        raise ValueError(
            f"{_WHERE}: observation_covariance must have shape "
            f"({len(names)}, {len(names)}), of numbers; received "
            f"{given!r:.60}."
        )
    known = np.flatnonzero(np.isfinite(observed))
    part = matrix[np.ix_(known, known)]
    is_known = np.isfinite(part).all()
    off = part - part.T
    if not is_known or (np.abs(off) > 1e-5 * _sizes(part)).any():
        raise ValueError(
            f"{_WHERE}: observation_covariance must be symmetric, of finite "
            "numbers."
        )
    # In units in which no error is far greater than another.
    least = np.linalg.eigvalsh(part / _sizes(part)).min(initial=0.0)
    if least < -1e-9 * len(part):
        raise ValueError(
            f"{_WHERE}: observation_covariance has the eigenvalue "
            f"{least:.3g} in units of the errors, but a covariance has none "
            "below 0."
        )
    full = np.zeros_like(matrix)
    full[np.ix_(known, known)] = 0.5 * (part + part.T)
    return full
