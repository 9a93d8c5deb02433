"""The units of data: taken out before a network, put back behind it."""

from typing import Any

import keras
import numpy as np
from keras import ops

from genzoo import checks
from genzoo.types import ArrayLike

# A deviation below this share of the mean is one of rounding.
_ROUNDING = 4e-7
_OF_CONSTANTS = 1e-3
# Deviations of columns of about one, and of shares; and the share of the
# variance of bits of the same mean from which on a column may be of shares.
_BROAD, _SMALL, _OF_BITS = 0.25, 0.05, 0.2


@keras.saving.register_keras_serializable("genzoo")
class Standardization(keras.layers.Layer):
    """`(x - mean) / scale` of each column, or `mean + scale x`.

    Columns of ages, of incomes and of shares are one to a network that begins
    with this layer, and what it gives has their units if it ends with the
    inverse. `genzoo.GAN` adapts the layers of its networks to the first data
    that it is fitted to: means and standard deviations of the last axis. A
    column that never changes has the scale of a thousandth of its value, so
    that it is generated as nearly constant; one of about 1 already, with a
    mean within 1 and a deviation of 0.25 to 1, stays as it is, and so do
    zeros and ones, however rare, and shares with a deviation from 0.05 on,
    such as pixels, that are mostly near 0 or 1: a fifth or more of the
    variance of bits of the same mean. Before that, and in a custom loop
    without `adapt`, the layer changes nothing.

    Args:
        inverse: whether to put the units back.
        centred: whether there is a mean; without, scales are root mean
            squares, and what is not negative stays so.

    Raises:
        ValueError: for an argument that is no bool.

    Example:
    >>> layer = genzoo.layers.Standardization()
    >>> layer.adapt(np.array([[20.0, 1e5], [60.0, 3e5]]))
    >>> layer(np.array([[40.0, 3e5]])).numpy().tolist()
    [[0.0, 1.0]]
    """

    def __init__(self, inverse: bool = False, centred: bool = True, **kwargs):
        super().__init__(**{"trainable": False, "dtype": "float32", **kwargs})
        self.inverse = checks.flag(inverse, "Standardization: inverse")
        self.centred = checks.flag(centred, "Standardization: centred")

    def build(self, input_shape: tuple) -> None:
        """Make weights for the last axis."""
        shape = (input_shape[-1],)
        self.mean = self.add_weight(shape, "zeros", name="mean")
        self.scale = self.add_weight(shape, "ones", name="scale")
        self.adapted = self.add_weight((), "zeros", name="adapted")
        self.built = True

    @property
    def is_adapted(self) -> bool:
        """Whether it has the units of some data."""
        return bool(ops.convert_to_numpy(self.adapted))

    def adapt(self, x: ArrayLike) -> None:
        """Take the units of an array of examples, shape (n, ..., columns)."""
        x = np.asarray(x, "float64")
        rows = x.reshape(-1, x.shape[-1])
        self.adapt_to(rows.mean(axis=0), rows.var(axis=0))

    def adapt_to(self, mean: ArrayLike, variance: ArrayLike) -> None:
        """Take the units of columns of these means and variances.

        Both may have more axes, as those of images; they are averaged. Where
        there are more columns than means, examples are packed side by side.
        """
        mean, variance = (np.asarray(v, "float64") for v in (mean, variance))
        if not self.built:
            self.build((None, mean.shape[-1]))
        mean, variance = (
            np.reshape(v, (-1, v.shape[-1])) for v in (mean, variance)
        )
        centre = mean.mean(axis=0)
        variance = variance.mean(axis=0) + mean.var(axis=0)
        if not self.centred:
            variance, centre = variance + centre**2, np.zeros_like(centre)
        size = np.abs(mean).max(axis=0)
        constant = _OF_CONSTANTS * np.where(size > 0, size, 1.0)
        deviation = np.sqrt(variance)
        scale = np.where(deviation > _ROUNDING * size, deviation, constant)
        is_one = (deviation >= _BROAD) & (deviation <= 1) & (size <= 1)
        # Zeros and ones have this variance, however rare.
        of_bits = size * (1 - size)
        # Shares and indicators: a rare one is not to count more than others.
        are_shares = (variance >= _OF_BITS * of_bits) & (variance <= of_bits)
        is_one |= are_shares & (deviation >= _SMALL) & (mean > 0).all(axis=0)
        is_one |= (deviation > 0) & (np.abs(variance - of_bits) < 1e-9)
        centre = np.where(is_one, 0.0, centre)
        scale = np.where(is_one, 1.0, scale)
        copies = self.scale.shape[0] // len(scale)
        self.mean.assign(np.tile(centre, copies))
        self.scale.assign(np.tile(scale, copies))
        self.adapted.assign(1.0)

    def call(self, x: Any) -> Any:
        """float32 of the shape of x."""
        if self.inverse:
            return self.mean + self.scale * x
        return (x - self.mean) / self.scale

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """That of its input."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "inverse": self.inverse,
            "centred": self.centred,
        }
