"""Markov chains of a neural energy."""

from typing import Any

import tensorflow as tf

from genzoo.models.common.general_path import GeneralPath, with_held
from genzoo.models.common.moves import Moves, SiteWalker, Stride
from genzoo.models.common.walks import TOGETHER
from genzoo.models.ebm.energy import Energy
from genzoo.models.ebm.jumps import Jumps
from genzoo.runtime import random
from genzoo.samplers import run
from genzoo.samplers.chain import LogProb, Step


class Walker(SiteWalker):
    """The chains of an energy: a `common.walks.Walker`.

    Gibbs sampling of discrete sites, many bits at once by the gradient of the
    energy; Hamiltonian Monte Carlo of real ones.

    Args:
        energy: the `Energy`.
        stride: how they walk.

    Attributes:
        jumps: their `Jumps` between modes.
    """

    dtype = "float32"

    def __init__(self, energy: Energy, stride: Stride):
        self.energy = energy
        self.space = energy.space
        self.reference = energy.reference
        self.moves = Moves(self.space, self.reference.body, stride, True)
        self.jumps = Jumps(energy)
        self.width = self.example_width = self.space.width

    def step(self, beta: Any = 1.0, size: Any = None) -> Step:
        """A sampler's step that leaves exp(-beta E) as it is."""
        places, held = self.reference.places, self.held
        move = self._move(self._at(beta), size)

        def step(seed, x):
            at, info = move(seed, places.of(x))
            # What is known is not rounded.
            return with_held(places.at(at), held), info

        return step

    @property
    def roams(self) -> bool:
        """Whether chains pass between modes once some are known."""
        return self.jumps.pay

    def roam(
        self, states: tf.Tensor, known: tf.Tensor, seed: random.Seed, steps: Any
    ) -> tf.Tensor:
        """States after sweeps with jumps; see `Walks.go_on`.

        By the stride as it is: row r is the same however many there are.
        """
        known = tf.cast(known, tf.float32)[: self.jumps.most(TOGETHER)]
        move = self.step()

        def step(seed, x):
            x, info = move(random.fold_in(seed, 0), x)
            return self.jumps(x, known, random.fold_in(seed, 1)), info

        return run(step, seed, tf.cast(states, tf.float32), steps)

    def _at(self, beta):
        """A function of places, whose density is that of p^beta."""
        if not tf.is_tensor(beta) and beta == 1:
            return self.energy.at
        beta, places = tf.cast(beta, tf.float32), self.reference.places

        def energy(at):
            found = tf.cast(beta, at.dtype) * self.energy.at(at)
            return found + tf.cast(beta - 1, at.dtype) * places.log_slope_at(at)

        return energy

    def _move(self, energy: LogProb, size: Any = None) -> Step:
        """A step of places."""
        held = self.held
        if held is not None:
            held = self.reference.places.of(held[0]), held[1]
        return self.moves.step(energy, size, held)

    def fresh(self, n: Any, seed: random.Seed) -> tf.Tensor:
        """n states of the reference, (n, width)."""
        return self.reference.sample(n, seed)

    def path_inputs(self) -> list[tf.Tensor]:
        """None are needed; a graph wants one."""
        return [tf.zeros((0,))]

    def path(self, _: tf.Tensor, beta: Any = 1.0) -> GeneralPath:
        """The path from the reference to p^beta, of places."""
        return GeneralPath(
            self.reference,
            self._at(beta),
            self._move,
            self.held,
            self.reference.places.of,
            self.reference.log_prob_at,
        )

    def from_path(
        self, walkers: tf.Tensor, seed: random.Seed, beta: Any = 1.0
    ) -> tf.Tensor:
        """States of chains that go on from places."""
        return with_held(self.reference.places.at(walkers), self.held)
