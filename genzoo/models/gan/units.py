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
from genzoo.models.gan.told import Told
from genzoo.runtime import data, distribute


class Units:
    """The `Standardization` layers of a GAN's networks.

    Args:
        generators: G and its average; layers that put units back are of
            examples, others of conditions.
        discriminator: D; a layer behind an input of conditions is of those,
            others are of examples.
        told: which inputs of both are which conditions.

    Raises:
        ValueError: for a layer of several conditions.
    """

    def __init__(
        self,
        generators: Iterable[keras.Model],
        discriminator: keras.Model,
        told: Told,
    ):
        own = _layers(discriminator)
        _, *inputs = discriminator.inputs
        of_told = [(v, _place(v, inputs)) for v in own]
        self._seen = [v for v, place in of_told if place is None]
        # By the number of the condition.
        self._conditions = [
            (told.order[place], v) for v, place in of_told if place is not None
        ]
        self._examples = []
        for network in generators:
            inputs = network.inputs[int(told.has_latents) :]
            for layer in _layers(network):
                if layer.inverse:
                    self._examples.append(layer)
                    continue
                place = 0 if len(inputs) < 2 else _place(layer, inputs)
                if place is None:
                    raise ValueError(
                        f"GAN: layer {layer.name!r}, a Standardization, must "
                        "follow one of the generator's inputs directly: fit "
                        "tells it the mean and deviation of that condition."
                    )
                self._conditions.append((place, layer))
        self._examples += self._seen

    @property
    def are_known(self) -> bool:
        """Whether all layers have units, if there are any."""
        layers = [*self._examples, *(v for _, v in self._conditions)]
        return all(layer.is_adapted for layer in layers)

    @property
    def are_standardized(self) -> bool:
        """Whether D sees examples without units."""
        return bool(self._seen)

    def scale_of(self, columns: int) -> np.ndarray:
        """The standard deviation of each of so many columns, or ones."""
        if not self._seen:
            return np.ones(columns, "float32")
        # Of packs the first example's.
        return self._seen[0].scale.numpy()[:columns]

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
        _adapt(self._examples, lambda: data.moments(x, steps, weight))
        for place in sorted({place for place, _ in self._conditions}):
            layers = [v for own, v in self._conditions if own == place]
            part = _part(x, y, place)
            _adapt(layers, partial(data.moments, part, steps, weight))

    def penalised(
        self, critic: Callable, x: tf.Tensor, fake: tf.Tensor
    ) -> tuple[Callable, tf.Tensor, tf.Tensor]:
        """D, data and generated examples in units of standard deviations.

        So gradients of D do not depend on the units of the data.
        """
        if not self._seen:
            return critic, x, fake
        scale = tf.convert_to_tensor(self._seen[0].scale.value)

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


def _layers(network):
    return [
        layer
        for layer in network._flatten_layers()
        if isinstance(layer, Standardization)
    ]


def _adapt(layers, find):
    unknown = [layer for layer in layers if not layer.is_adapted]
    if unknown:
        mean, variance, _ = find()
        for layer in unknown:
            layer.adapt_to(mean, variance)
