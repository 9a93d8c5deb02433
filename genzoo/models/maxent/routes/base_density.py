"""The density without a model: where chains begin, and annealing too."""

from typing import Any

import numpy as np
import tensorflow as tf

from genzoo.models.maxent.routes.window import STANDARD_DEVIATIONS, Window
from genzoo.runtime import random
from genzoo.spaces import Space


class BaseDensity:
    """p0: even on levels and intervals, normal on unbounded sites.

    A site that reaches infinity on both sides is normal about the middle of
    the window, with its width over 24 as standard deviation; one that does so
    on one side is half a standard normal distribution beyond its end.

    Args:
        space: where it lies.
        window: where the unbounded sites have their mass.
    """

    def __init__(self, space: Space, window: Window):
        self.space = space
        self.window = window
        self.both = np.isinf(space.low) & np.isinf(space.high)

    def _middle_and_spread(self, dtype):
        low, high = self.space.bounds(self.window.body())
        spread = (high - low) / (2 * STANDARD_DEVIATIONS)
        return tf.cast(0.5 * (low + high), dtype), tf.cast(spread, dtype)

    def sample(self, n: int | tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """n independent states, (n, width), float32."""
        x = self.space.start(n, seed)
        if self.space.is_bounded:
            return x
        middle, spread = self._middle_and_spread(tf.float32)
        x = tf.where(self.both, middle + spread * x, x)
        if not self.space.whole.any():
            return x
        # Geometric, by the logarithm of a uniform draw.
        own = random.fold_in(seed, 1)
        uniform = random.uniform((n, self.space.width), own, "float64")
        log_ratio = tf.math.log(self._ratio(tf.float64))
        number = tf.floor(tf.math.log1p(-uniform) / log_ratio)
        return tf.where(self.space.whole, tf.cast(number, x.dtype), x)

    def _ratio(self, dtype):
        """q of whole numbers k, whose p0 is q^k (1 - q), (width,)."""
        middle = 0.5 * tf.reduce_sum(self.window.body(), axis=1) / 6
        middle = tf.where(self.space.whole, tf.maximum(middle, 1.0), 1.0)
        return tf.cast(middle / (1 + middle), dtype)

    def log_prob(
        self, x: tf.Tensor, seen: tf.Tensor | None = None
    ) -> tf.Tensor:
        """log p0 of states (batch, width), (batch,).

        Args:
            x: states.
            seen: of which sites, bool (batch, width); None for all.
        """
        space = self.space
        total = tf.zeros(tf.shape(x)[:1], x.dtype)
        if seen is None:
            parts: Any = [1.0] * space.width
        else:
            parts = tf.unstack(tf.cast(seen, x.dtype), axis=1)
        middles, spreads = self._middle_and_spread(x.dtype)
        ratio = self._ratio(x.dtype)
        for site, levels in enumerate(space.levels):
            low, high = space.low[site], space.high[site]
            if levels is not None:
                total -= parts[site] * np.log(len(levels))
            elif np.isfinite(low) and np.isfinite(high):
                total -= parts[site] * np.log(high - low)
            elif space.whole[site]:
                own = x[:, site] * tf.math.log(ratio[site])
                total += parts[site] * (own + tf.math.log1p(-ratio[site]))
            else:
                middle, spread, sides = 0.0, 1.0, 2.0
                if np.isfinite(low):
                    middle = low
                elif np.isfinite(high):
                    middle = high
                else:
                    middle, spread, sides = middles[site], spreads[site], 1.0
                z = (x[:, site] - middle) / spread
                norm = 0.5 * np.log(2 * np.pi) - np.log(sides)
                own = 0.5 * z * z + tf.math.log(spread) + norm
                total -= parts[site] * own
        return total
