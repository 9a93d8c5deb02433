"""The hidden states of a trained RBM as a layer of another model."""

from typing import Any, NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.units import Mixed, Multinomial, Unit


class _Units(NamedTuple):
    """What a layer is made of where there is no RBM: its units alone."""

    visible: Unit
    hidden: Unit


@keras.saving.register_keras_serializable("genzoo")
class Features(keras.layers.Layer):
    """<h | v>: the mean hidden states that an RBM has for its examples.

    Examples of shape (batch, *rbm.event_shape) become (batch,
    *rbm.hidden.space.event_shape), as `rbm.hidden_mean` gives them; of mixed
    units they may come as blocks by name. The layer
    has weights of its own, a copy of the RBM's as they are when it is made:
    a model that has it is saved with them and loads without the RBM, and the
    RBM stays as it is whatever is trained.

    Args:
        rbm: the `RBM`.
        trainable: whether training the outer model changes the kernel and
            the hidden units' weights, by gradients through <h | v>.
        **kwargs: `name` and `dtype`, as in Keras; the dtype is by default
            the RBM's.

    Attributes:
        kernel: weights W, (visible.width, hidden.width).
        visible: units that hold the scale of examples; never trained.
        hidden: units with the hidden bias.

    Raises:
        ValueError: if `rbm` has no visible and hidden units.

    Reference:
        Hinton and Salakhutdinov, "Reducing the dimensionality of data with
        neural networks", 2006.

    Example:
    >>> rbm = genzoo.RBM(genzoo.units.Bernoulli(64), genzoo.units.Bernoulli(9))
    >>> rbm.adapt(x_train)
    >>> model = keras.Sequential(
    ...     [genzoo.layers.Features(rbm), keras.layers.Dense(10)]
    ... )
    >>> tuple(model(x_train[:5]).shape)
    (5, 10)
    """

    def __init__(self, rbm: Any, trainable: bool = False, **kwargs):
        checks.layer_keywords(type(self).__name__, kwargs)
        units: Any = [getattr(rbm, name, None) for name in _Units._fields]
        if not all(isinstance(unit, Unit) for unit in units):
            raise ValueError(
                "Features: rbm must be a genzoo.RBM, which has visible and "
                f"hidden units; received {rbm!r}."
            )
        if getattr(rbm, "condition", None) is not None:
            raise ValueError(
                "Features: rbm is conditional; its hidden means depend on a "
                "condition. Ask for rbm.hidden_mean(x, condition=)."
            )
        kwargs.setdefault("dtype", getattr(rbm, "dtype_policy", None))
        super().__init__(**kwargs)
        # Real-valued examples are centred before they are rounded.
        self.autocast = False
        self.visible, self.hidden = (self._copy(unit) for unit in units)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.visible.width, self.hidden.width),
            initializer="glorot_uniform",
            autocast=False,
        )
        given = getattr(rbm, "kernel", None)
        if given is not None:
            self.kernel.assign(np.asarray(given))
            for own, unit in zip(
                (self.visible, self.hidden), units, strict=True
            ):
                own.set_weights(unit.get_weights())
        self._set_trainable(bool(trainable))
        if not isinstance(self.visible, Mixed):
            shape = (None, *self.visible.space.event_shape)
            self.input_spec = keras.layers.InputSpec(shape=shape)
        self.built = True

    def _copy(self, unit: Unit) -> Unit:
        config = unit.get_config()
        if unit.variable_dtype != self.variable_dtype:
            config["dtype"] = self.variable_dtype
        return type(unit).from_config(config)

    @property
    def trainable(self) -> bool:
        """Whether kernel and hidden bias are trained."""
        return super().trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._set_trainable(value)

    def _set_trainable(self, value):
        keras.layers.Layer.trainable.fset(self, value)
        # No gradient reaches the scale of examples.
        for weight in self.visible.weights:
            weight.trainable = False

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """<h | v> of examples, (batch, *hidden.space.event_shape)."""
        visible: Any = self.visible
        if isinstance(visible, Mixed):
            x = self._joined(x)
        v = visible.standardise(visible.space.flatten(ops.convert_to_tensor(x)))
        dtype = self.compute_dtype
        field = ops.matmul(ops.cast(v, dtype), ops.cast(self.kernel, dtype))
        # Potentials are summed in the weights' own dtype.
        field = ops.cast(field, self.variable_dtype)
        if isinstance(visible, Multinomial):
            # The hidden bias is that of each word.
            bias = ops.cast(self.hidden.bias, field.dtype)
            field += (visible.totals(v)[:, None] - 1) * bias
        mean = self.hidden.mean(field)
        mean = self.hidden.restore(mean)
        return ops.cast(self.hidden.space.unflatten(mean), dtype)

    def _joined(self, x):
        space: Any = self.visible.space
        where = type(self).__name__
        if space.are_blocks(x):
            return space.joined_batch(where, x)
        if tuple(x.shape[1:]) != space.event_shape:
            raise ValueError(
                f"{where}: x must have shape (n, {space.width}), or be the "
                f"blocks {space.names} by name; received {tuple(x.shape)}."
            )
        return x

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(batch, *hidden.space.event_shape)."""
        first = input_shape
        if isinstance(first, dict):
            first = next(iter(first.values()))
        return (first[0], *self.hidden.space.event_shape)

    def get_config(self) -> dict[str, Any]:
        """The units, of which the layer is made again."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "visible": serialize(self.visible),
            "hidden": serialize(self.hidden),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A layer from `get_config`, whose weights are still to be loaded."""
        config = dict(config)
        deserialize = keras.saving.deserialize_keras_object
        units = [deserialize(config.pop(name)) for name in _Units._fields]
        return cls(_Units(*units), **config)
