"""Where Markov chains begin, run, are followed and are annealed."""

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from genzoo import partition
from genzoo.partition import annealed
from genzoo.runtime import distribute, random
from genzoo.runtime.graph import Graph

_KEY = tf.TensorSpec((2,), tf.int64)
_COUNT = tf.TensorSpec((), tf.int32)
_SCALAR = tf.TensorSpec((), tf.float32)
# Sweeps before a reverse run: from new chains, and from those that walked.
_LONG, _SHORT = 1000, 100


class Path(annealed.Path, Protocol):
    """From a density with a known log Z to the model: `partition.anneal`."""

    def log_partition_start(self) -> Any:
        """log Z where the path begins."""

    def draw(self, n: int, seed: random.Seed) -> tf.Tensor:
        """n exact draws from where it begins, in a row each."""

    def at(self, x: tf.Tensor) -> Any:
        """The state of walkers at these."""


class Walker(Protocol):
    """The chain of a model: what one sweep is, inside a graph.

    Attributes:
        width: the length of the state of one chain.
        dtype: of states.
        example_width: the length of one example in a row.
    """

    width: int
    dtype: str
    example_width: int

    def fresh(self, n: Any, seed: random.Seed) -> tf.Tensor:
        """n states of chains that know nothing of the model's couplings."""

    def at(self, x: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """States of chains that begin at examples."""

    def walk(
        self, states: tf.Tensor, seed: random.Seed, steps: Any, beta: Any
    ) -> tf.Tensor:
        """Examples in rows, after sweeps at an inverse temperature."""

    def sweep(
        self, states: tf.Tensor, seed: random.Seed
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """(states, energies) after one sweep."""

    def path_inputs(self) -> list[tf.Tensor]:
        """What `path` depends on besides the weights."""

    def path(self, *inputs: tf.Tensor) -> Path:
        """The path by which log Z is annealed."""


class AnnealingSeeds(NamedTuple):
    """Of annealing both ways: the draws that it makes.

    Attributes:
        start: of the start of the path.
        up: of the walk along it.
        begin: of samples of the model, where they begin.
        walk: of their walk.
        down: of the walk back.
    """

    start: random.Seed
    up: random.Seed
    begin: random.Seed
    walk: random.Seed
    down: random.Seed


class Walks:
    """The walks of a model's chains, compiled when they are first made.

    Args:
        walker: the `Walker`.
        owner: the name of the model's class, for messages.

    Attributes:
        chains: the persistent chains, or None.
    """

    def __init__(self, walker: Walker, owner: str):
        self.walker = walker
        self.owner = owner
        self.chains: distribute.Chains | None = None
        states = tf.TensorSpec((None, walker.width), walker.dtype)
        self._run = Graph(self._walk, states, _KEY, _COUNT, _SCALAR)
        self._follow = Graph(self._energies, states, _KEY, _COUNT)
        self._anneal: Graph | None = None

    @property
    def persistent(self) -> distribute.Chains:
        """The persistent chains, which there must be."""
        if self.chains is None:
            raise ValueError(
                f"{self.owner}: there are no persistent chains. Compile with "
                "PersistentContrastiveDivergence."
            )
        return self.chains

    def begin(
        self, n: Any, seed: random.Seed, start: str | None = None
    ) -> tf.Tensor:
        """The states in which n chains begin.

        Args:
            n: int or int tensor.
            seed: a `runtime.random.Seed`.
            start: "chains", "random", or None, the chains if there are any.

        Raises:
            ValueError: for another start, or chains that there are not.
        """
        where = f"{self.owner}.sample"
        if start not in (None, "chains", "random"):
            raise ValueError(
                f"{where}: start must be 'chains', 'random', an array of "
                f"examples or None; received {start!r}."
            )
        if start == "chains" and self.chains is None:
            raise ValueError(
                f"{where}: there are no persistent chains to start at. "
                "Compile with PersistentContrastiveDivergence, or use "
                "start='random'."
            )
        if start == "random" or self.chains is None:
            return self.walker.fresh(n, seed)
        # Each chain once before any is taken twice, from a random one on.
        chains = self.chains.read_all()
        count = tf.shape(chains)[0]
        share = random.uniform((1,), seed)[0]
        first = tf.cast(tf.cast(count, share.dtype) * share, tf.int32)
        return tf.gather(chains, (first + tf.range(n)) % count)

    def renew(self, seed: random.Seed) -> None:
        """Let the persistent chains begin anew."""
        chains = self.persistent
        chains.write_all(self.walker.fresh(chains.count, seed))

    def run(
        self,
        states: tf.Tensor,
        seed: random.Seed,
        steps: Any,
        temperature: Any = 1.0,
    ) -> tf.Tensor:
        """Examples in rows, after `steps` sweeps from these states."""
        heat = tf.convert_to_tensor(temperature, tf.float32)
        return self._run(states, seed.key, tf.convert_to_tensor(steps), heat)

    def _walk(self, states, key, steps, temperature):
        seed = random.Seed(key)
        return self.walker.walk(states, seed, steps, 1 / temperature)

    def follow(self, sweeps: int, seed: random.Seed) -> tf.Tensor:
        """Energies of copies of the persistent chains, (sweeps, chains)."""
        states = self.persistent.read_all()
        return self._follow(states, seed.key, tf.constant(int(sweeps)))

    def _energies(self, states, key, sweeps):
        energies = tf.TensorArray(states.dtype, sweeps)

        def body(number, states, energies):
            seed = random.fold_in(random.Seed(key), number)
            states, energy = self.walker.sweep(states, seed)
            return number + 1, states, energies.write(number, energy)

        return tf.while_loop(
            lambda number, *_: number < sweeps,
            body,
            (tf.zeros((), tf.int32), states, energies),
        )[2].stack()

    def anneal(
        self,
        chains: int,
        temperatures: int,
        seeds: AnnealingSeeds,
        reverse: bool = True,
        exact: tf.Tensor | None = None,
    ) -> partition.LogPartition:
        """log Z by annealed importance sampling, in both directions.

        Args:
            chains: how many walk along the path.
            temperatures: of the path.
            seeds: of all that is drawn.
            reverse: whether to anneal backwards as well.
            exact: independent samples of the model, as many as chains, for
                the reverse run; None takes those of a walk.
        """
        inputs = self.walker.path_inputs()
        path = self.walker.path(*inputs)
        betas = tf.linspace(0.0, 1.0, temperatures)
        start = path.draw(chains, seeds.start)
        forward = self._log_weights(start, betas, seeds.up, inputs)
        backward = None
        if reverse:
            samples = exact
            if exact is None:
                steps = _LONG if self.chains is None else _SHORT
                states = self.begin(chains, seeds.begin)
                samples = self.run(states, seeds.walk, steps)
            backward = self._log_weights(
                samples, betas[::-1], seeds.down, inputs
            )
        return partition.annealed_importance(
            path.log_partition_start(), forward, backward, exact is not None
        )

    def _log_weights(self, x, betas, seed, inputs):
        if self._anneal is None:
            self._anneal = Graph(
                self._annealed,
                tf.TensorSpec((None, self.walker.example_width), x.dtype),
                tf.TensorSpec((None,), tf.float32),
                _KEY,
                *(tf.TensorSpec(value.shape, value.dtype) for value in inputs),
            )
        return self._anneal(x, betas, seed.key, *inputs)

    def _annealed(self, x, betas, key, *inputs):
        path = self.walker.path(*inputs)
        seed = random.Seed(key)
        return partition.anneal(path, path.at(x), betas, seed).log_weights
