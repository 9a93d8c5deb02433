"""Kinematics of two leptons, as a layer."""

from typing import Any, ClassVar

import keras
import tensorflow as tf
from keras import ops

from genzoo import checks


@keras.saving.register_keras_serializable("genzoo")
class DileptonKinematics(keras.layers.Layer):
    """Two momenta, and beside them what is narrow in events of a resonance.

    In the space of the six momenta a resonance is a thin shell, at a given
    energy a thin part of it. A discriminator that begins with this layer sees
    an error of a GeV there. Of `x`, (batch, 6), and `energy`, (batch, 1), in
    GeV, it makes (batch, 12):

    - the momenta in units of M / 2;
    - `asinh((m - M) / 2 GeV)` of the invariant mass m, and `asinh((|p1| +
      |p2| - E) / 2 GeV)`: linear near the peak, tame far from it, where
      training begins;
    - `asinh` of both components of the sum's transverse momentum over 5 GeV;
    - the transverse momentum of each lepton in units of M / 2, less 0.7.

    Args:
        mass: M, of the resonance, in GeV.

    Raises:
        ValueError: if `mass` is not a positive number.

    Example:
    >>> events, energies = genzoo.datasets.two_body_decay(100)
    >>> tuple(genzoo.layers.DileptonKinematics()(events, energies).shape)
    (100, 12)
    """

    arguments: ClassVar[checks.Arguments] = {"mass": checks.positive_number}

    def __init__(self, mass: float = 91.19, **kwargs):
        super().__init__(**kwargs)
        (self.mass,) = checks.arguments(self, mass=mass)

    def call(self, x: tf.Tensor, energy: tf.Tensor) -> tf.Tensor:
        """The twelve numbers of each event, (batch, 12)."""
        unit = self.mass / 2
        leptons = ops.reshape(x, (-1, 2, 3))
        # Their gradients stay finite at zero.
        sizes = ops.sqrt(ops.sum(leptons**2, axis=-1) + 1e-3)
        across = ops.sqrt(ops.sum(leptons[..., :2] ** 2, axis=-1) + 1e-3)
        total, pair = ops.sum(leptons, axis=1), ops.sum(sizes, axis=1)
        square = pair**2 - ops.sum(total**2, axis=1)
        mass = ops.sqrt(ops.maximum(square, 1.0))
        narrow = ops.stack([mass - self.mass, pair - energy[:, 0]], axis=-1)
        return ops.concatenate(
            [
                x / unit,
                ops.arcsinh(narrow / 2),
                ops.arcsinh(total[:, :2] / 5),
                across / unit - 0.7,
            ],
            axis=-1,
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the layer."""
        return {**super().get_config(), "mass": self.mass}
