"""An RBM that is given a condition: chains, rules and sums for each row.

Given c it is an RBM with the biases a + c A and b + c B, which are others in
each row.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.losses.protocols import Contrast, Gradients
from genzoo.models.common.posterior import (
    Posterior,
    by_completions,
    completion_count,
)
from genzoo.models.rbm import gradients
from genzoo.models.rbm.centring import Offsets
from genzoo.models.rbm.links import Links
from genzoo.models.rbm.machine import Machine
from genzoo.models.rbm.posterior import by_row, drawn_by_row
from genzoo.models.rbm.rules import FILLED, Rules
from genzoo.runtime import batch, random
from genzoo.types import Array

# Numbers that are held at once.
_ELEMENTS = 2**21
# Terms of a sum for one row, beyond which chains are quicker.
_CHEAP = 2**22


class Given:
    """The walker of rows of which some is known, the condition among it.

    What it knows as a row is the visible state, and behind it that of the
    condition: `clamped` is the `Machine` of the rest.

    Args:
        machine: the `Machine` without a condition.
        links: the `Links`.
    """

    # Terms of exact sums, up to which they are the rule, cheap, or allowed.
    learned, followed, possible = 2**12, 2**13, 2**17

    def __init__(self, machine: Machine, links: Links):
        self.machine = machine
        self.links = links
        self.width = machine.width
        self.example_width = machine.example_width
        self.dtype = machine.dtype
        self.path_inputs = machine.path_inputs

    def at(self, c: tf.Tensor) -> Machine:
        """The machine given conditions, one for each row."""
        return self.machine.under(*self.links.shifts(self.links.states(c)))

    def conditions(self, x: Any) -> tf.Tensor:
        """Those of a batch, (rows, width)."""
        return batch.condition(x)

    def parted(self, rows: Any) -> tuple[Any, Any]:
        """(visible states, those of the condition)."""
        return rows[:, : self.example_width], rows[:, self.example_width :]

    def clamped(self, x: tf.Tensor, seen: tf.Tensor) -> Machine:
        """The machine of what is left if some is seen."""
        v, u = self.parted(x)
        machine = self.machine.under(*self.links.shifts(u))
        return machine.clamped(v, self.parted(seen)[0])

    # Sums -------------------------------------------------------------------

    @property
    def _smaller(self):
        """Whether the hidden layer has the fewer states, and how many."""
        layers = self.machine.layers()
        return layers.hidden_is_smaller, layers.state_count

    @property
    def terms(self) -> float:
        """Of the sum over the smaller layer's states for one row."""
        count = self._smaller[1]
        width = max(self.width, self.example_width)
        return np.inf if count is None else float(count) * width

    def states(self) -> tuple[tf.Tensor, bool]:
        """All states of that layer, and whether it is the hidden one."""
        is_hidden, count = self._smaller
        unit = self.machine.hidden if is_hidden else self.machine.visible
        return unit.states(0, count, self.dtype), is_hidden

    @property
    def is_learned_exactly(self) -> bool:
        """Whether the exact likelihood is the rule of choice."""
        return self.terms <= self.learned

    @property
    def is_followed(self) -> bool:
        """Whether the likelihood is cheap beside other rules."""
        return self.terms <= self.followed

    @property
    def is_possible(self) -> bool:
        """Whether the likelihood of a batch can be summed."""
        return self.terms <= self.possible

    def log_z(self, machine: Machine) -> tf.Tensor:
        """log Z of each row of a machine that differs from row to row."""
        return tf.reduce_logsumexp(by_row(machine, self.states()), axis=1)

    def posterior(
        self, x: Array, seen: Array, seed: random.Seed
    ) -> Posterior | None:
        """What is unknown of rows, by a sum; None if it takes too long."""
        machine = self.machine
        hidden, width = machine.hidden, self.example_width
        choices = machine.visible.choices()
        known = self.parted(seen)[0]
        completions = completion_count(choices, known)
        completions *= max(self.width, width)
        states = hidden.state_count
        of_hidden = np.inf if states is None else float(states) * width
        # Chains would take longer than this for each row.
        if min(completions, of_hidden * len(x)) > _CHEAP * len(x):
            return None
        first, second = random.split(seed, 2)
        uniform = random.uniform((len(x), 1), first, "float64").numpy()[:, 0]
        x = np.asarray(x, np.float64)
        if completions <= of_hidden * len(x):
            found = by_completions(self._energy, choices, x, seen, uniform)
            found = found._replace(
                mean=self.parted(found.mean)[0],
                drawn=self.parted(found.drawn)[0],
            )
        else:
            listed = hidden.states(0, states or 0, "float64")
            size = max(int(_ELEMENTS / of_hidden), 1)
            if (x == x[:1]).all() and (seen == seen[:1]).all():
                # One sum for all draws.
                machine_of = self.clamped(
                    tf.constant(x[:1]), tf.constant(seen[:1])
                )
                return self._scaled(
                    drawn_by_row(machine_of, listed, uniform, second), known
                )
            parts = [
                drawn_by_row(
                    self.clamped(tf.constant(x[some]), tf.constant(seen[some])),
                    listed,
                    uniform[some],
                    second.at_row(some.start),
                )
                for some in _slices(len(x), size)
            ]
            found = Posterior(
                *(np.concatenate(each) for each in zip(*parts, strict=True))
            )
        return self._scaled(found, known)

    def _scaled(self, found, known):
        """With densities of examples in what is known."""
        scale = self.machine.visible.log_scale_of(tf.constant(known)).numpy()
        return found._replace(log_sum=found.log_sum - scale)

    def _energy(self, rows):
        """E of visible states given the condition behind them, float64."""
        kernel = tf.cast(self.machine.kernel, tf.float64)
        parts = []
        for some in _slices(len(rows), max(_ELEMENTS // self.width, 1)):
            v, u = self.parted(tf.constant(rows[some]))
            machine = self.machine.under(*self.links.shifts(u))
            cumulant = machine.hidden.log_cumulant(tf.matmul(v, kernel))
            parts.append(-(machine.visible.potential(v) + cumulant).numpy())
        return np.concatenate(parts)


def _slices(count, size):
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


class ConditionalRules:
    """Gradients of the losses of a conditional RBM, of -<log p(v | c)>.

    Those of the parameters, then of A and of B. Each row has its own biases:
    gradients are of mean energies, by automatic differentiation.

    Args:
        given: the `Given`.
        offsets: the `Offsets`, which follow the data.
        dtype: in which products are made where chains walk.
    """

    takes_batches = takes_gaps = True

    def __init__(self, given: Given, offsets: Offsets, dtype: Any):
        self.given = given
        self.offsets = offsets
        self.dtype = dtype

    @property
    def parameters(self) -> list:
        """Those of the machine, then A and B."""
        return [*self.given.machine.parameters, *self.given.links.parameters]

    def _of(self, x):
        """The rules of the rows' machine, and the rows for them."""
        machine = self.given.at(self.given.conditions(x))
        rules = Rules(machine, self.offsets, self.dtype)
        rows = batch.make(batch.examples(x), batch.weight(x), batch.seen(x))
        return rules, rows

    # By Markov chains -------------------------------------------------------

    def chains_at(self, x: Any, seed: random.Seed) -> batch.Batch:
        """Chains that begin at the data, each with its condition."""
        rules, rows = self._of(x)
        found = rules.chains_at(rows, seed)
        return batch.Batch(
            batch.examples(found),
            batch.weight(x),
            None,
            self.given.conditions(x),
        )

    def advance(self, states: Any, steps: int, seed: random.Seed) -> Any:
        """The chains' hidden states after some Gibbs sweeps."""
        rules, rows = self._of(states)
        end = batch.examples(rules.advance(rows, steps, seed))
        return states._replace(x=end)

    def contrast(
        self,
        x: Any,
        states: Any,
        steps: int,
        seed: random.Seed,
        jumps: bool = False,
    ) -> Contrast:
        """One step of contrastive divergence; as of an RBM."""
        steps = steps if batch.seen(x) is None else max(steps, FILLED)
        x = self._filled(x, seed)
        machine = self._of(x)[0].machine
        own, start = random.fold_in(seed, 6), batch.examples(states)
        end = machine.run(start, own, steps, self.dtype)
        shares = batch.shares(x, machine.dtype)
        v = machine.rows(batch.examples(x))

        def energy(machine, own):
            return batch.weighed(shares, machine.energy(own))

        def difference(rules):
            of_data = energy(rules.machine, v)
            return of_data - energy(rules.machine, end.visible)

        value, found = self._descend(x, difference)
        self._follow(x, v)
        of_chains = energy(machine, end.visible)
        return Contrast(value + of_chains, of_chains, found, end.hidden)

    def _filled(self, x, seed):
        """The batch with its unknown part drawn."""
        if batch.seen(x) is None:
            return x
        rules, rows = self._of(x)
        rows = rules.filled(rows, random.fold_in(seed, 5))
        return batch.make(
            batch.examples(rows), batch.weight(x), None, batch.condition(x)
        )

    def energy_difference(
        self, x: Any, states: Any, seed: random.Seed
    ) -> tf.Tensor:
        """Mean energy of data less that of states drawn from chains' ends."""
        rules, rows = self._of(x)
        states = batch.make(batch.examples(states), batch.weight(x))
        return rules.energy_difference(rows, states, seed)

    # By sums ----------------------------------------------------------------

    @property
    def sums_gaps(self) -> bool:
        """Whether there is a quick sum over what is unknown of examples."""
        return self.given.is_possible

    def exact_loss(self, x: Any) -> tf.Tensor:
        """The negative mean log-likelihood."""
        return self._exact(self._of(x)[0], x)

    def each(self, x: Any) -> tf.Tensor:
        """-log p of what is known of each example, (rows,)."""
        return self._each(self._of(x)[0], x)

    def exact_gradients(self, x: Any) -> Gradients:
        """The negative mean log-likelihood, and its exact gradients."""
        found = self._descend(x, lambda rules: self._exact(rules, x))
        v = self.given.machine.rows(batch.examples(x))
        if batch.seen(x) is not None:
            space = self.given.machine.visible.space
            middle = ops.cast(self.given.machine.means[0], v.dtype)
            v = tf.where(space.flatten(batch.seen(x)), v, middle)
        self._follow(x, v)
        return found

    def _exact(self, rules, x):
        """This replica's share of -<log p>."""
        each = self._each(rules, x)
        return batch.weighed(batch.shares(x, each.dtype), each)

    def _each(self, rules, x):
        machine = rules.machine
        log_z = self.given.log_z(machine)
        v, seen = machine.rows(batch.examples(x)), batch.seen(x)
        if seen is None:
            energy = machine.energy(v)
        else:
            seen = machine.visible.space.flatten(seen)
            left = by_row(machine.clamped(v, seen), self.given.states())
            energy = machine.visible.log_scale_of(seen)
            energy -= tf.reduce_logsumexp(left, axis=1)
        return energy + log_z

    # One unit given the others ----------------------------------------------

    def pseudolikelihood_gradients(
        self, x: Any, sites: int | None, seed: random.Seed
    ) -> Gradients:
        """The negative mean log-pseudolikelihood, and its gradients."""
        x = self._filled(x, seed)
        size = self.given.machine.visible.size
        chosen = gradients.choose_sites(size, sites, seed.at_row(0))
        v = self.given.machine.rows(batch.examples(x))
        weight = batch.shares(x, v.dtype) * size / (sites or size)

        def value(rules):
            field = rules.machine.hidden_field(v)
            scores, _ = gradients.pseudolikelihood(
                rules.machine.layers(), v, field, chosen, 1.0
            )
            return -batch.weighed(weight, scores)

        found = self._descend(x, value)
        self._follow(x, v)
        return found

    def pseudolikelihood_loss(self, x: Any) -> tf.Tensor:
        """The negative mean log-pseudolikelihood, over all units."""
        rules, rows = self._of(x)
        return rules.pseudolikelihood_loss(rows)

    # Gradients --------------------------------------------------------------

    def _descend(self, x, value: Callable) -> Gradients:
        """A function of the rows' rules, and its centred gradients."""
        machine = self.given.machine
        with tf.GradientTape() as tape:
            found = value(self._of(x)[0])
        slopes = tape.gradient(
            found,
            [weight.value for weight in self.parameters],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        count = len(machine.parameters)
        slopes, of_links = slopes[:count], slopes[count:]
        own = len(machine.visible.parameters)
        plain = [
            slopes[0],
            *machine.visible.gather(slopes[1 : 1 + own]),
            *machine.hidden.gather(slopes[1 + own :]),
        ]
        joint = list(self.offsets.center(machine, plain))
        return found, self._with_links(joint, of_links, plain)

    def _with_links(self, joint, links, plain):
        """All gradients, those of A and B being centred, too."""
        machine = self.given.machine
        places = 1, 1 + machine.visible.statistic_count
        units = machine.visible, machine.hidden
        biases = [
            plain[place] if unit.bias.trainable else None
            for place, unit in zip(places, units, strict=True)
        ]
        links, less = self.given.links.center(links, biases)
        for place, shift in zip(places, less, strict=True):
            joint[place] -= shift
        return [*machine.spread(joint), *links]

    def penalty(self, found: list) -> list:
        """A regularizer's gradients, centred like those of the likelihood."""
        machine = self.given.machine
        own = len(machine.parameters)
        rest, links = self.offsets.penalty(machine, found[:own]), found[own:]
        if any(slope is None for slope in (*rest, *links)):
            return [*rest, *links]
        visible = 1 + len(machine.visible.parameters)
        joint = [
            rest[0],
            *machine.visible.gather(rest[1:visible]),
            *machine.hidden.gather(rest[visible:]),
        ]
        nothing = [tf.zeros_like(slope) for slope in joint]
        return self._with_links(joint, links, nothing)

    def _follow(self, x, v):
        """Let the hidden offset follow the data."""
        machine = self._of(x)[0].machine
        mean = machine.hidden.mean(machine.hidden_field(v))
        shares = batch.shares(x, mean.dtype)
        total = batch.total(x, mean.dtype)
        self.offsets.follow(batch.weighed(shares, mean), total)
