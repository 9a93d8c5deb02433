"""Where Markov chains begin, run, are followed and are annealed."""

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from genzoo import partition
from genzoo.partition import annealed
from genzoo.runtime import distribute, random
from genzoo.runtime.graph import Graph

_KEY = tf.TensorSpec((2,), tf.int64)
_ROW = tf.TensorSpec((), tf.int64)
_COUNT = tf.TensorSpec((), tf.int32)
_SCALAR = tf.TensorSpec((), tf.float32)
# Chains that are annealed and resampled together.
GROUP = 128
# Of annealing at a glance; they divide the number of chains.
ISLANDS = 8
# Chains that jump together: each is compared with all that are known.
TOGETHER = 4096
# The number of the draws of new chains: beside the sweeps of a step, of which
# chains of sites number theirs from 0.
_NEW = 2**16
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

    A walker may also have

    - `from_path(walkers, seed, beta=1.0)`: states of chains that go on from
      walkers on its path; else walkers are examples in rows, for `at`;
    - `opposite(states)`: others, as far away as can be;
    - `jump(states, seed, beta)`: states after moves between modes that leave
      p^beta as it is, and `jumps_are_cheap`, whether all chains make them;
    - `turned(states, seed, beta=1.0)`: annealed states, of which some are
      another that is as likely;
    - `can_cool`: whether there is another beta than 1;
    - `roam(states, known, seed, steps)`: examples in rows after sweeps between
      which chains jump to modes, of which some states are known; and `roams`,
      whether they can.

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
        """The path by which log Z is annealed.

        `path(*inputs, beta=...)`, where samples of p^beta are drawn.
        """


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
        self._runs = {
            # Rows from the first on need no cutting; nor a temperature of 1.
            key: Graph(
                functools.partial(self._walk, *key),
                states,
                _KEY,
                _ROW,
                _COUNT,
                _SCALAR,
            )
            for key in itertools.product((True, False), repeat=2)
        }
        self._jumps = {
            at_one: Graph(
                functools.partial(self._jump, at_one), states, _KEY, _SCALAR
            )
            for at_one in (True, False)
        }
        self._go_on = {
            from_first: Graph(
                functools.partial(self._roam, from_first),
                states,
                states,
                _KEY,
                _ROW,
                _COUNT,
            )
            for from_first in (True, False)
        }
        self._follow = Graph(self._series, states, _KEY, _COUNT)
        self._anneal: Graph | None = None
        self._starts: dict[tuple[bool, bool], Graph] = {}
        self._glance: Graph | None = None

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
        self.check_start(start)
        if start == "random" or self.chains is None:
            return self.walker.fresh(n, seed)
        # Each chain once before any is taken twice, from a random one on.
        chains = self.chains.read_all()
        count = tf.shape(chains)[0]
        share = random.uniform((1,), seed.at_row(0))[0]
        first = tf.cast(tf.cast(count, share.dtype) * share, tf.int32)
        first += tf.cast(seed.row, tf.int32) % count
        return tf.gather(chains, (first + tf.range(n)) % count)

    def check_start(self, start: str | None) -> None:
        """Raise a ValueError unless chains can `begin` there."""
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

    def renew(self, seed: random.Seed) -> None:
        """Let the persistent chains begin anew."""
        chains = self.persistent
        chains.write_all(self.walker.fresh(chains.count, seed))

    def with_new(
        self, states: tf.Tensor, share: float, seed: random.Seed
    ) -> tf.Tensor:
        """The states of chains, of which about a share begin anew.

        Args:
            states: of the chains.
            share: from 0 to 1.
            seed: a `runtime.random.Seed`, addressed by the chains.
        """
        if not share:
            return states
        first, second = random.split(random.fold_in(seed, _NEW), 2)
        count = tf.shape(states)[0]
        is_new = random.uniform((count, 1), first) < share
        new = tf.cast(self.walker.fresh(count, second), states.dtype)
        return tf.where(is_new, new, states)

    def run(
        self,
        states: tf.Tensor,
        seed: random.Seed,
        steps: Any,
        temperature: Any = 1.0,
    ) -> tf.Tensor:
        """Examples in rows, after `steps` sweeps from these states."""
        return self._runs[_plain(seed.row, 0), _plain(temperature, 1)](
            states,
            seed.key,
            tf.cast(seed.row, tf.int64),
            tf.convert_to_tensor(steps, tf.int32),
            tf.convert_to_tensor(temperature, tf.float32),
        )

    def _walk(self, from_first, at_one, states, key, row, steps, temperature):
        seed = random.Seed(key, 0 if from_first else row)
        beta = 1.0 if at_one else 1 / temperature
        return self.walker.walk(states, seed, steps, beta)

    @property
    def goes_on(self) -> bool:
        """Whether samples go on from the persistent chains."""
        return self.chains is not None and getattr(self.walker, "roams", True)

    @property
    def roams(self) -> bool:
        """Whether chains jump between modes that the persistent ones know."""
        return self.chains is not None and getattr(self.walker, "roams", False)

    def go_on(self, states: tf.Tensor, seed: random.Seed, steps: Any) -> Any:
        """Examples in rows, after sweeps of chains like the persistent ones.

        Where these know modes it is by jumps, too, so that the shares of modes
        are the model's whatever those of the persistent chains were.
        """
        if not self.roams:
            return self.run(states, seed, steps)
        return self._go_on[_plain(seed.row, 0)](
            states,
            self.persistent.read_all(),
            seed.key,
            tf.cast(seed.row, tf.int64),
            tf.convert_to_tensor(steps, tf.int32),
        )

    def _roam(self, from_first, states, known, key, row, steps):
        walker: Any = self.walker
        seed = random.Seed(key, 0 if from_first else row)
        return walker.roam(states, known, seed, steps)

    def start(
        self, n: Any, seed: random.Seed, steps: Any, temperature: Any = 1.0
    ) -> tf.Tensor:
        """The states of n chains after annealing in so many temperatures.

        They are resampled by weight within groups of `GROUP` rows, so that
        row r is the same however many there are.
        """
        inputs = self.walker.path_inputs()
        key = _plain(seed.row, 0), _plain(temperature, 1)
        if key not in self._starts:
            self._starts[key] = Graph(
                functools.partial(self._started, *key),
                _COUNT,
                _KEY,
                _ROW,
                _COUNT,
                _SCALAR,
                *(tf.TensorSpec(value.shape, value.dtype) for value in inputs),
            )
        return self._starts[key](
            tf.convert_to_tensor(n, tf.int32),
            seed.key,
            tf.cast(seed.row, tf.int64),
            tf.convert_to_tensor(steps, tf.int32),
            tf.convert_to_tensor(temperature, tf.float32),
            *inputs,
        )

    def _started(
        self, from_first, at_one, n, key, row, steps, temperature, *inputs
    ):
        seed = random.Seed(key, 0 if from_first else row)
        beta = 1.0 if at_one else 1 / temperature
        return self._annealed_start(n, seed, steps, beta, inputs)

    def _annealed_start(self, n, seed, steps, beta, inputs):
        # Whole groups, of which the rows asked for are cut out.
        skipped = seed.row % GROUP
        first = seed.at_row(seed.row - skipped)
        whole = -(-(tf.cast(skipped, tf.int32) + n) // GROUP) * GROUP
        begin, along, last = random.split(first, 3)
        # A walker that knows no temperature is not asked for one.
        heat = {} if _plain(beta, 1) else {"beta": beta}
        path = self.walker.path(*inputs, **heat)
        walkers, _ = partition.anneal_islands(
            path,
            path.at(path.draw(whole, begin)),
            tf.linspace(0.0, 1.0, tf.maximum(steps, 2)),
            along,
            whole // GROUP,
        )
        last, leap = random.split(last, 2)
        states = self._resume(walkers, last, **heat)
        walker: Any = self.walker
        if getattr(walker, "jumps_are_cheap", False):
            states = walker.jump(states, leap, **heat)
        if hasattr(walker, "turned"):
            states = walker.turned(states, leap, **heat)
        return states[skipped : tf.cast(skipped, tf.int32) + n]

    def _resume(self, walkers, seed, **heat):
        """States of chains that go on from walkers on the path."""
        if hasattr(self.walker, "from_path"):
            return self.walker.from_path(walkers, seed, **heat)
        return self.walker.at(walkers, seed)

    def witnesses(
        self,
        states: tf.Tensor,
        seed: random.Seed,
        steps: int,
        temperature: float,
        persist: bool = False,
    ) -> dict[str, tf.Tensor]:
        """States of as many chains from each place where others may lead.

        Args:
            states: of the chains that are drawn from.
            seed: a `runtime.random.Seed`.
            steps: sweeps of the cold ones at a quarter of the temperature.
            temperature: that of the samples.
            persist: whether these are the persistent chains; others are then
                annealed, in twice as many steps, and the other way round.
        """
        begin, cool, again, leap, which = random.split(seed, 5)
        n = tf.shape(states)[0]
        walker: Any = self.walker
        cold = walker.fresh(n, begin)
        if getattr(walker, "can_cool", True):
            rows = self.run(cold, cool, steps, temperature / 4)
            path = walker.path(*walker.path_inputs())
            cold = self._resume(path.at(rows), again)
        found = {"cold": cold}
        if hasattr(walker, "opposite"):
            found["opposite"] = walker.opposite(states)
        if persist:
            found["annealed"] = self.start(n, which, 2 * steps, temperature)
        elif self.chains is not None:
            found["persistent"] = self.begin(n, which, "chains")
        if not hasattr(walker, "jump"):
            return found
        if not walker.jumps_are_cheap:
            # Annealed chains that do what all do where it is cheap.
            return {**found, "moved": self._leap(states, leap, temperature)}
        return {
            name: self._leap(each, random.fold_in(leap, number), temperature)
            for number, (name, each) in enumerate(found.items())
        }

    def _leap(self, states, seed, temperature):
        heat = tf.constant(temperature, tf.float32)
        return self._jumps[temperature == 1](states, seed.key, heat)

    def _jump(self, at_one, states, key, temperature):
        walker: Any = self.walker
        beta = 1.0 if at_one else 1 / temperature
        return walker.jump(states, random.Seed(key), beta)

    def drawn(self, inputs: list[tf.Tensor], persist: bool) -> Callable:
        """`(n, seed, steps)` to examples in rows as `sample` has them.

        Args:
            inputs: of the walker's path, for graphs of their own.
            persist: whether the persistent chains go on.
        """

        def draw(n, seed, steps):
            first, second = random.split(seed, 2)
            if persist:
                states = self.begin(n, first, "chains")
                if not self.roams:
                    return self.walker.walk(states, second, steps, 1.0)
                walker: Any = self.walker
                known = self.persistent.read_all()
                return walker.roam(states, known, second, steps)
            annealed, walked = divided(steps)
            states = self._annealed_start(n, first, annealed, 1.0, inputs)
            return self.walker.walk(states, second, walked, 1.0)

        return draw

    def follow(
        self, sweeps: int, seed: random.Seed
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """What copies of the persistent chains do.

        Returns:
            (series, states): energies, and places along the three directions
            in which the chains now differ most, (sweeps, chains, 4); and the
            states at the end.
        """
        states = self.persistent.read_all()
        return self._follow(states, seed.key, tf.constant(int(sweeps)))

    def _series(self, states, key, sweeps):
        # Modes of the same energy are told apart by their place.
        wide = tf.cast(states, tf.float64)
        *_, right = tf.linalg.svd(wide - tf.reduce_mean(wide, axis=0))
        directions = tf.cast(right[:, :3], states.dtype)
        missing = 3 - tf.shape(directions)[1]
        directions = tf.pad(directions, [[0, 0], [0, missing]])
        series = tf.TensorArray(states.dtype, sweeps)

        def body(number, states, series):
            seed = random.fold_in(random.Seed(key), number)
            states, energy = self.walker.sweep(states, seed)
            places = tf.matmul(tf.cast(states, directions.dtype), directions)
            energy = tf.cast(energy, places.dtype)
            row = tf.concat([energy[:, None], places], axis=1)
            return number + 1, states, series.write(number, row)

        _, states, series = tf.while_loop(
            lambda number, *_: number < sweeps,
            body,
            (tf.zeros((), tf.int32), states, series),
        )
        return series.stack(), states

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

    def glance(
        self, chains: int, temperatures: int, seed: random.Seed
    ) -> partition.LogPartition:
        """log Z by annealing islands of chains, all in one graph.

        Args:
            chains: how many walk along the path.
            temperatures: of the path.
            seed: of all that is drawn.
        """
        inputs = self.walker.path_inputs()
        if self._glance is None:
            shapes = (tf.TensorSpec(v.shape, v.dtype) for v in inputs)
            self._glance = Graph(
                self._forward, _KEY, _COUNT, tf.TensorSpec((None,)), *shapes
            )
        betas = tf.linspace(0.0, 1.0, temperatures)
        found = self._glance(seed.key, tf.constant(chains), betas, *inputs)
        start, log_weights = (value.numpy() for value in found)
        return partition.annealed_importance(start, log_weights)

    def _forward(self, key, chains, betas, *inputs):
        path = self.walker.path(*inputs)
        first, second = random.split(random.Seed(key), 2)
        walkers = path.at(path.draw(chains, first))
        _, log_weights = partition.anneal_islands(
            path, walkers, betas, second, ISLANDS
        )
        start = tf.convert_to_tensor(path.log_partition_start())
        return tf.cast(start, tf.float64), log_weights

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


def divided(steps: Any) -> tuple[Any, Any]:
    """(temperatures, sweeps after them) of so many sweeps."""
    return steps // 2, steps - steps // 2


def _plain(value, number):
    """Whether this is known to be the number when a graph is made."""
    return not tf.is_tensor(value) and value == number
