"""What a GAN reads off its two networks, and refuses in them."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from genzoo.layers import Standardization
from genzoo.models.gan import told
from genzoo.models.gan.conditions import Conditions, Unconditional
from genzoo.models.gan.parts import (
    Parts,
    has_several,
    input_names,
    names_of,
)
from genzoo.models.gan.several import Several
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
SHAPERS = (
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
        latent_shape: of one latent vector; (0,) without latents.
        space: what the generator can give.
        conditions: what both are told of an example.
        classes: how many there are: an int, or a tuple for several labels.
        told: which inputs of the two are what.
        has_classifier: whether the discriminator has a second output, logits
            of the classes.
        needs_loss_scale: whether a layer computes in float16.
    """

    latent_shape: tuple[int, ...]
    space: GeneratorRange | Parts
    conditions: Conditions | Several | Unconditional
    classes: int | tuple[int, ...] | None
    told: told.Told
    has_classifier: bool
    needs_loss_scale: bool

    @property
    def parts(self) -> Parts | None:
        """Those of examples, if the generator has several outputs."""
        return self.space if isinstance(self.space, Parts) else None

    @property
    def finite(self) -> GeneratorRange | Parts:
        """What the discriminator can take: finite numbers in these shapes."""

        def anything(space):
            return GeneratorRange(space.event_shape, -np.inf, np.inf)

        if not isinstance(self.space, Parts):
            return anything(self.space)
        return self.space.alike(anything)

    @property
    def is_grid(self) -> bool:
        """Whether examples are more than vectors, or have images as parts."""
        if isinstance(self.space, Parts):
            return self.space.is_grid
        return len(self.space.event_shape) > 1


def read(
    generator: keras.Model,
    discriminator: keras.Model,
    packing: int,
    classes: Any = None,
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
    space = space_of(generator)
    seen = _check_critic(discriminator, space, packing)
    inputs = told.read(generator, discriminator, seen)
    if inputs.parts and packing > 1:
        raise ValueError(
            f"GAN: packing={packing} is for unconditional models; packed "
            "examples would have several conditions."
        )
    classes = _classes(generator, discriminator, inputs, classes)
    latent_shape = (0,)
    if inputs.has_latents:
        latent_shape = tuple(generator.inputs[0].shape[1:])
    layers = [*generator._flatten_layers(), *discriminator._flatten_layers()]
    return Networks(
        latent_shape=latent_shape,
        space=space,
        conditions=_conditions(inputs, classes),
        classes=classes[0] if len(classes) == 1 else tuple(classes) or None,
        told=inputs,
        has_classifier=inputs.classified is not None,
        needs_loss_scale=any(
            layer.compute_dtype == "float16" for layer in layers
        ),
    )


def _conditions(inputs, classes):
    """What a model of these inputs takes."""
    left, parts = list(classes), {}
    for place, (key, tensor) in enumerate(
        zip(inputs.names(), inputs.parts, strict=True)
    ):
        shape = tuple(tensor.shape[1:])
        if None in shape:
            raise ValueError(
                f"GAN: the generator's condition {key!r} must have a known "
                f"shape; it has {tensor.shape}."
            )
        count = left.pop(0) if told.is_label(tensor) else None
        may_miss = place == inputs.classified
        parts[key] = Conditions(shape, count, may_miss, key)
    if len(parts) > 1:
        return Several(parts)
    return next(iter(parts.values()), Unconditional())


def space_of(generator: keras.Model) -> GeneratorRange | Parts:
    """What a generator can give: of several outputs `Parts`.

    Raises:
        ValueError: for outputs of no known shape.
    """

    def space(output, name):
        event = tuple(output.shape[1:])
        if None in event or not event:
            raise ValueError(
                f"GAN: the generator's output{name} must have a known shape "
                f"of an axis or more beside the batch; it has {output.shape}."
            )
        return GeneratorRange(event, *_range(output))

    if not has_several(generator):
        return space(generator.outputs[0], "")
    names, is_dict = names_of(generator)
    return Parts(
        {
            name: space(output, f" {name!r}")
            for name, output in zip(names, generator.outputs, strict=True)
        },
        is_dict,
    )


def _check_critic(discriminator, space, packing):
    """Which inputs of a discriminator are examples, part by part."""
    parts = space.spaces if isinstance(space, Parts) else {"": space}
    given = input_names(discriminator)
    seen = tuple(range(len(parts)))
    if len(parts) > len(given):
        raise ValueError(
            f"GAN: the generator gives {len(parts)} arrays, {list(parts)}, so "
            "the discriminator must have an input for each of them, in the "
            f"same order or by the same names; it has {len(given)}."
        )
    if all(given.count(name) == 1 for name in parts):
        seen = tuple(given.index(name) for name in parts)
    for place, (name, part) in zip(seen, parts.items(), strict=True):
        event = part.event_shape
        expected = (*event[:-1], packing * event[-1])
        taken = tuple(discriminator.inputs[place].shape[1:])
        if taken == expected:
            continue
        packed = f" ({packing} packed)" if packing > 1 else ""
        of, at, hint = "examples", "", ""
        if name:
            of, at = repr(name), f" as input {place + 1}, {given[place]!r}"
            hint = (
                " It has an input for each output of the generator, in the "
                "same order or by the same names."
            )
        raise ValueError(
            f"GAN: the generator gives {of} of shape {event}{packed}, so the "
            f"discriminator must take {expected}{at}; it takes {taken}.{hint}"
        )
    _check_logits(discriminator)
    return seen


def _check_logits(discriminator):
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
    if len(outputs) > 2:
        raise ValueError(
            "GAN: the discriminator must give a logit, or a logit and logits "
            f"of classes; it has {len(outputs)} outputs."
        )


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


def _classes(generator, discriminator, inputs, asked):
    """How many classes each label has, a list."""
    labels = [i for i, t in enumerate(inputs.parts) if told.is_label(t)]
    for place in labels:
        if inputs.parts[place].shape[1:] != ():
            raise ValueError(
                "GAN: integer conditions are labels, shape (); the "
                f"generator's has shape {inputs.parts[place].shape[1:]}."
            )
    if not labels and asked is not None:
        raise ValueError(
            "GAN: classes go with integer conditions: let an input of the "
            "generator beside latents have dtype='int32'."
        )
    given = asked if isinstance(asked, (list, tuple)) else [asked]
    if asked is None:
        given = [None] * len(labels)
    if len(given) != len(labels):
        raise ValueError(
            f"GAN: classes={asked!r} must be one number for each of the "
            f"{len(labels)} labels that the generator takes."
        )
    counts = []
    for place, count in zip(labels, given, strict=True):
        # One label is what all tables are of, wherever they are.
        of = None if len(labels) == 1 else inputs.of_part(place)
        found = _sizes(generator, discriminator, of)
        if place == inputs.classified:
            found = {discriminator.outputs[1].shape[-1]}
        if count is None and len(found) == 1:
            (count,) = found
        if not isinstance(count, int) or count < 2:
            raise ValueError(
                "GAN: the number of classes cannot be read off the networks "
                f"(found {sorted(found)}); pass classes=, an int of at least "
                f"2{', for each label' if len(labels) > 1 else ''}."
            )
        counts.append(count)
    return counts


def _sizes(generator, discriminator, of=None):
    """The sizes of what encodes labels, of these inputs, or of all."""
    return {
        getattr(layer, "input_dim", None) or getattr(layer, "num_tokens", None)
        for model in (generator, discriminator)
        for layer in model._flatten_layers()
        if isinstance(
            layer, (keras.layers.Embedding, keras.layers.CategoryEncoding)
        )
        and (of is None or _is_behind(layer, of))
    }


def _is_behind(layer, tensors):
    """Whether a layer takes one of these inputs of a network."""
    nodes = layer._inbound_nodes
    taken = [tensor for node in nodes for tensor in node.input_tensors]
    return any(own is tensor for own in taken for tensor in tensors)


def _activation(tensor):
    """The name of the activation that gave this tensor, or None."""
    layer = tensor._keras_history.operation
    outputs = getattr(layer, "outputs", None)
    if isinstance(layer, keras.Model) and outputs:
        return _activation(outputs[tensor._keras_history.tensor_index])
    if isinstance(layer, SHAPERS):
        return _activation(layer.input)
    if isinstance(layer, Standardization) and not layer.centred:
        return _activation(layer.input)
    return getattr(getattr(layer, "activation", None), "__name__", None)


def _range(output):
    return _RANGES.get(_activation(output), (-np.inf, np.inf))


def given_to(network: keras.Model, tensors: list) -> Any:
    """Tensors in the form in which a network takes its inputs."""
    structure = getattr(network, "_inputs_struct", None)
    if isinstance(structure, Mapping):
        return keras.tree.pack_sequence_as(structure, tensors)
    return tensors if len(tensors) > 1 else tensors[0]


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
