"""The hull of features' values: averages outside of it, and on its sides.

On a side only the states whose values lie on it can have a probability.
"""

from typing import NamedTuple

import numpy as np

from genzoo.types import Array

# How deep inside is on the boundary, in units of the spread near the face.
FLAT = 1e-11
# Nats between states that are left out and the rest.
LIMIT = 1e4
# Of a feature beside others, and of a part of a normal, what is rounding.
_DEPENDENT, _NOTHING = 1e-9, 1e-11
# Of heights above a side, for values of size one and for far ones.
_NEARLY_LEVEL, _LEVEL, _FAR_LEVEL = 1e-6, 1e-10, 1e-12


class Face(NamedTuple):
    """A side of the hull of the features' values, near to averages.

    Attributes:
        normal: the direction outwards, (features,), its largest part 1.
        depth: how far inside the averages are, in units of the spread of
            most values; below zero outside.
        corners: the numbers of values that it goes through.
    """

    normal: Array
    depth: float
    corners: list[int]


def combination(normal: Array, names: list[str]) -> str:
    """A sum of features in words, its largest coefficient 1."""
    order = np.argsort(-np.abs(normal))
    share = normal / np.abs(normal[order[0]])
    many = [k for k in order if np.abs(share[k]) > 1e-3]
    terms = [f"{share[k]:+.3g} ({names[k]})" for k in many[:6]]
    return " ".join(terms) + (" ..." if len(many) > 6 else "")


def separating(values: Array, observed: Array) -> Face | None:
    """The side of the hull that averages are near to or beyond, or None.

    The averages are moved away from the middle by a part in a million; if
    they then lie outside of the hull, this is the direction to its nearest
    point, and the depth is measured from there.

    Reference:
        Wolfe, "Finding the nearest point in a polytope", Mathematical
        Programming 11, 1976.
    """
    change = values - observed
    scale = _spread(change)
    points = change / scale
    size = np.linalg.norm(points, axis=1)
    share = 1 / (1 + size)
    middle = share @ points / share.sum()
    nearest, corral = _nearest_point(points + 1e-6 * middle)
    if np.linalg.norm(nearest) < 1e-9:
        return None
    normal = -nearest / np.linalg.norm(nearest)
    depth = float((points @ normal).max())
    rounding = 16 * np.finfo(float).eps * np.max(np.abs(observed) / scale)
    if depth >= -FLAT - rounding:
        # From the plane through what is nearest: a normal is known less well.
        plane = points[corral]
        distance = float(np.linalg.norm(_affine_minimum(plane) @ plane))
        inside = distance > FLAT + rounding
        depth = max(depth, distance) if inside else 0.0
    normal = normal / scale
    return Face(normal / np.abs(normal).max(), depth, corral)


def _spread(change):
    """That of most values, not of one that is far away."""
    scale = np.median(np.abs(change), axis=0)
    scale = np.where(scale > 0, scale, np.abs(change).max(axis=0))
    return np.where(scale > 0, scale, 1.0)


def _nearest_point(points):
    """(the point of the hull nearest to zero, the corners that it is of)."""
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
    return weights @ points[corral], corral


def _affine_minimum(points):
    """Weights, of sum one, of the point nearest to zero in an affine hull."""
    first, rest = points[0], points[1:] - points[0]
    if len(rest) == 0:
        return np.ones(1)
    others = np.linalg.lstsq(rest.T, -first, rcond=None)[0]
    return np.concatenate([[1 - others.sum()], others])


class Support(NamedTuple):
    """The states that averages on the boundary leave a probability.

    Attributes:
        multipliers: the direction to infinity, (features,): so far on the way
            that other states are `LIMIT` nats or more below.
        left: for each state whether it is one of them.
        normals: of the sides, each with its greatest part 1.
    """

    multipliers: Array
    left: Array
    normals: list[Array]


def support(
    values: Array, observed: Array, multipliers: Array
) -> Support | Face | None:
    """The least face of the hull that averages lie on, by its states.

    One side after the other: what lies on it is the next hull, of fewer
    features, as others follow from these.

    Args:
        values: of features at all states, (states, features).
        observed: the averages, (features,).
        multipliers: that leave out states already; zeros if none.

    Returns:
        The `Support`; the `Face` that averages lie beyond, of which no
        distribution has them; None if rounding does not let a side be told.

    Reference:
        Barndorff-Nielsen, "Information and exponential families", 1978.
        Geyer, "Likelihood inference in exponential families and directions
        of recession", Electronic Journal of Statistics 3, 2009.
    """
    change = values - observed
    heights = change @ multipliers
    left = heights > -0.5 * LIMIT
    normals: list[Array] = []
    for _ in range(values.shape[1] + 1):
        columns = _independent(change[left])
        part = change[left][:, columns]
        face = None
        if len(columns):
            face = separating(part, np.zeros(len(columns)))
        if face is None or face.depth > FLAT:
            return Support(multipliers, left, normals)
        normal = np.zeros(values.shape[1])
        if face.depth < -FLAT:
            normal[columns] = face.normal
            return face._replace(normal=normal)
        normal[columns], height = _level(part, face)
        if (height > 0).any() or not (height < 0).any():
            return None
        normals.append(normal)
        size = LIMIT / -height[height < 0].max()
        # Of what was left out before some may lie above this side.
        before = np.flatnonzero(~left)
        gain = size * (change[before] @ normal)
        many = np.max((LIMIT + gain) / -heights[before], initial=1.0)
        heights *= many
        heights[before] += gain
        heights[left] = size * height
        multipliers = many * multipliers + size * normal
        left = heights > -0.5 * LIMIT
    return None


def _independent(values):
    """Columns of which none follows from those before it, with a constant."""
    values = values - values.mean(axis=0)
    size = np.linalg.norm(values, axis=0)
    kept: list[int] = []
    basis = np.zeros((0, len(values)))
    for k, column in enumerate(values.T):
        rest = column
        for _ in range(2):
            rest = rest - (basis @ rest) @ basis
        length = np.linalg.norm(rest)
        if length > _DEPENDENT * size[k] and length > 0:
            kept.append(k)
            basis = np.concatenate([basis, rest[None] / length])
    return kept


def _level(change, face):
    """(the normal of a side, heights of values above it, exact zeros on it).

    A normal is known less well than the points that it is normal to.
    """
    scale = _spread(change)
    points = change / scale
    size = np.linalg.norm(points, axis=1)
    # Of the corners first, then of all that lie on the side but for rounding.
    normal, on_side = face.normal * scale, np.array(face.corners)
    for near in (_NEARLY_LEVEL, _LEVEL):
        normal = _normal_to(points[on_side], normal)
        height = (points - points[on_side[0]]) @ normal
        rounding = near + _FAR_LEVEL * size
        on_side = np.flatnonzero(np.abs(height) <= rounding)
    height[on_side] = 0.0
    return normal / scale, height


def _normal_to(plane, normal):
    """What is left of a normal without its part along a plane's points."""
    edges = plane[1:] - plane[0]
    length = np.linalg.norm(edges, axis=1)
    edges = edges[length > 0] / length[length > 0, None]
    if len(edges):
        _, sizes, axes = np.linalg.svd(edges, full_matrices=False)
        axes = axes[sizes > _DEPENDENT * sizes[0]]
        for _ in range(2):
            normal = normal - (axes @ normal) @ axes
    normal = normal / np.abs(normal).max()
    return np.where(np.abs(normal) < _NOTHING, 0.0, normal)
