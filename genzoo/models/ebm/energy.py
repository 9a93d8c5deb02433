"""E(x) of a network, with the reference that it is measured from."""

from typing import Any

import keras
import tensorflow as tf

from genzoo.models.ebm.reference import Reference
from genzoo.spaces import Space


class Energy:
    """`E(x) = network(z) + offset - log q(x)`, z = x in the reference's units.

    Args:
        space: a `Space`.
        network: a Keras model from z, (batch, *event_shape), to one number.
        reference: the `Reference` q.
        offset: variable, a number.
        is_tilted: whether q is part of the energy and gives the units;
            otherwise `E(x) = network(x) + offset`.
    """

    def __init__(
        self,
        space: Space,
        network: keras.Model,
        reference: Reference,
        offset: keras.Variable,
        is_tilted: bool,
    ):
        self.space = space
        self.network = network
        self.reference = reference
        self.offset = offset
        self.is_tilted = is_tilted

    def __call__(self, states: tf.Tensor) -> tf.Tensor:
        """E of states (batch, width), (batch,), in nats.

        In float32; the reference's part in the dtype of the states.
        """
        if not self.is_tilted:
            return self.of_network(states)
        places = self.reference.places
        at = places.of(states)
        return self._tilted(at) + places.log_slope_at(at)

    def at(self, at: tf.Tensor) -> tf.Tensor:
        """-log of the density of places (batch, width), but for log Z."""
        if self.is_tilted:
            return self._tilted(at)
        places = self.reference.places
        slope = places.log_slope_at(at)
        found = self.of_network(places.at(at))
        return tf.cast(found, slope.dtype) - slope

    def _tilted(self, at):
        found = self.of_network(self.reference.standardised_at(at))
        log_q = self.reference.log_prob_at(at)
        return tf.cast(found, log_q.dtype) - log_q

    def of_network(self, z: tf.Tensor) -> tf.Tensor:
        """What the network gives of states in its units, float32 (batch,)."""
        x = self.space.unflatten(tf.cast(z, tf.float32))
        # A function of x alone: nothing is dropped or normalised by batches.
        found: Any = self.network(x, training=False)
        found = tf.cast(tf.reshape(found, tf.shape(x)[:1]), tf.float32)
        return found + tf.cast(self.offset.value, tf.float32)

    def units(self, dtype: Any) -> tf.Tensor:
        """The unit of each site as the network sees it, (width,)."""
        if self.is_tilted:
            return self.reference.units(dtype)[1]
        return tf.ones(self.space.width, dtype)
