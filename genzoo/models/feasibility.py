"""Whether any distribution has the observed averages.

Averages are possible if they lie in the convex hull of the features' values.
On its boundary the maximum-entropy distribution gives probability zero to
some states, and its multipliers are infinite.
"""

import numpy as np

# The hull is searched before the first step for so many features; for more,
# once the search for multipliers shows that something is wrong.
FEW = 12


def check_ranges(where, names, low, high, observed, open_only=True):
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


def check_sites(where, space, names, observed):
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


def check_covariance(where, space, names, observed):
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


def check_hull(where, names, values, observed):
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
    order = [k for k in order if np.abs(share[k]) > 1e-3]
    terms = [f"{share[k]:+.3g} ({names[k]})" for k in order[:6]]
    return " ".join(terms) + (" ..." if len(order) > 6 else "")


def separating(values, observed, scale):
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


def redundant(mean, covariance, scale):
    """Features that follow from those before them.

    Args:
        mean: of the features under any distribution of full support.
        covariance: of the same.
        scale: their size, below whose rounding a variance counts as zero.

    Returns:
        (flags, predict): a boolean array, and a function from averages to
        those of the redundant features that follow.
    """
    count = len(mean)
    kept, flags = [], np.zeros(count, bool)
    # Cholesky's rows of the kept features, against all.
    rows = np.zeros((count, count))
    left = np.diag(covariance).copy()
    for k in range(count):
        if left[k] <= 1e-10 * covariance[k, k] + 1e-24 * scale[k] ** 2:
            flags[k] = True
            continue
        row = covariance[k] - rows[: len(kept)].T @ rows[: len(kept), k]
        row /= np.sqrt(left[k])
        rows[len(kept)] = row
        left -= row**2
        kept.append(k)

    def predict(observed):
        part = covariance[np.ix_(kept, kept)]
        change = np.linalg.solve(part, (observed - mean)[kept])
        return mean[flags] + covariance[np.ix_(flags, kept)] @ change

    return flags, predict
