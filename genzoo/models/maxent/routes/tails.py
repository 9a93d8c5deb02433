"""How a density falls off beyond the window in which it is integrated."""

import itertools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.models.maxent.density import Density
from genzoo.types import Array

# Distances from the middle, in units of the window's half width.
_INSIDE = np.linspace(0.0, 1.0, 33)
_BEYOND = np.geomspace(1.0, 1e9, 181)[1:]
_DISTANCES = np.concatenate([_INSIDE, _BEYOND])
_DECADE = 20
_RANDOM_RAYS = 32
# States of the sites that have ends, which stand for all of them.
_MOST_STATES = 16
# Relative rounding errors of multipliers that were solved for.
_ROUNDING = 1e-10
# Of a power, between one decade and the next.
_CHANGE = 0.02
# Distances, in spans, at which a density is looked at, and their square; and
# numbers of features that are held at once.
_FAR_OUT = 1e3
_MOST_NUMBERS = 2**23
# Powers from here on are no tails of a power: the density falls faster.
_STEEP = 100.0


class Tail(NamedTuple):
    """The ray to infinity along which a density falls off least.

    Attributes:
        power: a where p falls off as |x|^-a; large where it falls faster.
        sites: how many sites go to infinity along it: p has an integral
            there if a is greater.
        ends: (width, 2), of all that is not negligible beyond the window;
            inf and -inf where nothing is.
        is_slow: for each site whether p falls off as a power along it.
    """

    power: float
    sites: int
    ends: Array
    is_slow: Array

    @property
    def is_integrable(self) -> bool:
        """Whether p has an integral."""
        return self.power > self.sites + 1e-6


def slowest_tail(
    density: Density,
    multipliers: tf.Tensor,
    ends: Array,
    beta: float = 1.0,
    depth: float = 45.0,
) -> Tail:
    """How p^beta falls off, looked at far beyond a window.

    Along the axes, the diagonals between them, and some rays at random.
    Multipliers have rounding errors, whose part grows with the features: a
    tail that such errors could make or unmake counts as one that decays.

    Args:
        density: p, which must have an unbounded site.
        multipliers: of its features.
        ends: of the window, (width, 2), which holds the greatest of p.
        beta: the power of p.
        depth: what is so many nats below the greatest of p is negligible.
    """
    space = density.space
    sites = np.flatnonzero(space.unbounded)
    directions = _directions(space, sites)
    held = _held_states(space, ends)
    edge, span = _from_where(space, ends, sites)
    # (rays, distances, unbounded sites)
    along = directions[:, None] * _DISTANCES[:, None] * span + edge
    whole = space.whole[sites]
    along[..., whole] = np.round(along[..., whole])
    rays, steps, _ = along.shape
    points = np.tile(held[:, None, None], (1, rays, steps, 1))
    points[..., sites] = along
    flat = tf.constant(points.reshape(-1, space.width))
    log_w = density.log_weight(flat, multipliers).numpy()
    log_w = log_w.reshape(-1, steps)
    with np.errstate(invalid="ignore", over="ignore"):
        slack = _slack(density, flat, multipliers, log_w)
        counts = np.tile((directions != 0).sum(axis=1), len(held))
        measure = counts[:, None] * np.log(np.maximum(_DISTANCES, 1.0))
        greatest = np.nanmax(log_w[:, : len(_INSIDE)])
        log_p = beta * (log_w - slack - greatest)
        log_p = _without_gaps(log_p)
        falls, before = _last_slopes(log_p)
        seen = log_p + measure > -depth
        change = np.abs(falls - before)
        is_power = (np.abs(falls) < _STEEP) & (np.abs(falls) > 1e-6)
        is_power &= change <= _CHANGE * np.maximum(np.abs(falls), 0.05)
    on_axis = np.tile(directions != 0, (len(held), 1))
    is_slow = np.zeros(space.width, bool)
    is_slow[sites] = on_axis[is_power & (counts == 1)].any(axis=0)
    worst = int(np.argmin(falls - counts))
    seen[:, : len(_INSIDE)] = False
    seen = points.reshape(-1, steps, space.width)[seen]
    beyond = np.tile([np.inf, -np.inf], (space.width, 1))
    if len(seen):
        beyond[sites] = np.stack([seen.min(axis=0), seen.max(axis=0)], 1)[sites]
    return Tail(float(falls[worst]), int(counts[worst]), beyond, is_slow)


def _directions(space, sites):
    """Rays, (n, sites), from -1 to 1; outwards where a site has one end."""
    least = np.where(np.isfinite(space.low[sites]), 0, -1)
    most = np.where(np.isfinite(space.high[sites]), 0, 1)
    axes = [range(a, b + 1) for a, b in zip(least, most, strict=True)]
    rays = [np.array(ray, float) for ray in itertools.product(*axes)]
    rays = [ray for ray in rays if ray.any()]
    if len(sites) > 1:
        generator = np.random.default_rng(0)
        drawn = generator.uniform(least, most, (_RANDOM_RAYS, len(sites)))
        rays += list(drawn / np.abs(drawn).max(axis=1, keepdims=True))
    return np.array(rays)


def _from_where(space, ends, sites):
    """Where rays begin, and their unit: (sites,) each."""
    low, high = np.asarray(ends, np.float64)[sites].T
    one_sided = np.isfinite(space.low[sites]) | np.isfinite(space.high[sites])
    edge = np.where(np.isfinite(space.low[sites]), low, high)
    edge = np.where(one_sided, edge, 0.5 * (low + high))
    return edge, np.where(one_sided, high - low, 0.5 * (high - low))


def _held_states(space, ends):
    """States of the sites that have ends, (n, width); others in the middle."""
    axes = []
    for site, levels in enumerate(space.levels):
        low, high = ends[site]
        if space.unbounded[site]:
            axes.append([0.5 * (low + high)])
        elif levels is not None:
            axes.append(list(levels))
        else:
            axes.append([low, 0.5 * (low + high), high])
    count = int(np.prod([len(axis) for axis in axes], dtype=float))
    chosen = np.unique(np.linspace(0, count - 1, _MOST_STATES).astype(int))
    digits = np.unravel_index(chosen, [len(axis) for axis in axes])
    columns = [
        np.asarray(a, float)[d] for a, d in zip(axes, digits, strict=True)
    ]
    return np.stack(columns, axis=1)


def _slack(density, points, multipliers, log_w):
    """By how much log p may be too large for errors of the multipliers."""
    values = density.features(points).numpy()
    multipliers = np.asarray(multipliers)
    inside = np.zeros(log_w.shape, bool)
    inside[:, : len(_INSIDE)] = True
    body = inside & (log_w >= np.nanmax(log_w[inside]) - 2)
    body = body if body.any() else inside
    size = np.ptp(values[body.ravel()], axis=0)
    size = np.where(size > 0, size, np.ptp(values[inside.ravel()], axis=0))
    size = np.where(np.isfinite(size) & (size > 0), size, 1.0)
    error = _ROUNDING * (1 + np.abs(multipliers * size).max()) / size
    return (np.abs(values) @ error).reshape(log_w.shape)


def _without_gaps(log_p):
    """With what was before in place of what is no number."""
    log_p = np.where(np.isnan(log_p), -np.inf, log_p)
    return np.minimum(log_p, 1e300)


def _last_slopes(log_p):
    """-d log p / d log r over the last decade that is finite, and before it.

    Infinite where no number is so small.
    """
    falls, before = np.full((2, len(log_p)), np.inf)
    for ray, values in enumerate(log_p):
        last = int(np.flatnonzero(np.isfinite(values))[-1:].sum())
        places = last - _DECADE * np.arange(3)
        beyond = last < len(values) - 1 and values[last] < 0
        if places[-1] >= len(_INSIDE) and not beyond:
            slopes = np.diff(values[places]) / -np.diff(
                np.log(_DISTANCES[places])
            )
            falls[ray], before[ray] = slopes
    return falls, before


def growing_ray(
    density: Density, multipliers: Array, states: Array, span: Array
) -> Array | None:
    """A ray to infinity along which a density has no integral, if one is found.

    From states of chains, along the axes, pairs of them, all together, and to
    where chains are: those that run away show where a density grows.

    Args:
        density: p, which must have an unbounded site.
        multipliers: of its features.
        states: of chains, (chains, width), float64.
        span: of each site, the unit of distances.

    Returns:
        A direction, (width,), or None.
    """
    most = max(_MOST_NUMBERS // (2 * len(density.features)), 8)
    rays = _rays(density.space, states, span, most)
    begin = states[np.arange(len(rays)) % len(states)]
    begin = np.where(np.isfinite(begin), begin, 0.0)
    near, far = (
        _heights(density, begin, step * span * rays, multipliers)
        for step in (_FAR_OUT, _FAR_OUT**2)
    )
    measure = (rays != 0).sum(axis=1) * np.log(_FAR_OUT)
    with np.errstate(invalid="ignore"):
        grows = far[0] - near[0] + measure - _ROUNDING * (far[1] + near[1])
    grows = np.where(np.isposinf(far[0]), np.inf, grows)
    worst = int(np.argmax(np.where(np.isnan(grows), -np.inf, grows)))
    return rays[worst] if grows[worst] > 0 else None


def _rays(space, states, span, most):
    """Directions in units of the span, (n, width), outwards at finite ends."""
    sites = np.flatnonzero(space.unbounded)
    axes = np.eye(space.width)[sites]
    found = [axes, -axes, axes.sum(axis=0)[None]]
    pairs = np.array(list(itertools.combinations(range(len(sites)), 2)))
    if len(pairs):
        generator = np.random.default_rng(0)
        pairs = pairs[generator.permutation(len(pairs))[:most]]
        first, second = axes[pairs[:, 0]], axes[pairs[:, 1]]
        found += [first + second, first - second]
    # Chains that are farthest from the middle of all.
    away = (states - np.median(states, axis=0)) / np.where(span > 0, span, 1.0)
    away = np.where(space.unbounded & np.isfinite(away), away, 0.0)
    order = np.argsort(-np.abs(away).max(axis=1))[:_RANDOM_RAYS]
    found.insert(0, away[order])
    rays = np.concatenate(found)
    rays = np.where((rays < 0) & np.isfinite(space.low), 0.0, rays)
    rays = np.where((rays > 0) & np.isfinite(space.high), 0.0, rays)
    size = np.abs(rays).max(axis=1)
    rays = rays[size > 0][:most]
    return rays / np.abs(rays).max(axis=1, keepdims=True)


def _heights(density, begin, change, multipliers):
    """log p Z of states, and the size of what it is a sum of: (n,) each."""
    states = begin + change
    whole = density.space.whole
    states[:, whole] = np.round(states[:, whole])
    values = density.features(tf.constant(states)).numpy()
    log_r = density.log_reference(tf.constant(states)).numpy()
    with np.errstate(invalid="ignore", over="ignore"):
        parts = np.where(multipliers == 0, 0.0, values * multipliers)
        return parts.sum(axis=1) + log_r, np.abs(parts).sum(axis=1)
