"""Where a density on unbounded sites has its mass: the grid's window."""

import keras
import numpy as np
import tensorflow as tf

from genzoo.models.maxent.density import Density
from genzoo.runtime import distribute
from genzoo.spaces import Space
from genzoo.types import Array

# A window reaches so many standard deviations of the data to both sides.
STANDARD_DEVIATIONS = 12
# An unbounded site is integrated where the log-density is within this many
# nats of its maximum.
_DEPTH = 45.0
_MOST_MOVES = 25
_FARTHEST = 1e12
# Distances at which a mode is looked for.
_FAR = np.geomspace(1e-9, 1e9, 721)
_BLOCK = 2**16


class Window(keras.layers.Layer):
    """The ends between which each site is integrated.

    Sites of finite ends keep these; for the others the window is placed
    where the data are, and follows the density from step to step.

    Args:
        space: the space of the sites.

    Attributes:
        ends: weight (width, 2).
    """

    def __init__(self, space: Space, **kwargs):
        super().__init__(trainable=False, dtype="float64", **kwargs)
        self.space = space
        self.known = np.stack([space.low, space.high], axis=1)
        self.ends = distribute.mirrored_weight(
            self,
            "window",
            (space.width, 2),
            lambda shape, dtype: np.tile(
                np.array([-20.0, 20.0], dtype), (shape[0], 1)
            ),
        )
        # Since the averages were new; a search that never ends has many.
        self.moves = 0
        self.built = True

    def place(self, mean: Array, spread: Array) -> None:
        """Reach 12 standard deviations to both sides of the mean."""
        reach = STANDARD_DEVIATIONS * spread
        ends = np.stack([mean - reach, mean + reach], axis=1)
        # With one finite end the other is as far away as the mean asks.
        is_known = np.isfinite(self.known)
        edge = np.where(is_known, self.known, mean[:, None])
        far = STANDARD_DEVIATIONS * (
            spread + np.abs(mean[:, None] - edge).max(axis=1)
        )
        one_sided = is_known.any(axis=1)
        ends[:, 0] = np.where(one_sided, mean - far, ends[:, 0])
        ends[:, 1] = np.where(one_sided, mean + far, ends[:, 1])
        self.ends.assign(self._held(ends))

    def _held(self, ends: Array) -> Array:
        """The ends, (width, 2), those of the space in their place."""
        return np.where(np.isfinite(self.known), self.known, ends)

    def place_by_moments(self, names: list[str], observed: Array) -> None:
        """Place it where the moments among averages of these names say."""
        found = dict(zip(names, observed, strict=True))
        sites = self.space.site_names
        mean = np.array([found.get(name, 0.0) for name in sites])
        spread = np.ones(len(sites))
        for i, name in enumerate(sites):
            for power in (2, 4, 6):
                moment = found.get(f"{name}^{power}")
                if moment is not None and moment > 0:
                    size = moment ** (1 / power)
                    spread[i] = np.sqrt(max(size**2 - mean[i] ** 2, 0.0))
                    spread[i] = max(spread[i], 1e-6 * size)
                    break
        self.place(mean, spread)

    def widen(self) -> None:
        """Reach four times as far."""
        ends = self.ends.numpy()
        middle, reach = ends.mean(axis=1), np.ptp(ends, axis=1)
        ends = [middle - 4 * reach, middle + 4 * reach]
        self.ends.assign(self._held(np.stack(ends, axis=1)))

    def at(
        self, density: Density, multipliers: tf.Tensor, temperature: float
    ) -> tf.Tensor:
        """The ends that hold p^(1 / temperature), (width, 2), float64."""
        if temperature == 1 or self.space.is_bounded:
            return tf.convert_to_tensor(self.ends.value)
        return tf.constant(self._found(density, multipliers, 1 / temperature))

    def settle(self, density: Density, multipliers: tf.Tensor) -> None:
        """Find the mass of a density, from anywhere.

        Raises:
            ValueError: if it does not decay towards infinity.
        """
        self.ends.assign(self._found(density, multipliers, 1.0))

    def _found(self, density, multipliers, beta):
        """The ends that hold a density, wherever it is.

        A mode is looked for along one site after the other, at distances of
        all orders; then the window grows or shrinks as it does between steps.
        """
        space = self.space
        centre = np.clip(np.zeros(space.width), space.low, space.high)
        for site, levels in enumerate(space.levels):
            if levels is not None:
                centre[site] = levels[0]
        offsets = np.concatenate([-_FAR[::-1], [0.0], _FAR])
        best = -np.inf
        extent = np.tile(centre[:, None], 2)
        for _ in range(200):
            before = best
            for site, levels in enumerate(space.levels):
                tried = centre[site] + offsets if levels is None else levels
                tried = np.asarray(tried, np.float64)
                tried = np.clip(tried, space.low[site], space.high[site])
                tried = np.unique(tried)
                points = np.tile(centre, (len(tried), 1))
                points[:, site] = tried
                weights = density.log_weight(tf.constant(points), multipliers)
                value = beta * weights.numpy()
                value = np.where(np.isnan(value), -np.inf, value)
                place = int(np.argmax(value))
                best, centre[site] = value[place], tried[place]
                near = tried[value > best - _DEPTH]
                extent[site] = near[0], near[-1]
            if best <= before + 1e-6:
                break
        middle = extent.mean(axis=1)
        reach = 1.5 * np.maximum(np.ptp(extent, axis=1) / 2, 1e-9)
        ends = self._held(np.stack([middle - reach, middle + reach], axis=1))
        for _ in range(_MOST_MOVES):
            moved = self._moved(density, multipliers, ends, beta)
            if moved is None:
                return ends
            if np.abs(moved).max() > _FARTHEST:
                break
            ends = moved
        return self.refuse(ends)

    def move(self, density: Density, multipliers: tf.Tensor) -> bool:
        """Fit the window to the present density; whether it has moved.

        Raises:
            ValueError: if the density does not decay towards infinity.
        """
        if self.space.is_bounded:
            return False
        ends = self._moved(density, multipliers, self.ends.numpy(), 1.0)
        if ends is None:
            return False
        self.moves += 1
        if self.moves > _MOST_MOVES or np.abs(ends).max() > _FARTHEST:
            self.refuse()
        self.ends.assign(ends)
        return True

    def _moved(self, density, multipliers, ends, beta):
        """Better ends for a density, or None if these are good."""
        grid = self.space.quadrature(
            None, tf.constant(ends), density.features.breaks
        )
        log_density = beta * _on_grid(density, multipliers, grid)
        low, high = (np.asarray(b) for b in self.space.bounds(ends))
        new = ends.copy()
        for site in np.flatnonzero(self.space.unbounded):
            others = tuple(i for i in range(len(grid.sizes)) if i != site)
            profile = log_density.max(axis=others)
            deep = np.flatnonzero(profile > profile.max() - _DEPTH)
            if not len(deep):
                # Multipliers beyond all numbers tell nothing.
                return None
            first, last = deep[[0, -1]]
            axis = np.asarray(grid.axes[site].values)
            scale, shift = 0.5 * (high - low)[site], 0.5 * (high + low)[site]
            at = axis * scale + shift
            width = high[site] - low[site]
            # Open ends are pushed out, empty ones cut off.
            a = low[site] - (2 * width if first == 0 else 0.0)
            b = high[site] + (2 * width if last == len(axis) - 1 else 0.0)
            margin = 0.05 * (at[last] - at[first]) + 2 * np.max(
                np.diff(at[max(first - 1, 0) : last + 2])
            )
            if first > 0 and at[first] - low[site] > 0.15 * width:
                a = max(a, at[first] - margin)
            if last < len(axis) - 1 and high[site] - at[last] > 0.15 * width:
                b = min(b, at[last] + margin)
            new[site] = a, b
        new = self._held(new)
        return None if np.array_equal(new, ends) else new

    def refuse(self, ends: Array | None = None) -> None:
        """Raise a ValueError: the density has no integral."""
        ends = self.ends.numpy() if ends is None else ends
        raise ValueError(
            "MaxEnt: the density does not decay towards infinity, so that it "
            "cannot be normalised (looked at in the window "
            f"{np.round(ends, 3).tolist()}). Constrain a power that bounds "
            "it, such as Moments(1, 2), or use an Interval."
        )


def _on_grid(density, multipliers, grid):
    """log p(x) Z at the points of a grid, in its shape."""
    parts = []
    for start in range(0, grid.count, _BLOCK):
        points = grid.points(start, min(_BLOCK, grid.count - start))
        parts.append(density.log_weight(points, multipliers))
    return tf.concat(parts, axis=0).numpy().reshape(grid.sizes)
