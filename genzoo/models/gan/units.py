"""The units of data that both networks are told once."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.layers import Standardization
from genzoo.models.common.given import Given
from genzoo.models.gan.conditions import parts_of
from genzoo.models.gan.networks import SHAPERS, Networks
from genzoo.runtime import data, distribute
from genzoo.spaces import Space


class Units:
    """The `Standardization` layers of a GAN's networks.

    Args:
        generators: G and its average; layers that put units back are of
            examples, others of conditions.
        discriminator: D; a layer behind an input of conditions is of those,
            others are of examples.
        networks: the facts about both: which inputs are which conditions, and
            the parts of examples. Of several parts a layer must follow an
            input, or give an output, directly.

    Raises:
        ValueError: for a layer of several conditions or parts.
    """

    def __init__(
        self,
        generators: Iterable[keras.Model],
        discriminator: keras.Model,
        networks: Networks,
    ):
        told = networks.told
        self._space, self._parts = networks.space, networks.parts
        # By the number of the part, or of the condition.
        self._seen: dict[int, Any] = {}
        self._examples: list[tuple[int, Any]] = []
        self._conditions: list[tuple[int, Any]] = []
        examples = [discriminator.inputs[place] for place in told.seen]
        for layer in _layers(discriminator):
            place = _place(layer, told.inputs)
            if place is not None:
                self._conditions.append((told.order[place], layer))
                continue
            number = self._part_of(layer, examples, _place)
            self._seen.setdefault(number, layer)
            self._examples.append((number, layer))
        for network in generators:
            inputs = network.inputs[int(told.has_latents) :]
            for layer in _layers(network):
                if layer.inverse:
                    number = self._part_of(layer, network.outputs, _giving)
                    self._examples.append((number, layer))
                    continue
                place = 0 if len(inputs) == 1 else _place(layer, inputs)
                if place is None:
                    raise ValueError(
                        f"GAN: layer {layer.name!r}, a Standardization, must "
                        "follow one of the generator's inputs of conditions "
                        "directly: fit tells it the mean and deviation of "
                        "that condition. One that puts the units of examples "
                        "back needs inverse=True."
                    )
                self._conditions.append((place, layer))

    def _part_of(self, layer, tensors, find):
        """Which part of examples a layer has the units of."""
        number = 0 if self._parts is None else find(layer, tensors)
        if number is None:
            raise ValueError(
                f"GAN: layer {layer.name!r}, a Standardization, must follow "
                "one of the discriminator's inputs, or give one of the "
                "generator's outputs, directly: fit tells it the mean and "
                "deviation of that array."
            )
        return number

    @property
    def are_known(self) -> bool:
        """Whether all layers have units, if there are any."""
        layers = [*self._examples, *self._conditions]
        return all(layer.is_adapted for _, layer in layers)

    def bare(self, x: np.ndarray) -> list[np.ndarray]:
        """What D sees with its units, of examples in units without ends."""
        parts = [x]
        spaces: list[Space] = [self._space]
        if self._parts is not None:
            parts = self._parts.pieces(x)
            spaces = list(self._parts.spaces.values())
        return [
            part
            for number, (part, space) in enumerate(
                zip(parts, spaces, strict=True)
            )
            if number not in self._seen and not space.is_bounded
        ]

    def scale(self) -> tf.Tensor | None:
        """The standard deviations of the last axis of examples, float32.

        Ones where D sees the units; None if it sees all of them.
        """
        if not self._seen:
            return None
        found = {
            number: tf.convert_to_tensor(layer.scale.value)
            for number, layer in self._seen.items()
        }
        if self._parts is None:
            return found[0]
        scales = []
        for number, space in enumerate(self._parts.spaces.values()):
            columns = space.event_shape[-1]
            # Of packs the first example's.
            scale = found.get(number, tf.ones(columns))[:columns]
            scales.append(tf.tile(scale, [space.width // columns]))
        return tf.concat(scales, axis=0)

    def scale_of(self, columns: int) -> np.ndarray:
        """The standard deviation of each of so many columns, or ones."""
        found = self.scale()
        if found is None:
            return np.ones(columns, "float32")
        # Of packs the first example's.
        return found.numpy()[:columns]

    def adapt(self, given: Given, steps: int | None = None) -> None:
        """Take the units of the first data, in the layers that have none.

        Args:
            given: examples and conditions, arrays or a dataset of batches.
            steps: how many batches of a dataset to see; None means all.

        Raises:
            ValueError: for a dataset that is divided among replicas.
        """
        x, y, weight = given.x, given.y, given.weight
        if distribute.is_shared_out(x):
            raise ValueError(
                "GAN.fit: units are not found in a dataset that is divided "
                "among replicas. Fit an array or a tf.data.Dataset first."
            )
        if weight is not None:
            weight = np.abs(weight)
        _adapt(self._examples, lambda: data.moments(x, steps, weight), self._of)
        for place in sorted({place for place, _ in self._conditions}):
            layers = [(own, v) for own, v in self._conditions if own == place]
            part = _part(x, y, place)
            _adapt(layers, partial(data.moments, part, steps, weight))

    def _of(self, values, number):
        """Those of the numbers of an example that are a part's."""
        if self._parts is None:
            return values
        return self._parts.pieces(values[None])[number][0]

    def penalised(
        self, critic: Callable, x: tf.Tensor, fake: tf.Tensor
    ) -> tuple[Callable, tf.Tensor, tf.Tensor]:
        """D, data and generated examples in units of standard deviations.

        So gradients of D do not depend on the units of the data.
        """
        found = self.scale()
        if found is None:
            return critic, x, fake
        # Parts are packed as rows, one behind the other.
        scale = tf.tile(found, [x.shape[-1] // found.shape[0]])

        def judge(x: tf.Tensor, *told: Any) -> tf.Tensor:
            return critic(scale * x, *told)

        return judge, x / scale, fake / scale


def _part(x, y, place):
    """The conditions of this number, an array or a dataset."""
    if data.is_array(x):
        return parts_of(y)[place]
    return x.map(lambda x, y, *rest: parts_of(y)[place])


def _place(layer, inputs):
    """Which of a network's inputs a layer takes, or None."""
    places = [i for i, tensor in enumerate(inputs) if layer.input is tensor]
    return places[0] if places else None


def _giving(layer, outputs):
    """Which of a network's outputs a layer gives, or None."""
    places = [i for i, v in enumerate(outputs) if _source(v) is layer]
    return places[0] if places else None


def _source(tensor):
    """The layer behind those that only shape what it gives."""
    layer, _, index = tensor._keras_history
    outputs = getattr(layer, "outputs", None)
    if isinstance(layer, keras.Model) and outputs:
        return _source(outputs[index])
    return _source(layer.input) if isinstance(layer, SHAPERS) else layer


def _layers(network):
    return [
        layer
        for layer in network._flatten_layers()
        if isinstance(layer, Standardization)
    ]


def _adapt(layers, find, of=lambda values, number: values):
    unknown = [two for two in layers if not two[1].is_adapted]
    if unknown:
        mean, variance, _ = find()
        for number, layer in unknown:
            layer.adapt_to(of(mean, number), of(variance, number))
