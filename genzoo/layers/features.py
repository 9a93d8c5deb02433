"""Hidden states of an RBM or a deep machine as a layer of another model."""

from typing import Any, NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.units import Mixed, Multinomial, Unit

# Sweeps of mean field, until the means of a row move by less.
_SWEEPS, _TOLERANCE = 100, 1e-5


class _Layers(NamedTuple):
    """What is copied of a model.

    Attributes:
        units: the layers, that of examples first.
        kernels: between neighbours; None where they are still to be loaded.
        start: means of the layers 2, 4, ... at which mean field begins.
    """

    units: list[Any]
    kernels: list[Any] | None = None
    start: Any = None

    @classmethod
    def of(cls, model: Any) -> "_Layers":
        """Those of an RBM or a deep machine."""
        if isinstance(model, cls):
            return model
        if hasattr(model, "kernels"):
            start = np.asarray(model.offsets.visible.value)
            width = model.units[0].width
            return cls(list(model.units), list(model.kernels), start[width:])
        units = [getattr(model, name, None) for name in ("visible", "hidden")]
        return cls(units, [getattr(model, "kernel", None)])


@keras.saving.register_keras_serializable("genzoo")
class Features(keras.layers.Layer):
    """<h | v>: the mean hidden states that a model has for its examples.

    Of an `RBM` they are those of its hidden units. Of a
    `DeepBoltzmannMachine` they are those of one of its layers in the mean
    field of v, which is sought by sweeps until no mean moves; gradients go
    through all of them.

    Examples of shape (batch, *event_shape) become (batch, *shape of the
    hidden units), as the model's `hidden_mean` gives them; of mixed units they
    may come as blocks by name. The layer has weights of its own, a copy of the
    model's as they are when it is made: a model that has it is saved with them
    and loads without the RBM, and the RBM stays as it is whatever is trained.

    Args:
        rbm: the `RBM` or `DeepBoltzmannMachine`.
        trainable: whether training the outer model changes the kernels and
            the hidden units' weights, by gradients through <h | v>.
        layer: which layer of a deep machine, from 1 on; -1 is the last.
        **kwargs: `name` and `dtype`, as in Keras; the dtype is by default
            the model's.

    Attributes:
        units: the layers, of which the first holds the scale of examples and
            is never trained.
        kernels: weights W_l, (units[l].width, units[l + 1].width).

    Raises:
        ValueError: if `rbm` has no visible and hidden units, or has no such
            layer.

    Reference:
        Hinton and Salakhutdinov, "Reducing the dimensionality of data with
        neural networks", 2006. Salakhutdinov and Hinton, "Deep Boltzmann
        machines", AISTATS 2009.

    Example:
    >>> rbm = genzoo.RBM(genzoo.units.Bernoulli(64), genzoo.units.Bernoulli(9))
    >>> rbm.adapt(x_train)
    >>> model = keras.Sequential(
    ...     [genzoo.layers.Features(rbm), keras.layers.Dense(10)]
    ... )
    >>> tuple(model(x_train[:5]).shape)
    (5, 10)
    """

    def __init__(
        self, rbm: Any, trainable: bool = False, layer: int = -1, **kwargs
    ):
        checks.layer_keywords(type(self).__name__, kwargs)
        checks.flag(trainable, "Features: trainable")
        given = _Layers.of(rbm)
        if not all(isinstance(unit, Unit) for unit in given.units):
            raise ValueError(
                "Features: rbm must be a genzoo.RBM or DeepBoltzmannMachine, "
                f"which have visible and hidden units; received {rbm!r}."
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
        self.units = [self._copy(unit) for unit in given.units]
        check = checks.hidden_layer(len(self.units))
        self.layer = check(layer, "Features: layer")
        widths = [unit.width for unit in self.units]
        self.kernels = [
            self.add_weight(
                name="kernel" if len(widths) == 2 else f"kernel_{lower}",
                shape=(widths[lower], widths[lower + 1]),
                initializer="glorot_uniform",
                autocast=False,
            )
            for lower in range(len(widths) - 1)
        ]
        self.start: Any = None
        if len(widths) > 2:
            self.start = self.add_weight(
                name="start",
                shape=(sum(widths[2::2]),),
                initializer="zeros",
                trainable=False,
                autocast=False,
            )
        if given.kernels is not None:
            for own, kernel in zip(self.kernels, given.kernels, strict=True):
                own.assign(np.asarray(kernel))
            for own, unit in zip(self.units, given.units, strict=True):
                own.set_weights(unit.get_weights())
        if given.start is not None:
            self.start.assign(given.start)
        self._set_trainable(bool(trainable))
        if not isinstance(self.visible, Mixed):
            shape = (None, *self.visible.space.event_shape)
            self.input_spec = keras.layers.InputSpec(shape=shape)
        self.built = True

    @property
    def visible(self) -> Unit:
        """The units of examples."""
        return self.units[0]

    @property
    def kernel(self) -> keras.Variable:
        """The first kernel, which of an RBM is the only one."""
        return self.kernels[0]

    @property
    def hidden(self) -> Unit:
        """The units of which it gives the means."""
        return self.units[self.layer]

    def _copy(self, unit: Unit) -> Unit:
        config = unit.get_config()
        if unit.variable_dtype != self.variable_dtype:
            config["dtype"] = self.variable_dtype
        return type(unit).from_config(config)

    @property
    def trainable(self) -> bool:
        """Whether kernels and hidden biases are trained."""
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
        field = self._product(v, 0)
        if isinstance(visible, Multinomial):
            # The hidden bias is that of each word.
            bias = ops.cast(self.hidden.bias, field.dtype)
            field += (visible.totals(v)[:, None] - 1) * bias
        if len(self.units) == 2:
            mean = self.hidden.mean(field)
        else:
            mean = self._mean_field(field)[self.layer - 1]
        mean = self.hidden.restore(mean)
        return ops.cast(self.hidden.space.unflatten(mean), self.compute_dtype)

    def _product(self, mean, lower, upwards=True):
        """What the kernel makes of means, the field on its other side."""
        dtype = self.compute_dtype
        kernel = ops.cast(self.kernels[lower], dtype)
        if not upwards:
            kernel = ops.transpose(kernel)
        field = ops.matmul(ops.cast(mean, dtype), kernel)
        # Potentials are summed in the weights' own dtype.
        return ops.cast(field, self.variable_dtype)

    def _mean_field(self, base):
        """Means of the layers 1, 2, ..., where the first has a field."""
        hidden = self.units[1:]
        own = tf.convert_to_tensor(self.start)[None]
        own = tf.repeat(own, tf.shape(base)[0], axis=0)
        even = tf.split(own, [unit.width for unit in hidden[1::2]], axis=1)

        def swept(means, first):
            """The means, with those of every second layer at their best."""
            means = list(means)
            for at in range(first, len(hidden), 2):
                field = base if at == 0 else self._product(means[at - 1], at)
                if at + 1 < len(hidden):
                    field += self._product(means[at + 1], at + 1, False)
                means[at] = hidden[at].mean(field)
            return means

        def body(moves, *even):
            means = [None] * len(hidden)
            means[1::2] = even
            found = swept(swept(means, 0), 1)[1::2]
            change = [
                tf.reduce_max(tf.abs(new - old), axis=1, keepdims=True)
                for new, old in zip(found, even, strict=True)
            ]
            kept = [
                tf.where(moves, new, old)
                for new, old in zip(found, even, strict=True)
            ]
            return moves & (tf.add_n(change) > _TOLERANCE), *kept

        start = tf.ones_like(base[:, :1], tf.bool), *even
        found = tf.while_loop(
            lambda moves, *_: tf.reduce_any(moves),
            body,
            start,
            maximum_iterations=_SWEEPS,
        )
        means: list[Any] = [None] * len(hidden)
        means[1::2] = found[1:]
        return swept(means, 0)

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
            "units": [serialize(unit) for unit in self.units],
            "layer": self.layer,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A layer from `get_config`, whose weights are still to be loaded."""
        config = dict(config)
        deserialize = keras.saving.deserialize_keras_object
        units = [deserialize(unit) for unit in config.pop("units")]
        return cls(_Layers(units), **config)
