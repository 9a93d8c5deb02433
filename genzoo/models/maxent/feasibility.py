"""Whether any distribution has the observed averages.

Averages are possible if they lie in the convex hull of the features' values.
On its boundary the maximum-entropy distribution gives probability zero to
some states, and its multipliers are infinite.
"""

import warnings

import numpy as np
import tensorflow as tf

from genzoo.models.maxent.density import Density
from genzoo.models.maxent.dependence import (
    Dependence,
    covariance_in,
    dependence,
)
from genzoo.models.maxent.observations import Averages
from genzoo.models.maxent.routes.route import ExactRoute
from genzoo.models.maxent.routes.summation import Summation
from genzoo.spaces import Space
from genzoo.types import Array

# The hull is searched before the first step for so many features; for more,
# once the search for multipliers shows that something is wrong.
FEW = 12
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

    def check(self, where: str, averages: Averages, closed: bool) -> Array:
        """Refuse impossible averages, and find redundant features.

        Args:
            where: who asks, for messages.
            averages: those asked for.
            closed: whether the ends of what is possible are possible too, as
                for chains, which go towards infinity slowly.

        Returns:
            A boolean array: the features to be met that follow from others.

        Raises:
            ValueError: naming the constraint.
        """
        density = self.density
        names, observed = density.features.names, averages.values
        if not np.isfinite(observed).all():
            bad = names[int(np.flatnonzero(~np.isfinite(observed))[0])]
            raise ValueError(
                f"{where}: the average of {bad} is not a finite number."
            )
        strict = averages.stderr == 0
        redundant = np.zeros(len(names), bool)
        if not strict.any():
            return redundant
        names = [name for name, s in zip(names, strict, strict=True) if s]
        observed = observed[strict]
        check_sites(where, density.space, names, observed)
        check_covariance(where, density.space, names, observed)
        if self.route is None:
            return redundant
        low, high, values = self._reachable(self.route)
        if density.space.is_bounded:
            check_ranges(
                where, names, low[strict], high[strict], observed, not closed
            )
            if not closed and values is not None:
                check_hull(where, names, values[:, strict], observed)
        found = self.dependence(averages)
        if found is not None:
            _check_dependence(where, names, observed, found)
            redundant[strict] = found.redundant
        return redundant

    def dependence(self, averages: Averages) -> Dependence | None:
        """Of the features that must be met; None where it is not known."""
        strict = averages.stderr == 0
        if self.route is None or not strict.any():
            return None
        # A layer's weights may be loaded from a file.
        layers = (part.layer for part in self.density.features.parts)
        lasts = self.density.space.is_bounded and not any(layers)
        if not lasts:
            return self._dependence(self.route, strict)
        kept = self._kept.setdefault("dependence", {})
        if strict.tobytes() not in kept:
            kept[strict.tobytes()] = self._dependence(self.route, strict)
        return kept[strict.tobytes()]

    def explain(self, where: str, averages: Averages) -> None:
        """Raise a ValueError that says why there are no multipliers."""
        if not isinstance(self.route, Summation):
            return
        if not self.density.space.is_bounded:
            return
        values = self._table(self.route, True)[2]
        strict = averages.stderr == 0
        if values is not None and strict.any():
            names = np.array(self.density.features.names)[strict].tolist()
            check_hull(where, names, values[:, strict], averages.values[strict])

    def _dependence(self, route, strict):
        # For once only, a graph would take longer to trace than this to run.
        zeros = tf.zeros(len(strict), tf.float64)
        mean = route.moments(zeros, zeros).mean
        covariance = route.moments(zeros, mean).covariance.numpy()

        def again(basis):
            columns = np.zeros((len(strict), len(basis)))
            columns[strict] = basis
            return covariance_in(route, zeros, mean, columns).numpy()

        size = np.abs(mean.numpy()) + np.sqrt(np.diag(covariance))
        return dependence(
            mean.numpy()[strict],
            covariance[np.ix_(strict, strict)],
            size[strict],
            again if isinstance(route, Summation) else None,
        )

    def _reachable(self, route):
        """(least, greatest) of each feature, and all values if few."""
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
        if len(corners):
            points.append(tf.constant(corners))
        for number, part in enumerate(points):
            values = features(part).numpy()
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
        window = route.window.ends.numpy()
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


def _check_dependence(where, names, observed, found):
    """Refuse averages that do not follow as their features do; tell others."""
    redundant = found.redundant
    if redundant.any():
        told = ", ".join(np.array(names)[redundant][:5])
        due = found.predict(observed)
        error = np.abs(due - observed)[redundant]
        size = np.maximum(np.abs(found.mean), np.abs(observed))
        slack = 1e-6 * (1 + size) + 1e-15 * (size @ np.abs(found.left))
        if (error > slack[redundant]).any():
            raise ValueError(
                f"{where}: the features {told} follow from the others, "
                "but their averages do not: they should be "
                f"{due[redundant][:5]}; received {observed[redundant][:5]}."
            )
        warnings.warn(
            f"{where}: {int(redundant.sum())} of {len(names)} features follow "
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
    scale = np.maximum(high - low, 1e-300)
    margin = np.where(np.isfinite(scale), 1e-12 * scale, 0.0)
    varies = high - low > 1e-12 * np.minimum(np.abs(high), 1e300)
    for k in np.flatnonzero(varies):
        name, value = names[k], observed[k]
        found = f"{where}: the average of {name} is {value:g}; it can be "
        found += f"between {low[k]:g} and {high[k]:g}"
        if not low[k] - margin[k] <= value <= high[k] + margin[k]:
            raise ValueError(f"{found}, so no distribution has it.")
        if not open_only:
            continue
        if value <= low[k] + margin[k] or value >= high[k] - margin[k]:
            raise ValueError(f"{found}, and lies {_BOUNDARY}")


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
        square = found.get(f"{name}^2")
        if square is not None and square <= mean**2 * (1 + 1e-12):
            raise ValueError(
                f"{where}: the average of {name}^2 is {square:g}, of {name} "
                f"{mean:g}: the variance would be {square - mean**2:g}, but "
                "must be positive."
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
    for i, j in zip(*np.triu_indices(len(sites), 1), strict=True):
        product = found.get(f"{sites[i]} {sites[j]}")
        if product is None:
            return
        square[i, j] = square[j, i] = product
    covariance = square - np.outer(mean, mean)
    if not np.isfinite(covariance).all():
        return
    values, vectors = np.linalg.eigh(covariance)
    if values[0] < -1e-10 * max(1.0, values[-1]):
        told = _combination(vectors[:, 0], sites)
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


def check_hull(
    where: str, names: list[str], values: Array, observed: Array
) -> None:
    """Raise a ValueError if the averages are impossible or on the boundary.

    Args:
        where: who asks, for the message.
        names: of the features.
        values: features at all points of the space, (points, features).
        observed: the averages, (features,).
    """
    scale = np.maximum(values.max(axis=0) - values.min(axis=0), 1e-300)
    normal = separating(values, observed, scale)
    if normal is None:
        return
    reach = (values @ normal).max()
    value = float(observed @ normal)
    size = np.abs(values).max(axis=0) @ np.abs(normal) + 1
    told = _combination(normal, names)
    found = f"{where}: the average of {told} is {value:g}; it can be at most "
    found += f"{reach:g}"
    if value > reach + 1e-10 * size:
        raise ValueError(
            f"{found}, so no distribution has these averages. Check them, or "
            "drop a constraint."
        )
    if value > reach - 1e-8 * size:
        raise ValueError(f"{found}, and lies {_BOUNDARY}")


_BOUNDARY = (
    "on the boundary of what is possible: states would have probability zero "
    "and multipliers would be infinite. Pass observation_stderr, the error of "
    "the averages, or drop the constraint."
)


def _combination(normal, names):
    order = np.argsort(-np.abs(normal))
    share = normal / np.abs(normal[order[0]])
    many = [k for k in order if np.abs(share[k]) > 1e-3]
    terms = [f"{share[k]:+.3g} ({names[k]})" for k in many[:6]]
    return " ".join(terms) + (" ..." if len(many) > 6 else "")


def separating(values: Array, observed: Array, scale: Array) -> Array | None:
    """A direction in which no point lies beyond the averages, or None.

    The averages are moved away from the middle by a part in a million; if
    they then lie outside of the hull, this is the direction to its nearest
    point.

    Reference:
        Wolfe, "Finding the nearest point in a polytope", Mathematical
        Programming 11, 1976.
    """
    points = (values - observed) / scale
    points = points + 1e-6 * points.mean(axis=0)
    nearest = _nearest_point(points)
    if np.linalg.norm(nearest) < 1e-9:
        return None
    normal = -nearest / scale
    return normal / np.abs(normal).max()


def _nearest_point(points):
    """The point of the hull of `points` nearest to zero."""
    corral = [int(np.argmin(np.einsum("ij,ij->i", points, points)))]
    weights = np.ones(1)
    for _ in range(20 * points.shape[1] + 100):
        nearest = weights @ points[corral]
        heights = points @ nearest
        new = int(np.argmin(heights))
        square = nearest @ nearest
        if new in corral or square - heights[new] <= 1e-12 * max(square, 1e-9):
            break
        corral.append(new)
        weights = np.append(weights, 0.0)
        while True:
            affine = _affine_minimum(points[corral])
            if (affine > 1e-12).all():
                weights = affine
                break
            falling = affine <= 1e-12
            drop = weights[falling] - affine[falling]
            ratio = weights[falling] / np.maximum(drop, 1e-300)
            share = min(1.0, float(ratio.min()))
            weights = (1 - share) * weights + share * affine
            keep = weights > 1e-12
            corral = [i for i, kept in zip(corral, keep, strict=True) if kept]
            weights = weights[keep] / weights[keep].sum()
    return weights @ points[corral]


def _affine_minimum(points):
    """Weights, of sum one, of the point nearest to zero in an affine hull."""
    first, rest = points[0], points[1:] - points[0]
    if len(rest) == 0:
        return np.ones(1)
    others = np.linalg.lstsq(rest.T, -first, rcond=None)[0]
    return np.concatenate([[1 - others.sum()], others])
