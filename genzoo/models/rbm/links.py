"""The condition of an RBM: what is given and not modelled, and its links."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.models.common.conditions import NAME, Conditions
from genzoo.models.rbm.start import weighed_mean
from genzoo.runtime import data, distribute, weights
from genzoo.types import Array
from genzoo.units import Gaussian, Mixed, Unit
from genzoo.units.mixed import layer_of

# Of conditions that hardly vary.
_LEAST = 1e-4


def units_of(given: Any, dtype: Any) -> Mixed:
    """The condition's units, of what `condition=` may be.

    Raises:
        ValueError: for something else.
    """
    if isinstance(given, Mixed):
        return given
    if _is_shape(given):
        size = int(given) if np.ndim(given) == 0 else tuple(map(int, given))
        given = Gaussian(size, dtype=dtype)
    if isinstance(given, Unit):
        return Mixed([given], [NAME])
    if not isinstance(given, (list, tuple, Mapping)):
        raise ValueError(
            "RBM: condition must be the number of real-valued inputs, units, "
            "such as genzoo.units.Categorical(1, 10), or a list or dict of "
            f"them; received {given!r}."
        )
    return layer_of(given, "RBM: condition")


def _is_shape(given):
    if isinstance(given, (int, np.integer)):
        return not isinstance(given, bool)
    is_list = isinstance(given, (list, tuple)) and len(given) > 0
    return is_list and all(map(_is_shape, given))


class Links(keras.layers.Layer):
    """What the condition c adds to the biases: `a + c A` and `b + c B`.

    Args:
        units: the condition's; they are never modelled, and have no bias.
        visible: number of visible columns.
        hidden: number of hidden columns.
        centered: whether gradients are those of c less its mean.
        regularizer: of both kernels.

    Attributes:
        given: the `Conditions`, as a user gives them.
        to_visible: weight A, (condition width, visible width).
        to_hidden: weight B, (condition width, hidden width).
        mean: weight, the data's mean condition, (condition width,).
        pace: weight, at which rate the two learn beside the kernel, (2,).
    """

    def __init__(
        self,
        units: Mixed,
        visible: int,
        hidden: int,
        centered: bool,
        regularizer: Any = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.given = Conditions(units.space)
        self.centered = centered
        self.to_visible, self.to_hidden = (
            self.add_weight(
                name=name,
                shape=(units.width, width),
                initializer="zeros",
                regularizer=regularizer,
                autocast=False,
            )
            for name, width in (("to_visible", visible), ("to_hidden", hidden))
        )
        self.mean = distribute.mirrored_weight(self, "mean", (units.width,))
        self.pace = distribute.mirrored_weight(self, "pace", (2,), "ones")
        self._variance = np.ones(units.width)
        self.built = True

    def add_weight(self, *args: Any, **kwargs: Any) -> keras.Variable:
        """A weight as in Keras; whether it is assigned later is noticed."""
        return weights.mark(super().add_weight(*args, **kwargs))

    @property
    def parameters(self) -> list[keras.Variable]:
        """A and B."""
        return [self.to_visible, self.to_hidden]

    # From data --------------------------------------------------------------

    def adapt(self, c: Any, weight: Any, steps: int | None) -> None:
        """Take scales, the mean and the variance of conditions.

        Args:
            c: an array (n, width), or a checked dataset of (x, c).
            weight: of the rows of an array.
            steps: how many batches of a dataset to see.
        """
        if not data.is_array(c):
            c = data.mapped(c, _conditions)
        mean, variance, count = data.moments(c, steps, weight)
        columns = 0
        for block in self.units.blocks():
            own = slice(columns, columns + block.width)
            columns = own.stop
            block.adapt_untouched(mean[own], variance[own], round(count))
            # It plays no part.
            block.bias.assign(np.zeros(block.width))
        rows = self.units.standardise(np.stack([mean, mean + 1])).numpy()
        self.mean.assign(rows[0])
        self._variance = variance * np.square(rows[1] - rows[0])

    def keep_pace(self, of_visible: float, of_hidden: float) -> None:
        """Learn at the rate that the kernel has, in the condition's units.

        Args:
            of_visible: the variance of visible units.
            of_hidden: that of hidden units.
        """
        own = max(weighed_mean(self._variance), _LEAST)
        self.pace.assign([of_hidden / own, of_visible / own])

    def beside(self, states: Array, c: Any) -> Array:
        """Visible states, and behind them those of conditions."""
        given = self.states(tf.convert_to_tensor(c)).numpy()
        return np.concatenate([states, given], axis=1)

    def open_mask(self, mask: Array | None) -> Array | None:
        """A kernel's mask, with B behind it, which has none."""
        if mask is None:
            return None
        return np.concatenate([mask, np.ones(self.to_hidden.shape, bool)])

    # Inside graphs ----------------------------------------------------------

    def states(self, c: tf.Tensor) -> tf.Tensor:
        """The states of conditions, (rows, width)."""
        return self.units.standardise(ops.convert_to_tensor(c))

    def shifts(self, states: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """(u A, u B) of states u."""
        return tuple(
            tf.matmul(ops.cast(states, w.dtype), tf.convert_to_tensor(w.value))
            for w in self.parameters
        )

    def center(self, found: list, biases: list) -> tuple[list, list]:
        """The gradients with c less its mean in the energy.

        With that, A and B move none of the biases at the mean condition.

        Args:
            found: plain gradients of A and of B.
            biases: of the visible and of the hidden bias; None for a bias
                that cannot move, so that nothing is centred.

        Returns:
            (gradients of A and B, what the biases' gradients have less).
        """
        mean = tf.convert_to_tensor(self.mean.value)
        slopes, less = [], []
        for slope, of_bias in zip(found, biases, strict=True):
            if not self.centered or of_bias is None:
                slopes.append(slope)
                less.append(0.0)
                continue
            slopes.append(slope - mean[:, None] * of_bias)
            less.append(tf.linalg.matvec(slopes[-1], mean, transpose_a=True))
        return slopes, less


def _conditions(parts, c):
    """A batch's conditions, with its weights."""
    weight = parts.get("weight") if isinstance(parts, dict) else None
    return c if weight is None else {"x": c, "weight": weight}
