"""Where real sites end: what would lie beyond is folded back."""

import numpy as np
import tensorflow as tf

from genzoo.spaces import Space


class Ends:
    """The ends of a space's real sites; angles have none.

    Args:
        space: a `Space`, a product of sites.

    Attributes:
        real: which sites are real numbers and no angles, (width,).
    """

    def __init__(self, space: Space):
        self.real = np.zeros(space.width, bool)
        self.real[space.real_sites] = True
        self.real &= ~space.periodic
        self._ends = []
        for end, fold in ((space.low, tf.maximum), (space.high, tf.minimum)):
            sites = self.real & np.isfinite(end)
            if sites.any():
                at = np.where(sites, end, 0.0).astype(np.float32)
                self._ends.append((sites, at, fold))

    def folded(self, x: tf.Tensor) -> tf.Tensor:
        """States (rows, width), those beyond an end mirrored at it, once."""
        for sites, at, fold in self._ends:
            x = tf.where(sites, fold(x, 2 * at - x), x)
        return x

    def log_images(
        self, x: tf.Tensor, centres: tf.Tensor, size: tf.Tensor
    ) -> tf.Tensor | float:
        """log of folded normal kernels over plain ones, (rows, centres).

        The image of a centre c at an end e adds exp(-2 (x - e) (c - e) / s^2)
        to one.

        Args:
            x: states, (rows, width).
            centres: of kernels, (centres, width).
            size: the standard deviations s, (centres, width).
        """
        if not self._ends:
            return 0.0
        has_any = np.any([sites for sites, _, _ in self._ends], axis=0)
        total = 1.0
        for sites, at, _ in self._ends:
            own, theirs = (
                tf.boolean_mask(part, has_any, axis=1)
                for part in (x - at, (centres - at) / size**2)
            )
            image = tf.exp(-2 * own[:, None] * theirs[None])
            total += tf.where(sites[has_any], image, 0.0)
        return tf.reduce_sum(tf.math.log(total), axis=-1)
