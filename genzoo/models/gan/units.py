"""The units of data that both networks are told once."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.layers import Standardization
from genzoo.models.common.given import Given
from genzoo.runtime import data, distribute


class Units:
    """The `Standardization` layers of a GAN's networks.

    Args:
        generators: G and its average; layers that put units back are of
            examples, others of conditions.
        discriminator: D; a layer behind its second input is of conditions,
            others are of examples.
    """

    def __init__(
        self, generators: Iterable[keras.Model], discriminator: keras.Model
    ):
        _, *told = discriminator.inputs
        own = _layers(discriminator)
        of_told = [v for v in own if any(v.input is part for part in told)]
        self._seen = [v for v in own if v not in of_told]
        both = [v for network in generators for v in _layers(network)]
        self._examples = [v for v in both if v.inverse] + self._seen
        self._conditions = [v for v in both if not v.inverse] + of_told

    @property
    def are_known(self) -> bool:
        """Whether all layers have units, if there are any."""
        layers = [*self._examples, *self._conditions]
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
        if not data.is_array(x):
            y = x.map(lambda x, y, *rest: y) if self._conditions else None
        _adapt(self._conditions, lambda: data.moments(y, steps, weight))

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
