"""Whether any distribution has the observed averages.

Averages are possible if they lie in the convex hull of the features' values.
On its boundary the maximum-entropy distribution gives probability zero to
some states, and its multipliers are infinite.
"""

import itertools
import warnings
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.models.maxent.density import Density
from genzoo.models.maxent.dependence import Dependence, dependence
from genzoo.models.maxent.hull import (
    FLAT,
    LIMIT,
    Face,
    Support,
    combination,
    separating,
    support,
)
from genzoo.models.maxent.observations import Averages
from genzoo.models.maxent.routes.product import ProductRoute
from genzoo.models.maxent.routes.route import ExactRoute
from genzoo.models.maxent.routes.summation import Summation
from genzoo.spaces import Space
from genzoo.types import Array

_BOUNDARY = (
    "on the boundary of what is possible: states would have probability zero "
    "and multipliers would be infinite. Pass observation_stderr, the error of "
    "the averages, for example 1 / n for n examples, or nan there to leave "
    "the constraint out."
)
# The hull is searched before the first step for so many features; for more,
# once the search for multipliers shows that something is wrong.
FEW = 12
# A variance must be such a share of the squared mean to be known from the
# mean of squares, to a part in a thousand.
_FEWEST_DIGITS = 4e-13
_FAR = 1e3
# Features at all points are kept where they are no more numbers than this.
_MOST_VALUES = 2**24


class Reach:
    """What averages the features of a density can have.

    What does not change, on spaces of finite ends, is found once.

    Args:
        density: the `Density`.
        route: the exact route, or None where only chains are.
    """

    def __init__(self, density: Density, route: ExactRoute | None):
        self.density = density
        self.route = route
        self._kept: dict = {}

    def check(self, where: str, averages: Averages, closed: bool) -> "Possible":
        """Refuse impossible averages, and find redundant features and limits.

        Args:
            where: who asks, for messages.
            averages: those asked for.
            closed: whether the ends of what is possible are possible too, as
                for chains, which go towards infinity slowly.

        Returns:
            What is `Possible`.

        Raises:
            ValueError: naming the constraint.
        """
        density = self.density
        observed = averages.values
        strange = ~np.isfinite(observed) & np.isfinite(averages.stderr)
        if strange.any():
            bad = density.features.names[int(np.flatnonzero(strange)[0])]
            raise ValueError(
                f"{where}: the average of {bad} is not a finite number."
            )
        strict = averages.stderr == 0
        none = np.zeros(len(observed))
        possible = Possible(averages, none > 0, none)
        if not strict.any():
            return possible
        form = density.quadratic
        if self.route is None and form is not None and form.values:
            # Of indicators no moments are known, and of millions no names.
            return possible
        every = zip(density.features.names, strict, strict=True)
        names = [name for name, s in every if s]
        observed = observed[strict]
        check_sites(where, density.space, names, observed)
        check_covariance(where, density.space, names, observed)
        if self.route is None:
            return possible
        low, high, values = self._reachable(self.route)
        if density.space.is_bounded and not closed:
            found = self._at_limits(averages, low, high)
            if found is not None:
                low, high = found.low, found.high
                is_left = ~_is_outside(low, high, found.observed)
                if is_left[averages.stderr == 0].all():
                    _warn_of_limits(where, density.features.names, found)
                averages = averages._replace(values=found.observed)
                observed = averages.values[strict]
                possible = Possible(averages, none > 0, found.multipliers)
        if density.space.is_bounded:
            check_ranges(
                where, names, low[strict], high[strict], observed, not closed
            )
        # What does not follow as it should is told as that, not as a boundary.
        limits = possible.limits
        redundant = self._follows(where, averages, limits)
        possible = Possible(averages, redundant, limits)
        is_open = density.space.is_bounded and not closed
        if is_open and values is not None:
            return self.at_a_side(where, possible, values) or possible
        return possible

    def _follows(self, where, averages, limits):
        """Which features follow from others; refuses what does not agree."""
        strict = averages.stderr == 0
        redundant = np.zeros(len(strict), bool)
        found = self.dependence(averages, limits)
        if found is not None:
            names = np.array(self.density.features.names)[strict].tolist()
            limited = limits[strict] != 0
            observed = averages.values[strict]
            _check_dependence(where, names, observed, found, limited)
            redundant[strict] = found.redundant
        return redundant

    def at_a_side(
        self, where: str, before: "Possible", values: Array | None = None
    ) -> "Possible | None":
        """What is possible on a side of the hull; None inside of it.

        Args:
            where: who asks, for messages.
            before: the averages, and what is known of their multipliers.
            values: of the features at all points; None finds them.

        Raises:
            ValueError: for averages outside of the hull, or on a side that is
                a point of an integral.
        """
        route = self.route
        averages, redundant, limits = before
        strict = averages.stderr == 0
        is_open = isinstance(route, Summation) and self.density.space.is_bounded
        if not is_open or not strict.any():
            return None
        values = self._table(route, True)[2] if values is None else values
        if values is None:
            return None
        left = values
        if limits.any():
            heights = (values - averages.values) @ limits
            left = values[heights > -0.5 * LIMIT]
        moves = strict & ~redundant & (np.ptp(left, axis=0) > 0)
        names = np.array(self.density.features.names)
        observed = averages.values[moves]
        # Of a single feature the range says all.
        many = np.count_nonzero(moves) > 1
        face = separating(left[:, moves], observed) if many else None
        if face is None or face.depth > FLAT:
            return None
        told = combination(face.normal, names[moves].tolist())
        told = f"{where}: the average of {told} is {observed @ face.normal:g}; "
        most = (left[:, moves] @ face.normal).max()
        told += f"it can be at most {most:g}"
        if face.depth < -FLAT:
            _refuse_outside(told)
        given = averages.values[strict]
        found = support(values[:, strict], given, limits[strict])
        if isinstance(found, Face):
            _refuse_outside(told)
        # Of an integral single nodes are nothing.
        few = 0 if self.density.space.is_discrete else 0.01 * len(values)
        if not isinstance(found, Support) or found.left.sum() <= few:
            raise ValueError(f"{told}, and lies {_BOUNDARY}")
        if not found.normals:
            return None
        limits = np.zeros(len(strict))
        limits[strict] = found.multipliers
        redundant = self._follows(where, averages, limits)
        _warn_of_sides(where, names[strict].tolist(), given, found)
        return Possible(averages, redundant, limits)

    def dependence(
        self, averages: Averages, limits: Array
    ) -> Dependence | None:
        """Of the features that must be met; None where it is not known.

        Args:
            averages: those asked for.
            limits: multipliers that leave out states; zeros if none.
        """
        strict = averages.stderr == 0
        if self.route is None or not strict.any():
            return None
        # A layer's weights may be loaded from a file.
        layers = (part.layer for part in self.density.features.parts)
        lasts = self.density.space.is_bounded and not any(layers)
        if not lasts:
            return self._dependence(self.route, strict, limits)
        kept = self._kept.setdefault("dependence", {})
        key = strict.tobytes() + limits.tobytes()
        if key not in kept:
            kept[key] = self._dependence(self.route, strict, limits)
        return kept[key]

    def moved_inside(self, where: str, averages: Averages) -> Averages:
        """Averages of examples, off the boundary of what is possible.

        Where a level, a pair or any other part never comes in the examples,
        the best multipliers are infinite. One more example, drawn evenly from
        the space, then counts as well: it changes no average by more than
        one example may. A warning names what is missing.

        Args:
            where: who asks, for the message.
            averages: of the examples.
        """
        density = self.density
        if self.route is None or not density.space.is_bounded:
            return averages
        low, high, values = self._reachable(self.route)
        observed = averages.values
        told = on_boundary(density.features.names, low, high, observed)
        if values is not None and not told:
            told = hull_boundary(density.features.names, values, observed)
        told = [*_empty_cells(density, observed), *told]
        if not told:
            return averages
        zeros = np.zeros(len(observed))
        even = np.asarray(self.route.moments_now(zeros, zeros, False).mean)
        # A constant feature stays as it is.
        change = np.where(high - low > 0, even - observed, 0.0)
        moved = observed + change / (averages.examples + 1)
        many = f" and {len(told) - 5} more" if len(told) > 5 else ""
        warnings.warn(
            f"{where}: in these examples {'; '.join(told[:5])}{many}. The best "
            "multipliers would be infinite. One more example, drawn evenly "
            f"from the space, counts beside the {averages.examples}, which "
            "keeps them finite. For another choice pass observation_stderr, "
            "or averages as observations.",
            stacklevel=6,
        )
        return averages._replace(values=moved)

    def spans(self) -> Array:
        """The range of each feature, (features,); 0 where it is not known."""
        if self.route is None or not self.density.space.is_bounded:
            return np.zeros(len(self.density.features))
        low, high, _ = self._reachable(self.route)
        return np.where(np.isfinite(high - low), high - low, 0.0)

    def _at_limits(self, averages, low, high):
        """The `Limits` of averages at an end of their range, or None.

        Where states are left out others may be at an end of what is left.
        """
        strict = averages.stderr == 0
        observed = averages.values.copy()
        ends = strict & _at_an_end(low, high, observed)
        if not ends.any() or not isinstance(self.route, Summation):
            return None
        if (strict & _is_outside(low, high, observed)).any():
            return None
        found = Limits(observed, np.zeros(len(observed)), low, high, 0)
        reach = high - low
        while ends.any():
            found = self._left_by(found, ends, reach)
            if found is None:
                return None
            left = found.low, found.high, found.observed
            if (strict & _is_outside(*left)).any():
                return found
            ends = strict & _at_an_end(*left) & (found.multipliers == 0)
        return found

    def _left_by(self, before, ends, reach):
        """The `Limits` with more features at an end; None if nothing is left.

        Args:
            before: the `Limits` so far.
            ends: for each feature whether it is at an end of what was left.
            reach: of each feature over all points.
        """
        is_high = 2 * before.observed > before.low + before.high
        end = np.where(is_high, before.high, before.low)
        sign = np.where(is_high, 1.0, -1.0)
        observed = np.where(ends, end, before.observed)
        held = np.where(ends, sign, before.multipliers)
        found = before._replace(observed=observed, multipliers=held)
        gap = np.full(len(observed), np.inf)
        low, high = gap.copy(), -gap
        kept = count = 0
        for values in self._blocks(self.route):
            off = np.abs(values - observed)
            off = np.where(off > _SAME * np.abs(observed), off, np.inf)
            gap = np.minimum(gap, off.min(axis=0))
            inside = found.holds(values)
            count, kept = count + len(values), kept + int(inside.sum())
            if inside.any():
                low = np.minimum(low, values[inside].min(axis=0))
                high = np.maximum(high, values[inside].max(axis=0))
        # Of an integral single nodes are nothing.
        few = 0 if self.density.space.is_discrete else 0.01 * count
        size = np.where(ends, LIMIT / gap, 0.0)
        if kept <= few or not np.isfinite(size).all():
            return None
        # What was left out before stays out, whatever these add to it.
        with np.errstate(invalid="ignore"):
            most = np.where(ends, size * reach, 0.0).sum()
        size += np.abs(before.multipliers) * (2 + most / LIMIT)
        multipliers = size * np.sign(held)
        return Limits(observed, multipliers, low, high, kept)

    def _blocks(self, route):
        """The features at all points, a part of them at a time."""
        if route.table is not None:
            values, _, log_r = route.table
            yield values if log_r is None else values[log_r > -np.inf]
            return
        grid = route.grid()
        features = self.density.features
        size = min(grid.count, 2**22 // max(len(features), 1) + 1)
        for start in range(0, grid.count, size):
            part = grid.points(start, min(size, grid.count - start))
            values = features(part).numpy()
            if self.density.reference is not None:
                log_r = self.density.log_reference(part).numpy()
                values = values[log_r > -np.inf]
            yield values

    def _dependence(self, route, strict, limits):
        # For once only, a graph would take longer to trace than this to run.
        zeros = np.zeros(len(strict))
        mean = np.asarray(route.moments_now(limits, zeros, False).mean)
        found = route.moments_now(limits, mean)
        covariance = np.asarray(found.covariance)

        def again(basis):
            columns = np.zeros((len(strict), len(basis)))
            columns[strict] = basis
            return route.covariance(
                tf.constant(limits),
                tf.constant(mean),
                lambda values: tf.matmul(values, columns),
            ).numpy()

        size = np.abs(mean) + np.sqrt(np.diag(covariance))
        return dependence(
            mean[strict],
            covariance[np.ix_(strict, strict)],
            size[strict],
            again if isinstance(route, (Summation, ProductRoute)) else None,
        )

    def _reachable(self, route):
        """(least, greatest) of each feature, and all values if few."""
        if isinstance(route, ProductRoute):
            return (*route.ranges(), None)
        if not isinstance(route, Summation):
            # A lattice: all spins alike have the most bonds.
            alike = tf.ones((1, self.density.space.width), tf.float64)
            most = self.density.features(alike)[0].numpy()
            return -most, most, None
        if not self.density.space.is_bounded:
            return self._table(route, True)
        if "reach" not in self._kept:
            few = len(self.density.features) <= FEW
            self._kept["reach"] = self._table(route, few)
        return self._kept["reach"]

    def _table(self, route, wants_values):
        """(least, greatest) of each feature, and all values if wanted.

        The ends of bounded sites count, where quadrature has no nodes. Where
        a feature is infinite there is no value.
        """
        features = self.density.features
        if route.table is not None and self.density.space.is_discrete:
            values, _, log_r = route.table
            values = values if log_r is None else values[log_r > -np.inf]
            low, high = values.min(axis=0), values.max(axis=0)
            return low, high, values if wants_values else None
        grid = route.grid()
        count = grid.count
        few = wants_values and count * len(features) <= _MOST_VALUES
        size = min(count, 2**22 // max(len(features), 1) + 1)
        blocks = []
        low = np.full(len(features), np.inf)
        high = -low
        points = [
            grid.points(start, min(size, count - start))
            for start in range(0, count, size)
        ]
        corners = self._corners(route)
        is_sum = self.density.space.is_discrete
        has_zeros = is_sum and self.density.reference is not None
        if len(corners):
            points.append(tf.constant(corners))
        for number, part in enumerate(points):
            values = features(part).numpy()
            if has_zeros:
                log_r = self.density.log_reference(part).numpy()
                values = values[log_r > -np.inf]
                if not len(values):
                    continue
            least, greatest = values.min(axis=0), values.max(axis=0)
            # At a corner log x may be no number; inside it must be one.
            inside = number < len(points) - bool(len(corners))
            strange = ~np.isfinite(least) | ~np.isfinite(greatest)
            if inside and strange.any():
                bad = features.names[int(np.flatnonzero(strange)[0])]
                raise ValueError(
                    f"{self.density.owner}: the feature {bad} is not finite "
                    "everywhere in the space. Leave out the states where it "
                    "is not, or change it."
                )
            if strange.any():
                is_finite = np.isfinite(values)
                finite = np.where(is_finite, values, np.nan)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RuntimeWarning)
                    least = np.nanmin(finite, axis=0)
                    greatest = np.nanmax(finite, axis=0)
                # Beyond what is finite there is no end.
                least[(values == -np.inf).any(axis=0)] = -np.inf
                greatest[(values == np.inf).any(axis=0)] = np.inf
                values = values[is_finite.all(axis=1)]
            low, high = np.fmin(low, least), np.fmax(high, greatest)
            if few:
                blocks.append(values)
        return low, high, np.concatenate(blocks) if few else None

    def _corners(self, route):
        """The ends of bounded continuous sites, with a few levels."""
        space = self.density.space
        if not len(space.continuous_sites):
            return np.zeros((0, space.width))
        window = route.window.body().numpy()
        axes = []
        for site, levels in enumerate(space.levels):
            low, high = space.low[site], space.high[site]
            if levels is not None:
                axes.append(np.asarray(levels, np.float64))
            else:
                ends = [v for v in (low, high) if np.isfinite(v)]
                axes.append(np.array(ends or window[site]))
        if np.prod([len(axis) for axis in axes]) > 2**16:
            return np.zeros((0, space.width))
        mesh = np.meshgrid(*axes, indexing="ij")
        return np.stack([m.ravel() for m in mesh], axis=1)


class Possible(NamedTuple):
    """Averages that are possible, and what is known of their multipliers.

    Attributes:
        averages: those asked for, without rounding beyond an end.
        redundant: for each feature to be met whether it follows from others,
            where states are left.
        limits: multipliers that leave out states, and stand for infinite
            ones; zeros elsewhere.
    """

    averages: Averages
    redundant: Array
    limits: Array


class Limits(NamedTuple):
    """Features whose averages are at an end, so that states are left out.

    Attributes:
        observed: the averages, exactly at the ends.
        multipliers: so large that what is left out has the probability zero
            in float64; 0 for features that are not at an end.
        low: the least of each feature over the states that are left.
        high: the greatest.
        states: how many are left.
    """

    observed: Array
    multipliers: Array
    low: Array
    high: Array
    states: int

    def holds(self, values: Array) -> Array:
        """For each of some features (n, features) whether it is left."""
        at = self.multipliers != 0
        change = np.abs(values[:, at] - self.observed[at])
        return (change <= _SAME * np.abs(self.observed[at])).all(axis=1)


# What is only rounding.
_SAME = 1e-13


def _warn_of_limits(where, names, found):
    at = np.flatnonzero(found.multipliers)
    told = ", ".join(
        f"{names[k]} ({found.observed[k]:g}, the "
        f"{'most' if found.multipliers[k] > 0 else 'least'} possible)"
        for k in at[:5]
    )
    more = f" and {len(at) - 5} more" if len(at) > 5 else ""
    warnings.warn(
        f"{where}: these averages are at an end of what is possible: "
        f"{told}{more}. All but {found.states:,} states have probability zero, "
        f"and {len(at)} of the multipliers are infinite. If zeros are only "
        "rare events, pass observation_stderr.",
        stacklevel=8,
    )


def _warn_of_sides(where, names, observed, found):
    told = [
        f"{combination(normal, names)} = {round(observed @ normal, 9) + 0:.6g}"
        for normal in (n / np.abs(n).max() for n in found.normals)
    ]
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    warnings.warn(
        f"{where}: these averages are at an end of what is possible together: "
        f"{'; '.join(told[:3])}{more}, the most possible. All but "
        f"{found.left.sum():,} states have probability zero, and "
        f"{np.count_nonzero(found.multipliers)} of the multipliers are "
        "infinite. If zeros are only rare events, pass observation_stderr.",
        stacklevel=8,
    )


def _check_dependence(where, names, observed, found, limited):
    """Refuse averages that do not follow as their features do; tell others."""
    redundant = found.redundant
    if redundant.any():
        due = found.predict(observed)
        error = np.abs(due - observed)[redundant]
        size = np.maximum(np.abs(found.mean), np.abs(observed))
        slack = 1e-6 * (1 + size) + 1e-15 * (size @ np.abs(found.left))
        is_off = error > slack[redundant]
        # What is at a limit is told as that.
        shown = redundant & (~limited | is_off.any())
        told = ", ".join(np.array(names)[shown][:5])
        if is_off.any():
            raise ValueError(
                f"{where}: the features {told} follow from the others, "
                "but their averages do not: they should be "
                f"{due[redundant][:5]}; received {observed[redundant][:5]}."
            )
        if shown.any():
            warnings.warn(
                f"{where}: {int(shown.sum())} of {len(names)} features follow "
                f"from the others and are redundant: {told}. Their "
                "multipliers are zero; the distribution is the same.",
                stacklevel=8,
            )
    nearly = np.flatnonzero(found.nearly)
    if len(nearly):
        told = ", ".join(
            f"{names[k]} ({found.share[k]:.1g})" for k in nearly[:5]
        )
        warnings.warn(
            f"{where}: {len(nearly)} of {len(names)} features are nearly "
            f"dependent on those before them: {told}, the share of the "
            "variance that is their own. All are met, but their multipliers "
            "are large and cancel, and need averages of as many digits. "
            "Orthogonal functions, such as Legendre polynomials, say the same "
            "without this.",
            stacklevel=8,
        )


def check_ranges(
    where: str,
    names: list[str],
    low: Array,
    high: Array,
    observed: Array,
    open_only: bool = True,
) -> None:
    """Raise a ValueError if the averages are impossible or on the boundary.

    Args:
        where: who asks, for the message.
        names: of the features.
        low: the least value of each feature.
        high: the greatest value of each.
        observed: the averages, (features,).
        open_only: whether the ends of the range are refused too.
    """
    margin = _rounding(low, high)
    varies = high - low > margin.sum(axis=0)

    def found(k):
        return (
            f"the average of {names[k]} is {observed[k]:g}; it can be between "
            f"{low[k]:g} and {high[k]:g}"
        )

    for k in np.flatnonzero(_is_outside(low, high, observed)):
        told = found(k)
        if not varies[k]:
            told = f"{names[k]} is {low[k]:g} everywhere; its average cannot "
            told += f"be {observed[k]:g}"
        raise ValueError(f"{where}: {told}, so no distribution has it.")
    if not open_only:
        return
    ends = np.flatnonzero(_at_an_end(low, high, observed))
    if len(ends):
        others = [names[k] for k in ends[1:6]]
        more = f" (so do those of {', '.join(others)}" if others else ""
        more += f" and {len(ends) - 6} more" if len(ends) > 6 else ""
        more += ")" if others else ""
        raise ValueError(
            f"{where}: {found(ends[0])}, and lies{more} {_BOUNDARY}"
        )


def _rounding(low, high):
    """How little below and above a range is only rounding, (2, features)."""
    with np.errstate(invalid="ignore"):
        margin = 1e-14 * np.abs(np.stack([low, high]))
    return np.where(np.isfinite(margin), margin, 0.0)


def _is_outside(low, high, observed):
    margin = _rounding(low, high)
    return (observed < low - margin[0]) | (observed > high + margin[1])


def _at_an_end(low, high, observed):
    margin = _rounding(low, high)
    varies = high - low > margin.sum(axis=0)
    at_end = (observed <= low + margin[0]) | (observed >= high - margin[1])
    return varies & at_end


def on_boundary(
    names: list[str], low: Array, high: Array, observed: Array
) -> list[str]:
    """Which averages are the least or the greatest possible, in words."""
    ends = np.flatnonzero(_at_an_end(low, high, observed))
    return [f"{names[k]} is always {observed[k]:g}" for k in ends]


def hull_boundary(
    names: list[str], values: Array, observed: Array
) -> list[str]:
    """A combination of features that is always at its end, in words."""
    face = separating(values, observed)
    if face is None or face.depth > FLAT:
        return []
    told = combination(face.normal, names)
    return [f"{told} is always {observed @ face.normal:g}"]


def _empty_cells(density, observed):
    """Pairs of levels that never come together, of sites with few levels."""
    if density.quadratic is None:
        return []
    form = density.quadratic.expanded()
    owners = np.concatenate([form.site_features, form.pair_features])
    levels = np.asarray(density.space.levels[0], np.float64)
    codes = form.codes
    count = density.space.width * codes
    if len(np.unique(owners)) < len(owners) or len(form.sites) < count:
        return []
    if form.values is None and len(levels) != 2:
        return []
    mean, product = np.zeros(count), np.zeros((count, count))
    mean[form.sites] = observed[form.site_features]
    first, second = form.pairs.T
    product[first, second] = observed[form.pair_features]
    if form.values is None:
        # As probabilities of the higher of two levels, which comes first.
        low, gap = levels[0], levels[1] - levels[0]
        both = product - low * (mean[:, None] + mean) + low**2
        mean, product, levels = (mean - low) / gap, both / gap**2, levels[::-1]
    told = []
    names = density.space.site_names
    single = mean.reshape(-1, codes)
    single = np.concatenate([single, 1 - single.sum(axis=1)[:, None]], axis=1)
    for i, j in form.site_pairs():
        rows, columns = (slice(k * codes, (k + 1) * codes) for k in (i, j))
        table = np.zeros((codes + 1, codes + 1))
        table[:-1, :-1] = product[rows, columns]
        table[:-1, -1] = single[i, :-1] - table[:-1].sum(axis=1)
        table[-1] = single[j] - table.sum(axis=0)
        present = np.outer(single[i], single[j]) > 1e-12
        for a, b in np.argwhere((np.abs(table) < 1e-12) & present):
            told.append(
                f"{names[i]} = {levels[a]:g} never comes with "
                f"{names[j]} = {levels[b]:g}"
            )
    return told


def check_sites(
    where: str, space: Space, names: list[str], observed: Array
) -> None:
    """Raise a ValueError if a mean is outside, or a variance not positive."""
    found = dict(zip(names, observed, strict=True))
    for site, name in enumerate(space.site_names):
        for power in (2, 4, 6, 8):
            if (
                space.levels[site] is None
                and found.get(f"{name}^{power}", 1.0) <= 0
            ):
                raise ValueError(
                    f"{where}: the average of {name}^{power} is "
                    f"{found[f'{name}^{power}']:g}, but must be positive."
                )
        if name not in found:
            continue
        mean, low, high = found[name], space.low[site], space.high[site]
        if not low <= mean <= high:
            raise ValueError(
                f"{where}: the average of {name} is {mean:g}; it can be "
                f"between {low:g} and {high:g}, so no distribution has it."
            )
        if space.whole[site] and mean <= low:
            raise ValueError(
                f"{where}: the average of {name} is {mean:g}; it must be more "
                f"than {low:g}, where all the probability would be."
            )
        square = found.get(f"{name}^2")
        is_real = space.levels[site] is None
        if not is_real and square is not None:
            # No variance is an end of what is possible, of one level.
            square += 1e-12 * mean**2
        if is_real and square is not None and mean != 0:
            share = square / mean**2 - 1
            if abs(share) < _FEWEST_DIGITS and abs(mean) > _FAR:
                raise ValueError(
                    f"{where}: {name} lies so far from zero, at {mean:g}, that "
                    f"float64 cannot tell {name}^2 from its mean: standardise "
                    "the data first, x = (x - x.mean(0)) / x.std(0)."
                )
        narrow = ""
        if (
            is_real
            and square is not None
            and mean != 0
            and abs(square / mean**2 - 1) < 1e-13
        ):
            narrow = (
                f" If {name} does vary, it is by less of its mean than squares "
                "can tell: standardise the data, (x - x.mean(0)) / x.std(0)."
            )
        if square is not None and square <= mean**2 * (1 + 1e-15):
            raise ValueError(
                f"{where}: the average of {name}^2 is {square:g}, of {name} "
                f"{mean:g}: the variance would be {square - mean**2:g}, but "
                f"must be positive.{narrow}"
            )
        # Between two whole numbers it has two values at least.
        part = mean - np.floor(mean)
        least = part * (1 - part) if space.whole[site] else 0.0
        if square is not None and square - mean**2 <= least * (1 - 1e-12):
            raise ValueError(
                f"{where}: the average of {name}^2 is {square:g}, of {name} "
                f"{mean:g}: the variance would be {square - mean**2:g}, but "
                f"that of whole numbers with this mean is above {least:g}."
            )


def check_covariance(
    where: str, space: Space, names: list[str], observed: Array
) -> None:
    """Raise a ValueError if means and products have no positive covariance.

    Where the averages of all sites and of all their products are among the
    observed; the squares may follow from the sites' values.
    """
    found = dict(zip(names, observed, strict=True))
    sites = space.site_names
    if len(sites) < 2 or any(name not in found for name in sites):
        return
    mean = np.array([found[name] for name in sites])
    square = np.diag(_squares(space, sites, mean, found))
    pairs = itertools.combinations(sites, 2)
    products = [found.get(f"{one} {other}") for one, other in pairs]
    if None in products:
        return
    above = np.triu_indices(len(sites), 1)
    square[above] = square.T[above] = products
    covariance = square - np.outer(mean, mean)
    if not np.isfinite(covariance).all():
        return
    values, vectors = np.linalg.eigh(covariance)
    if values[0] < -1e-10 * max(1.0, values[-1]):
        told = combination(vectors[:, 0], sites)
        raise ValueError(
            f"{where}: these averages have a covariance that is not positive: "
            f"the variance of {told} would be "
            f"{values[0] / np.abs(vectors[:, 0]).max() ** 2:.3g}, but no "
            "variance is below 0. Check the averages of the products."
        )


def _squares(space, sites, mean, found):
    """<x_i^2> where it is known, else nan."""
    squares = np.full(len(sites), np.nan)
    for i, levels in enumerate(space.levels):
        if f"{sites[i]}^2" in found:
            squares[i] = found[f"{sites[i]}^2"]
        elif levels is not None and len(levels) == 2:
            # (x - low) (x - high) = 0.
            low, high = levels
            squares[i] = (low + high) * mean[i] - low * high
    return squares


def _refuse_outside(told):
    raise ValueError(
        f"{told}, so no distribution has these averages. Check them, or drop a "
        "constraint."
    )
