"""Markov chains of a neural energy."""

from typing import Any

import tensorflow as tf

from genzoo.models.common.general_path import GeneralPath
from genzoo.models.common.moves import Moves, SiteWalker, Stride
from genzoo.models.ebm.energy import Energy
from genzoo.runtime import random
from genzoo.samplers.chain import Step


class Walker(SiteWalker):
    """The chains of an energy: a `common.walks.Walker`.

    Gibbs sampling of discrete sites, many bits at once by the gradient of the
    energy; Hamiltonian Monte Carlo of real ones.

    Args:
        energy: the `Energy`.
        stride: how they walk.
    """

    dtype = "float32"

    def __init__(self, energy: Energy, stride: Stride):
        self.energy = energy
        self.space = energy.space
        self.reference = energy.reference
        self.moves = Moves(self.space, self.reference.body, stride, True)
        self.width = self.example_width = self.space.width

    def step(self, beta: Any = 1.0, size: Any = None) -> Step:
        """A sampler's step that leaves exp(-beta E) as it is."""
        beta = tf.cast(beta, tf.float32)
        return self.moves.step(lambda x: beta * self.energy(x), size, self.held)

    def fresh(self, n: Any, seed: random.Seed) -> tf.Tensor:
        """n states of the reference, (n, width)."""
        return self.reference.sample(n, seed)

    def path_inputs(self) -> list[tf.Tensor]:
        """None are needed; a graph wants one."""
        return [tf.zeros((0,))]

    def path(self, _: tf.Tensor, beta: Any = 1.0) -> GeneralPath:
        """The path from the reference to p^beta."""
        return GeneralPath(
            self.reference,
            lambda x: tf.cast(beta, x.dtype) * self.energy(x),
            lambda energy: self.moves.step(energy, None, self.held),
            self.held,
        )
