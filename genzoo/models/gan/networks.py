"""What a GAN reads off its two networks, and refuses in them."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from genzoo.layers import Standardization
from genzoo.models.gan.conditions import Conditions, Unconditional
from genzoo.runtime import distribute
from genzoo.spaces import Space

_RANGES = {
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "relu": (0.0, np.inf),
    "softplus": (0.0, np.inf),
    "exponential": (0.0, np.inf),
}
# By whether there are negative values.
_SCALED = {True: "x / 127.5 - 1", False: "x / 255"}
_ROUNDING = 1e-6
_CLASSIFIERS = ("sigmoid", "softmax", "tanh")
_SHAPERS = (
    keras.layers.Reshape,
    keras.layers.Flatten,
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Cropping3D,
    keras.layers.Permute,
)


class GeneratorRange(Space):
    """What a generator can give: the range of its last activation.

    Args:
        shape: of one example.
        low: the least value, or -inf.
        high: the greatest, or inf.
    """

    def __init__(self, shape: tuple[int, ...], low: float, high: float):
        width = math.prod(shape)
        # The network exists already: there is no limit to its output.
        super().__init__(shape, [None] * width, low, high, most=width)
        self._ends = low, high
        self.hint = (
            f"Scale them, for bytes {_SCALED[low < 0]}; clip what lies a "
            f"little outside, as interpolation leaves it, by numpy.clip(x, "
            f"{low:g}, {high:g})."
        )
        if np.isinf(high):
            self.hint = "Shift them."
        if np.isinf(low):
            self.hint = "Remove what is missing or infinite."

    @property
    def description(self) -> str:
        """In words."""
        low, high = self._ends
        if np.isinf(low):
            return "finite numbers"
        if np.isinf(high):
            return f"finite numbers of at least {low:g}"
        return (
            f"values in [{low:g}, {high:g}], the range of the generator's "
            "last activation"
        )

    def outside(self, x: Any) -> tf.Tensor:
        """As of any space, by two numbers for all sites."""
        # Scaling in float32 ends some last places beyond the range.
        low, high = ((1 + _ROUNDING) * end for end in self._ends)
        if isinstance(x, np.ndarray) and x.dtype.kind in "biuf":
            with np.errstate(over="ignore"):
                least, most = np.array([x.min(), x.max()]).astype("float32")
            inside = low <= least and most <= high
            return not (inside and np.isfinite([least, most]).all())
        x = tf.cast(x, tf.float32)
        # NaN is not inside either.
        inside = (x >= low) & (x <= high) & tf.math.is_finite(x)
        return tf.logical_not(tf.reduce_all(inside))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        low, high = self._ends
        return {"shape": list(self.event_shape), "low": low, "high": high}


class Networks(NamedTuple):
    """The facts about a pair of networks.

    Attributes:
        latent_shape: of one latent vector.
        space: what the generator can give.
        conditions: what both are told of an example.
        critic_is_conditional: whether the discriminator takes the condition.
        has_classifier: whether the discriminator has a second output, logits
            of the classes.
        needs_loss_scale: whether a layer computes in float16.
    """

    latent_shape: tuple[int, ...]
    space: GeneratorRange
    conditions: Conditions | Unconditional
    critic_is_conditional: bool
    has_classifier: bool
    needs_loss_scale: bool


def read(
    generator: keras.Model,
    discriminator: keras.Model,
    packing: int,
    classes: int | None = None,
) -> Networks:
    """`Networks`, once the two fit together.

    Raises:
        ValueError: for networks that are no models or are not built, whose
            shapes do not fit, or whose outputs are no logits.
    """
    for name, model in (
        ("generator", generator),
        ("discriminator", discriminator),
    ):
        if not isinstance(model, keras.Model):
            raise ValueError(
                f"GAN: {name} must be a keras.Model; received "
                f"{type(model).__name__}."
            )
        if not getattr(model, "inputs", None):
            raise ValueError(
                f"GAN: {name} has no known inputs. Make it of layers that "
                "begin with keras.Input(shape), so that its shapes and "
                "weights exist; a subclass of keras.Model becomes one by "
                "x = keras.Input(shape); keras.Model(x, subclass(x))."
            )
        distribute.check_scope("GAN", name, model)
    _check_layers(generator, discriminator)
    latent, *given = generator.inputs
    if len(given) > 1 or len(generator.outputs) != 1:
        raise ValueError(
            "GAN: generator must take latents, perhaps conditions too, and "
            f"give one tensor; it has {len(generator.inputs)} inputs and "
            f"{len(generator.outputs)} outputs."
        )
    event = tuple(generator.outputs[0].shape[1:])
    if None in event or not event:
        raise ValueError(
            "GAN: the generator's output must have a known shape; it has "
            f"{generator.outputs[0].shape}."
        )
    _check_critic(generator, discriminator, event, packing, given)
    condition = given[0] if given else None
    has_classifier = len(discriminator.outputs) == 2
    if condition is not None and condition.dtype.startswith(("int", "uint")):
        if condition.shape[1:] != ():
            raise ValueError(
                "GAN: integer conditions are labels, shape (); the "
                f"generator's has shape {condition.shape[1:]}."
            )
        classes = _classes(generator, discriminator, classes, has_classifier)
    elif classes is not None or has_classifier:
        raise ValueError(
            "GAN: classes and an auxiliary classifier go with integer "
            "conditions: let the generator's second input have "
            "dtype='int32'."
        )
    conditions: Conditions | Unconditional = Unconditional()
    if condition is not None:
        conditions = Conditions(
            tuple(condition.shape[1:]), classes, may_miss=has_classifier
        )
    layers = [*generator._flatten_layers(), *discriminator._flatten_layers()]
    return Networks(
        latent_shape=tuple(latent.shape[1:]),
        space=GeneratorRange(event, *_range(generator)),
        conditions=conditions,
        critic_is_conditional=len(discriminator.inputs) == 2,
        has_classifier=has_classifier,
        needs_loss_scale=any(
            layer.compute_dtype == "float16" for layer in layers
        ),
    )


def _check_critic(generator, discriminator, event, packing, given):
    seen, *also = discriminator.inputs
    expected = (*event[:-1], packing * event[-1])
    if tuple(seen.shape[1:]) != expected:
        packed = f" ({packing} packed)" if packing > 1 else ""
        raise ValueError(
            f"GAN: the generator gives examples of shape {event}{packed}, so "
            f"the discriminator must take {expected}; it takes "
            f"{tuple(seen.shape[1:])}."
        )
    outputs = discriminator.outputs
    logits = tuple(outputs[0].shape[1:])
    is_map = len(logits) > 1 and logits[-1] == 1 and None not in logits
    if logits not in ((), (1,)) and not is_map:
        raise ValueError(
            "GAN: the discriminator must give one logit for each example, "
            "shape (batch, 1), or a map of logits, (batch, height, width, 1); "
            f"it gives {outputs[0].shape}."
        )
    for output in outputs:
        name = _activation(output)
        if name in _CLASSIFIERS:
            raise ValueError(
                f"GAN: the discriminator ends in {name}; the losses take "
                "logits, which lose nothing where D is sure. Remove the "
                "last activation."
            )
    is_told = len(also) == 1 or len(outputs) == 2
    if len(also) > 1 or len(outputs) > 2 or (also and len(outputs) == 2):
        raise ValueError(
            "GAN: the discriminator must take examples, perhaps conditions "
            "too, and give a logit; or take examples alone and give a logit "
            f"and logits of classes. It has {len(discriminator.inputs)} "
            f"inputs and {len(outputs)} outputs."
        )
    if also and not given and _is_like(generator.inputs[0], also[0]):
        raise ValueError(
            "GAN: the generator's one input has the shape of the "
            f"discriminator's conditions, {also[0].shape[1:]}; it needs "
            "latents too, by which samples of one condition differ. Make it "
            "of keras.Model([z, condition], ...)."
        )
    if is_told != bool(given):
        has, lacks = ("generator", "discriminator")[:: 1 if given else -1]
        raise ValueError(
            f"GAN: the {has} takes conditions and the {lacks} does not. "
            "Give both a second input, or the discriminator a second output."
        )
    first = generator.inputs[0]
    is_swapped = first.dtype.startswith(("int", "uint")) or (
        also and _is_like(first, also[0]) and not _is_like(given[0], also[0])
    )
    if is_swapped:
        raise ValueError(
            "GAN: the generator's first input must be latents, the second "
            f"conditions; the first has shape {first.shape[1:]} and dtype "
            f"{first.dtype}. Make it of keras.Model([z, condition], ...)."
        )
    if also and also[0].shape[1:] != given[0].shape[1:]:
        raise ValueError(
            "GAN: the generator's conditions have shape "
            f"{given[0].shape[1:]}, the discriminator's {also[0].shape[1:]}."
        )
    if given and packing > 1:
        raise ValueError(
            f"GAN: packing={packing} is for unconditional models; packed "
            "examples would have several conditions."
        )


def _is_like(tensor, other):
    kinds = [t.dtype.startswith(("int", "uint")) for t in (tensor, other)]
    return kinds[0] == kinds[1] and tensor.shape[1:] == other.shape[1:]


def _check_layers(generator, discriminator):
    own, other = (
        {id(layer): layer for layer in network._flatten_layers()}
        for network in (generator, discriminator)
    )
    for layer in (*own.values(), *other.values()):
        if getattr(layer, "stateful", False):
            raise ValueError(
                f"GAN: layer {layer.name!r} is stateful: what it gives would "
                "depend on the batches before. Make it with stateful=False."
            )
    for key in own.keys() & other.keys():
        if own[key].weights:
            raise ValueError(
                f"GAN: layer {own[key].name!r} is part of both networks; a "
                "step of one would move the other. Make a second layer."
            )


def _classes(generator, discriminator, classes, has_classifier):
    if has_classifier:
        found = {discriminator.outputs[1].shape[-1]}
    else:
        found = {
            getattr(layer, "input_dim", None)
            or getattr(layer, "num_tokens", None)
            for model in (generator, discriminator)
            for layer in model._flatten_layers()
            if isinstance(
                layer, (keras.layers.Embedding, keras.layers.CategoryEncoding)
            )
        }
    if classes is None and len(found) == 1:
        (classes,) = found
    if not isinstance(classes, int) or classes < 2:
        raise ValueError(
            "GAN: the number of classes cannot be read off the networks "
            f"(found {sorted(found)}); pass classes=, an int of at least 2."
        )
    return classes


def _activation(tensor):
    """The name of the activation that gave this tensor, or None."""
    layer = tensor._keras_history.operation
    outputs = getattr(layer, "outputs", None)
    if isinstance(layer, keras.Model) and outputs:
        return _activation(outputs[0])
    if isinstance(layer, _SHAPERS):
        return _activation(layer.input)
    if isinstance(layer, Standardization) and not layer.centred:
        return _activation(layer.input)
    return getattr(getattr(layer, "activation", None), "__name__", None)


def _range(generator):
    name = _activation(generator.outputs[0])
    return _RANGES.get(name, (-np.inf, np.inf))


def copied(model: keras.Model) -> keras.Model:
    """A model of the same layers, with other weights."""

    def copy(layer):
        # A function is its own copy. Classes need not be registered.
        if isinstance(layer, keras.layers.Lambda):
            return layer
        try:
            return type(layer).from_config(layer.get_config())
        except (TypeError, NotImplementedError) as error:
            raise ValueError(
                f"GAN: the average of the generator is a copy of it, and "
                f"layer {layer.name!r} cannot be copied: let the __init__ of "
                f"{type(layer).__name__} take **kwargs for its base class, "
                "and its get_config return all arguments; or pass ema=None "
                "to sample from the weights themselves."
            ) from error

    return keras.models.clone_model(model, clone_function=copy, recursive=True)


def check_differentiable(
    critic: Callable, shape: tuple[int, ...], condition: tuple[tf.Tensor, ...]
) -> None:
    """Raise a ValueError if D's gradient cannot be penalised.

    Args:
        critic: function of (examples, conditions) to logits.
        shape: of a batch of examples.
        condition: a tuple of a batch of conditions, perhaps empty.
    """
    x = tf.constant(np.random.default_rng(0).standard_normal(shape), "float32")
    one = tf.ones(())
    try:
        with tf.GradientTape() as tape:
            tape.watch(one)
            with tf.GradientTape() as inner:
                inner.watch(x)
                logits = one * tf.reduce_sum(
                    critic(x, condition, training=False)
                )
            gradient = inner.gradient(logits, x)
            if gradient is not None:
                half = tf.reduce_sum(tf.square(gradient)) / 2
        if gradient is not None:
            # Whatever D is, its gradient is proportional to this factor.
            square, slope = 2 * half, tape.gradient(half, one)
            if slope is not None and np.isclose(slope, square, rtol=0.05):
                return
    except LookupError:
        # An operation has no derivative of its gradient.
        pass
    raise ValueError(
        "GAN.compile: a penalty needs the gradient of the discriminator and "
        "its derivatives, which TensorFlow does not have for all layers: not "
        "for rounding, nor for bilinear UpSampling2D. Replace the layer, or "
        "compile with penalties=[]."
    )
