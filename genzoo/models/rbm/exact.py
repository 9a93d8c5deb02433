"""log Z and independent draws of an RBM, by sums over its smaller layer."""

import math
from typing import Any

import tensorflow as tf

from genzoo import partition
from genzoo.models.common.walks import AnnealingSeeds, Walks
from genzoo.models.rbm.machine import Machine
from genzoo.runtime import random, weights
from genzoo.runtime.graph import Graph

_COUNT = tf.TensorSpec((), tf.int32)
_KEY = tf.TensorSpec((2,), tf.int64)
_ROW = tf.TensorSpec((), tf.int64)
_SCALAR = tf.TensorSpec((), tf.float32)
_VECTOR = tf.TensorSpec((None,), tf.float64)

# log Z is enumerated by default up to this many terms: seconds.
CHEAP = 2**30
_MOST_STATES = 2**26
# Exact samples are drawn where their sum has at most so many terms: for each
# batch of a pass over data, where chains would take as long, and if asked.
_TINY = 2**22
_DRAWN = {"batch": _TINY, "call": 2**26, "asked": CHEAP}
_MOST_DRAWN_STATES = 2**24


class ExactDraws:
    """Draws of v from `p(v, h)^beta`, compiled when they are first made.

    Args:
        machine: the `Machine`.
    """

    def __init__(self, machine: Machine):
        self.machine = machine
        self._known: tuple[Any, tf.Tensor] | None = None
        # At 1 units of any kind can be drawn.
        self._sums = {
            True: Graph(lambda beta: self._cumulative(1.0), _SCALAR),
            False: Graph(self._cumulative, _SCALAR),
        }
        rest = (_COUNT, _KEY, _ROW, _VECTOR)
        self._picks = {
            True: Graph(lambda beta, *of: self._pick(1.0, *of), _SCALAR, *rest),
            False: Graph(self._pick, _SCALAR, *rest),
        }

    def at(self, beta: float) -> Any:
        """A function `(n, seed)` to visible states, in graphs or not."""
        at_one, heat = beta == 1, tf.constant(beta, tf.float32)

        def draw(n, seed):
            if tf.inside_function():
                found = self._sums[at_one](heat)
            else:
                found = self._sum(beta)
            count = tf.convert_to_tensor(n, tf.int32)
            row = tf.cast(seed.row, tf.int64)
            return self._picks[at_one](heat, count, seed.key, row, found)

        return draw

    def _sum(self, beta):
        """The sum at these weights, kept while they are the same."""
        machine = self.machine
        units = machine.visible.weights + machine.hidden.weights
        of = beta, weights.fingerprint([machine.kernel, *units])
        if self._known is None or self._known[0] != of:
            heat = tf.constant(beta, tf.float32)
            self._known = of, self._sums[beta == 1](heat)
        return self._known[1]

    def _cumulative(self, beta):
        return self.machine.layers(beta).cumulative()

    def _pick(self, beta, n, key, row, cumulative):
        seed = random.Seed(key, row)
        return self.machine.layers(beta).exact_visible(n, seed, cumulative)


class Sums:
    """Sums over the joint states of the smaller layer, where it has few.

    Args:
        machine: the `Machine`.
    """

    def __init__(self, machine: Machine):
        self.machine = machine
        self._draws = ExactDraws(machine)
        self._enumerated = Graph(lambda: machine.layers().enumerate()[0])

    @property
    def terms(self) -> float:
        """How many a sum over the smaller layer has, inf if there is none."""
        machine = self.machine
        count = machine.layers().state_count
        if count is None:
            return math.inf
        return count * max(machine.width, machine.example_width)

    def why_not(self) -> str | None:
        """Why there is no sum, or None."""
        layers = self.machine.layers()
        count = layers.state_count
        if count is None:
            return (
                f"neither the {layers.visible.said} nor the "
                f"{layers.hidden.said} units have a finite list of "
                "states to sum over. log Z is had by annealed importance "
                "sampling, and draws by Markov chains."
            )
        if count <= _MOST_STATES:
            return None
        return (
            "the smaller layer has about "
            f"2**{count.bit_length() - 1} joint states; at most "
            f"{_MOST_STATES:,} can be enumerated. Use annealed importance "
            "sampling, or a smaller layer."
        )

    def methods(self) -> list[str]:
        """How log Z can be found, the first by default."""
        # Of "enumeration" the error says why there is none.
        methods = ["enumeration", "ais"]
        return methods if self.terms <= CHEAP else methods[::-1]

    def log_partition(self, where: str) -> partition.LogPartition:
        """log Z by the sum.

        Args:
            where: who asks, for messages.

        Raises:
            ValueError: if there is none.
        """
        reason = self.why_not()
        if reason is not None:
            raise ValueError(f"{where}: {reason}")
        return partition.LogPartition.exact(self._enumerated())

    def annealed(
        self,
        walks: Walks,
        chains: int,
        temperatures: int,
        reverse: bool,
        seed: random.Seed,
    ) -> partition.LogPartition:
        """log Z by annealing; backwards from exact draws where these are quick.

        Args:
            walks: of the machine.
            chains: how many.
            temperatures: of the path.
            reverse: whether to anneal backwards as well.
            seed: of all that is drawn.
        """
        first, second, third = random.split(seed, 3)
        up, down, draw = random.split(third, 3)
        exact = None
        if reverse and self.terms <= _TINY:
            machine = self.machine
            h = machine.layers().exact_hidden(chains, first)
            exact = machine.visible.sample(machine.visible_field(h), second)
        seeds = AnnealingSeeds(draw, up, first, second, down)
        return walks.anneal(chains, temperatures, seeds, reverse, exact)

    def draws(self, effort: str, temperature: float = 1.0) -> Any:
        """A function `(n, seed)` to exact visible states, or None.

        Args:
            effort: what it may cost, as of `EnergyBasedModel._exact_draws`.
            temperature: of `p(v, h)^(1 / temperature)`.
        """
        count = self.machine.layers().state_count
        if count is None or count > _MOST_DRAWN_STATES:
            return None
        if self.terms > _DRAWN[effort]:
            return None
        return self._draws.at(1.0 / temperature)
