"""Where a density on unbounded sites has its mass: the grid's window."""

import numpy as np
import tensorflow as tf

# An unbounded site is integrated where the log-density is within this many
# nats of its maximum.
_DEPTH = 45.0
_MOST_WINDOWS = 25
# Distances at which a mode is looked for.
_FAR = np.geomspace(1e-9, 1e9, 721)


class Window:
    """The part of `MaxEnt` that knows where to integrate."""

    @property
    def _unbounded(self):
        """A boolean for each site."""
        return ~(np.isfinite(self.space.low) & np.isfinite(self.space.high))

    def place_window(self, mean, spread):
        """Set the window 12 standard deviations around the mean."""
        ends = np.stack([mean - 12 * spread, mean + 12 * spread], axis=1)
        known = np.stack([self.space.low, self.space.high], axis=1)
        # With one finite end the other is as far away as the mean asks.
        edge = np.where(np.isfinite(known), known, mean[:, None])
        reach = 12 * (spread + np.abs(mean[:, None] - edge).max(axis=1))
        one_sided = np.isfinite(known).any(axis=1)
        ends[:, 0] = np.where(one_sided, mean - reach, ends[:, 0])
        ends[:, 1] = np.where(one_sided, mean + reach, ends[:, 1])
        self.set_window(ends)

    def set_window(self, ends):
        """Set the ends, (width, 2); those of the space stay."""
        known = np.stack([self.space.low, self.space.high], axis=1)
        self.window.assign(np.where(np.isfinite(known), known, ends))

    def place_window_by_moments(self, observed):
        """Place it where the moments among the observations say."""
        found = dict(zip(self.features.names, observed, strict=True))
        names = self.space.site_names
        mean = np.array([found.get(name, 0.0) for name in names])
        spread = np.ones(len(names))
        for i, name in enumerate(names):
            for power in (2, 4, 6):
                moment = found.get(f"{name}^{power}")
                if moment is not None and moment > 0:
                    size = moment ** (1 / power)
                    spread[i] = np.sqrt(max(size**2 - mean[i] ** 2, 0.0))
                    spread[i] = max(spread[i], 1e-6 * size)
                    break
        self.place_window(mean, spread)

    def settle_window(self, beta=1.0):
        """Find the mass of the present density, from anywhere.

        A mode is looked for along one site after the other, at distances of
        all orders; then the window grows or shrinks as it does between steps.

        Args:
            beta: inverse temperature of the density.

        Raises:
            ValueError: if the density does not decay towards infinity.
        """
        centre = np.clip(
            np.zeros(self.space.width), self.space.low, self.space.high
        )
        for site, levels in enumerate(self.space.levels):
            if levels is not None:
                centre[site] = levels[0]
        offsets = np.concatenate([-_FAR[::-1], [0.0], _FAR])
        best = -np.inf
        extent = np.tile(centre[:, None], 2)
        for _ in range(200):
            before = best
            for site, levels in enumerate(self.space.levels):
                tried = centre[site] + offsets if levels is None else levels
                tried = np.asarray(tried, np.float64)
                low, high = self.space.low[site], self.space.high[site]
                tried = np.unique(np.clip(tried, low, high))
                points = np.tile(centre, (len(tried), 1))
                points[:, site] = tried
                value = beta * self._log_density(tf.constant(points)).numpy()
                value = np.where(np.isnan(value), -np.inf, value)
                place = int(np.argmax(value))
                best, centre[site] = value[place], tried[place]
                near = tried[value > best - _DEPTH]
                extent[site] = near[0], near[-1]
            if best <= before + 1e-6:
                break
        middle = extent.mean(axis=1)
        reach = 1.5 * np.maximum(np.ptp(extent, axis=1) / 2, 1e-9)
        self.set_window(np.stack([middle - reach, middle + reach], axis=1))
        self.windows_tried = 0
        while self.move_window(beta):
            pass

    def move_window(self, beta=1.0):
        """Fit the window to the present density; whether it has moved.

        Args:
            beta: inverse temperature of the density.

        Raises:
            ValueError: if the density does not decay towards infinity.
        """
        unbounded = self._unbounded
        if not unbounded.any() or not self.is_summable:
            return False
        window = self.window.numpy()
        new = window.copy()
        grid = self.grid()
        log_density = beta * self._log_density_on_grid(grid)
        low, high = (np.asarray(b) for b in self.space.bounds(window))
        for site in np.flatnonzero(unbounded):
            others = tuple(i for i in range(len(grid.sizes)) if i != site)
            profile = log_density.max(axis=others)
            deep = np.flatnonzero(profile > profile.max() - _DEPTH)
            if not len(deep):
                # Multipliers beyond all numbers tell nothing.
                return False
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
        known = np.stack([self.space.low, self.space.high], axis=1)
        new = np.where(np.isfinite(known), known, new)
        if np.array_equal(new, window):
            return False
        self.windows_tried += 1
        if self.windows_tried > _MOST_WINDOWS or np.abs(new).max() > 1e12:
            self.refuse_density()
        self.window.assign(new)
        return True

    def refuse_density(self):
        """Raise a ValueError: the density has no integral."""
        window = self.window.numpy()
        raise ValueError(
            f"{type(self).__name__}: the density does not decay towards "
            "infinity, so that it cannot be normalised (looked at in the "
            f"window {np.round(window, 3).tolist()}). Constrain a power that "
            "bounds it, such as Moments(1, 2), or use an Interval."
        )

    def _log_density(self, points):
        x = tf.convert_to_tensor(self.multiplier_weights.value)
        value = tf.linalg.matvec(self.features(points), x)
        return value + self.log_reference(points)

    def _log_density_on_grid(self, grid):
        parts = []
        for start in range(0, grid.count, 2**16):
            points = grid.points(start, min(2**16, grid.count - start))
            parts.append(self._log_density(points))
        return tf.concat(parts, axis=0).numpy().reshape(grid.sizes)
