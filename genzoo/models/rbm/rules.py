"""What learning rules ask of an RBM; see `genzoo.losses.protocols`.

Each gives this replica's share of a loss, and gradients by formula, in the
order of `Machine.parameters`.
"""

from typing import Any

import tensorflow as tf
from keras import ops

from genzoo.losses.protocols import (
    Conditional,
    Contrast,
    Enumerable,
    Gradients,
    Judge,
    Judged,
    Views,
    Walkable,
)
from genzoo.models.rbm import gradients
from genzoo.models.rbm.centring import Offsets
from genzoo.models.rbm.labels import Labels, Scores
from genzoo.models.rbm.machine import Leaps, Machine
from genzoo.models.rbm.posterior import few_states, log_sum
from genzoo.runtime import batch, distribute, random
from genzoo.spaces import Real, Space

# One chain in so many may jump at each step; with a kernel of more elements
# only at one step in as many, since it would cost a tenth of the time.
_JUMPING = 8
_OFTEN = 2**16
# Numbers of chains by rows that are held at once, but for so many rows.
_ELEMENTS, _LEAST_ROWS = 2**26, 16
# Sweeps by which the unknown part of examples is drawn at each step.
FILLED = 10


class Rules:
    """Gradients of the losses of an RBM.

    Args:
        machine: the `Machine`.
        offsets: the `Offsets`, which follow the data.
        dtype: in which products are made where chains walk: sampled 0/1
            states are exact in bfloat16. Everything else has the variables'.
    """

    takes_batches = True
    # Labels are predicted from all else; a rule of a user's says no protocol.
    takes_gaps = (Walkable, Judged, Enumerable, Conditional, object)

    def __init__(self, machine: Machine, offsets: Offsets, dtype: Any):
        self.machine = machine
        self.offsets = offsets
        self.dtype = dtype

    # By Markov chains -------------------------------------------------------

    def chains_at(self, x: Any, seed: random.Seed) -> Any:
        """Chains that begin at the data: hidden states given x."""
        x = self.filled(x, random.fold_in(seed, 5))
        own = random.fold_in(seed, 3)
        states = self.machine.at(batch.examples(x), own, self.dtype)
        return batch.make(states, batch.weight(x))

    def advance(self, states: Any, steps: int, seed: random.Seed) -> Any:
        """The chains' hidden states after some Gibbs sweeps."""
        if steps == 0:
            return states
        start, weight = batch.examples(states), batch.weight(states)
        end = self.machine.run(start, seed, steps, self.dtype).hidden
        return batch.make(end, weight)

    def contrast(
        self,
        x: Any,
        states: Any,
        steps: int,
        seed: random.Seed,
        jumps: bool = False,
        judge: Judge | None = None,
    ) -> Contrast:
        """One step of (persistent) contrastive divergence.

        Args:
            x: data, (rows, *event_shape), or a `Batch` of them.
            states: the chains' hidden states, (chains, hidden.width); with
                weights if they belong to rows of data.
            steps: Gibbs sweeps to make, an int above 0.
            seed: a `runtime.random.Seed` for the chains.
            jumps: whether chains jump between modes of the data, too.
            judge: says what data and chains count in the gradient.
        """
        machine = self.machine
        if batch.seen(x) is not None:
            # Chains that lag behind what is filled in let the model run away.
            steps = max(steps, FILLED)
        x = self.filled(x, random.fold_in(seed, 5))
        first, second, third = random.split(seed, 3)
        shares = self.chain_shares(x, states)
        hidden = batch.examples(self.advance(states, steps - 1, first))
        data = self._phase(x, self.dtype)
        if jumps:
            own = random.fold_in(seed, 6)
            field = self._led(hidden, data[1], batch.weight(x), own)
        else:
            field = machine.visible_field(hidden, self.dtype)
        # The last sweep shares its hidden field with the gradient.
        v = machine.visible.sample(field, second)
        samples = v, machine.hidden_field(v, self.dtype)
        if jumps:
            own = random.fold_in(seed, 4)
            samples = self.leapt(samples, data[0], batch.weight(x), own)
        weights = batch.shares(x, machine.dtype), shares
        factors = scores = None
        if judge is not None:
            both = self._views(*data), self._views(*samples)
            factors, scores = judge(*both, weights)
            if factors is not None:
                factors = factors[0], ops.cast(factors[1], machine.dtype)
        (of_data, of_chains), found, mean = gradients.phases(
            machine.layers(),
            data,
            samples,
            weights,
            self.dtype,
            self.offsets.pair(machine),
            factors,
        )
        total = batch.total(x, machine.dtype)
        self.offsets.follow(mean, total)
        end = machine.hidden.sample(samples[1], third)
        # Of states; examples have the density of their own units.
        own = total * distribute.share(machine.visible.log_scale())
        found = machine.spread(found)
        both = of_data + own, of_chains + own
        return Contrast(*both, found, end, scores=scores)

    def view_spaces(self) -> dict[str, Space]:
        """Of visible states, and of the hidden units' means."""
        machine = self.machine
        return {"visible": machine.visible.space, "hidden": Real(machine.width)}

    def views(self, x: Any, seed: random.Seed) -> Views:
        """What a critic sees of a batch of data."""
        x = self.filled(x, random.fold_in(seed, 5))
        return self._views(*self._phase(x, self.dtype))

    def chain_views(self, states: Any, seed: random.Seed) -> Views:
        """What it sees of states drawn from chains' ends."""
        machine = self.machine
        field = machine.visible_field(batch.examples(states), self.dtype)
        v = machine.visible.sample(field, seed)
        return self._views(v, machine.hidden_field(v, self.dtype))

    def _views(self, v, field):
        machine = self.machine
        examples = machine.visible.space.unflatten(v)
        return {"visible": examples, "hidden": machine.hidden.mean(field)}

    def filled(self, x: Any, seed: random.Seed) -> Any:
        """The batch with its unknown part drawn, given what is seen.

        By Gibbs sweeps that begin at the mean of the data.
        """
        seen = batch.seen(x)
        if seen is None:
            return x
        machine, space = self.machine, self.machine.visible.space
        # By the row of data, whatever row the chains are at.
        row, _ = distribute.global_rows(tf.shape(seen)[0])
        first, second = random.split(seed.at_row(row), 2)
        seen = space.flatten(seen)
        v = machine.rows(batch.examples(x))
        middle = ops.cast(machine.means[0], v.dtype)
        field = machine.hidden_field(tf.where(seen, v, middle), self.dtype)
        hidden = machine.hidden.sample(field, first)
        clamped = machine.clamped(v, seen)
        v = clamped.run(hidden, second, FILLED, self.dtype).visible
        examples = space.unflatten(machine.visible.restore(v))
        return batch.make(examples, batch.weight(x))

    @property
    def sums_gaps(self) -> bool:
        """Whether there is a quick sum over what is unknown of examples."""
        return few_states(self.machine) is not None

    def marginal_energy(self, x: batch.Batch) -> tf.Tensor:
        """-log of the sum of exp(-E) over what is unknown, (rows,).

        Raises:
            ValueError: if neither layer has few states.
        """
        machine, seen = self.machine, batch.seen(x)
        states = few_states(machine)
        if states is None or seen is None:
            raise ValueError(
                "The likelihood of examples of which some is missing needs a "
                "layer of at most 4,096 joint states. Compile with loss='pcd'."
            )
        seen = machine.visible.space.flatten(seen)
        v = machine.rows(batch.examples(x))
        scale = machine.visible.log_scale_of(seen)
        return scale - log_sum(machine, v, seen, states)

    def chain_shares(self, x: Any, states: Any) -> tf.Tensor:
        """What each chain counts; together as much as the data."""
        dtype = self.machine.dtype
        shares = batch.shares(states, dtype)
        if batch.weight(states) is None and batch.weight(x) is not None:
            shares *= batch.total(x, dtype)
        return shares

    def _led(self, hidden, fields, weight, seed):
        """Fields of visible units after hidden ones may have leapt."""
        # Any of the rows will do where chains and rows are very many.
        most = tf.maximum(_LEAST_ROWS, _ELEMENTS // tf.shape(hidden)[0])
        rows = [
            None if own is None else distribute.all_rows(own)[:most]
            for own in (fields, weight)
        ]
        return self._now_and_then(
            lambda: Leaps(self.machine, *rows)(hidden, seed, self.dtype)[1],
            lambda: self.machine.visible_field(hidden, self.dtype),
            seed,
        )

    def _now_and_then(self, jump, rest, seed):
        """What a jump gives, with a large kernel only at some steps."""
        machine = self.machine
        if machine.width * machine.example_width <= _OFTEN:
            return jump()
        turn = random.uniform((1, 1), random.fold_in(seed.at_row(0), 3))[0, 0]
        return tf.cond(turn < 1 / _JUMPING, jump, rest)

    def leapt(
        self,
        samples: tuple[tf.Tensor, tf.Tensor],
        data: tf.Tensor,
        weight: tf.Tensor | None,
        seed: random.Seed,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """(v, W' v) after jumps, now and then only if the kernel is large.

        Args:
            samples: (v, W' v) of the chains.
            data: visible states, of which some are what a jump is made of.
            weight: of these rows, or None.
            seed: a `runtime.random.Seed`, at the row of the chains.
        """
        rows = [
            None if v is None else distribute.all_rows(v)
            for v in (data, weight)
        ]
        return self._now_and_then(
            lambda: self._jump(samples, rows, seed), lambda: samples, seed
        )

    def _jump(self, samples, data, seed):
        """(v, W' v) after some chains have moved by a difference of data.

        A difference is as likely as its opposite, and rows do not depend on
        the chains: Metropolis's rule leaves the model's distribution as it
        is.
        """
        machine, (data, weight) = self.machine, data
        v, field = samples
        first, second, third = random.split(seed, 3)
        turn = random.uniform((1, 1), first.at_row(0))[0, 0] * _JUMPING
        number = tf.range(tf.shape(v)[0]) + tf.cast(second.row, tf.int32)
        chosen = tf.where(tf.equal(number % _JUMPING, tf.cast(turn, tf.int32)))[
            :, 0
        ]
        chains = tf.shape(v)[0] * distribute.replica_count()
        # Chains are spread over the batch, each between rows half of it apart.
        number = tf.gather(number, chosen)
        at, other = (
            _rows_at(2 * number + 1 + half * chains, 2 * chains, data, weight)
            for half in (0, 1)
        )
        uniform, swap = (
            tf.gather(random.uniform((tf.shape(v)[0], 1), s), chosen)
            for s in (second, third)
        )
        at, other = (
            tf.where(swap[:, 0] < 0.5, *pair)
            for pair in ((at, other), (other, at))
        )
        old, old_field = tf.gather(v, chosen), tf.gather(field, chosen)
        new = machine.visible.moved(
            old, tf.gather(data, at), tf.gather(data, other)
        )
        new_field = machine.hidden_field(new, self.dtype)
        gain = machine.energy(old, old_field) - machine.energy(new, new_field)
        accepted = tf.math.log(ops.cast(uniform, gain.dtype)) < gain[:, None]
        return tuple(
            tf.tensor_scatter_nd_update(
                whole, chosen[:, None], tf.where(accepted, after, before)
            )
            for whole, after, before in (
                (v, new, old),
                (field, new_field, old_field),
            )
        )

    def energy_difference(
        self, x: Any, states: Any, seed: random.Seed
    ) -> tf.Tensor:
        """Mean energy of data less that of states drawn from chains' ends."""
        x = self.filled(x, random.fold_in(seed, 5))
        field = self.machine.visible_field(batch.examples(states))
        samples = self.machine.visible.sample(field, seed)
        of_chains = self.machine.energy(samples)
        shares = self.chain_shares(x, states)
        return self._mean_energy(x) - batch.weighed(shares, of_chains)

    def likelihood_gradients(
        self, x_data: tf.Tensor, x_model: tf.Tensor
    ) -> list[tf.Tensor]:
        """Gradients of mean E(x_data) - mean E(x_model), not centred.

        With x_model drawn from the model this is an unbiased estimate of the
        gradient of the negative mean log-likelihood. A shorter batch on
        either side is weighed by its own count.
        """
        dtype = self.machine.dtype
        both = x_data, x_model
        data, samples = (self._phase(x, dtype) for x in both)
        shares = batch.shares(x_data, dtype), batch.shares(x_model, dtype)
        layers = self.machine.layers()
        found = gradients.phases(layers, data, samples, shares, dtype)[1]
        return self.machine.spread(found)

    def _phase(self, x, dtype):
        """(v, W' v) for examples."""
        v = self.machine.rows(batch.examples(x))
        return v, self.machine.hidden_field(v, dtype)

    # By enumeration ---------------------------------------------------------

    def exact_gradients(self, x: Any) -> Gradients:
        """The negative mean log-likelihood, and its exact gradients."""
        layers = self.machine.layers()
        log_z, model = layers.enumerate(averages=True)
        if batch.seen(x) is not None:
            return self._exact_of_known(x, log_z, model)
        v, field = self._phase(x, self.machine.dtype)
        weight = batch.shares(x, v.dtype)
        value, means = gradients.free_energy(layers, v, field, weight)
        data = [
            gradients.outer(v, batch.column(weight, v) * means[0], v.dtype),
            *gradients.averages(layers, v, means, weight),
        ]
        total = batch.total(x, v.dtype)
        share = total / distribute.replica_count()
        plain = [
            share * ops.cast(of_model, of_data.dtype) - of_data
            for of_data, of_model in zip(data, model, strict=True)
        ]
        log_z = ops.cast(log_z, value.dtype) + layers.visible.log_scale()
        loss = value + share * log_z
        mean = data[1 + layers.visible.statistic_count]
        return loss, self._centred(plain, mean, total)

    def _exact_of_known(self, x, log_z, model):
        """The same for the likelihood of what is known."""
        parameters = self.machine.parameters
        with tf.GradientTape() as tape:
            value = self._mean_energy(x)
        slopes = tape.gradient(
            value,
            [p.value for p in parameters],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        machine, own = self.machine, len(self.machine.visible.parameters)
        slopes = [
            slopes[0],
            *machine.visible.gather(slopes[1 : 1 + own]),
            *machine.hidden.gather(slopes[1 + own :]),
        ]
        total = batch.total(x, value.dtype)
        share = total / distribute.replica_count()
        plain = [
            share * ops.cast(of_model, slope.dtype) + slope
            for slope, of_model in zip(slopes, model, strict=True)
        ]
        mean = -slopes[1 + machine.visible.statistic_count]
        loss = value + share * ops.cast(log_z, value.dtype)
        return loss, self._centred(plain, mean, total)

    def exact_loss(self, x: Any) -> tf.Tensor:
        """The negative mean log-likelihood, by enumeration."""
        value = self._mean_energy(x)
        log_z, _ = self.machine.layers().enumerate()
        share = batch.total(x, value.dtype) / distribute.replica_count()
        return value + share * ops.cast(log_z, value.dtype)

    def _mean_energy(self, x):
        """This replica's share of the mean energy of data."""
        if batch.seen(x) is None:
            v = self.machine.rows(batch.examples(x))
            energy = self.machine.energy(v)
        else:
            energy = self.marginal_energy(x)
        return batch.weighed(batch.shares(x, energy.dtype), energy)

    # Labels -----------------------------------------------------------------

    def label_gradients(self, x: Any) -> tuple[Scores, list[tf.Tensor]]:
        """How labels are predicted, and gradients of -log p(y | x)."""
        found, plain, mean = Labels(self.machine).gradients(x)
        total = batch.total(x, self.machine.dtype)
        # Not centred: what is learned are differences between labels.
        self.offsets.follow(mean, total)
        return found, self.machine.spread(plain)

    def label_scores(self, x: Any) -> Scores:
        """How labels are predicted."""
        return Labels(self.machine).score(x)

    # One unit given the others ----------------------------------------------

    def pseudolikelihood_gradients(
        self, x: Any, sites: int | None, seed: random.Seed
    ) -> Gradients:
        """The negative mean log-pseudolikelihood, and its gradients."""
        machine, layers = self.machine, self.machine.layers()
        x = self.filled(x, random.fold_in(seed, 5))
        size = machine.visible.size
        # All replicas must sum over the same units.
        chosen = gradients.choose_sites(size, sites, seed.at_row(0))
        v, field = self._phase(x, machine.dtype)
        rows = batch.shares(x, v.dtype)
        weight = rows * size / (sites or size)
        scores, plain = gradients.pseudolikelihood(
            layers, v, field, chosen, weight
        )
        mean = gradients.averages(
            layers, v, [machine.hidden.mean(field)], rows
        )[-1]
        total = batch.total(x, v.dtype)
        found = self._centred(plain, mean, total)
        return -batch.weighed(weight, scores), found

    def pseudolikelihood_loss(self, x: Any) -> tf.Tensor:
        """The negative mean log-pseudolikelihood, over all units."""
        scores = self.site_scores(batch.examples(x))
        return -batch.weighed(batch.shares(x, scores.dtype), scores)

    def site_scores(self, x: tf.Tensor) -> tf.Tensor:
        """sum_i log p(v_i | all other v) of each example, (batch,)."""
        v, field = self._phase(x, self.machine.dtype)
        sites = tf.range(self.machine.visible.size)
        return gradients.pseudolikelihood(
            self.machine.layers(), v, field, sites, 1.0
        )[0]

    def _centred(self, plain, mean, total):
        """Centred gradients from plain ones; then the offset moves."""
        found = self.offsets.center(self.machine, plain)
        self.offsets.follow(mean, total)
        return self.machine.spread(found)


def _rows_at(number, of, data, weight):
    """The rows of data at places number / of in their order, by weight."""
    number = tf.cast(number % of, tf.int64)
    count = tf.shape(data)[0]
    if weight is None:
        first = number * tf.cast(count, tf.int64) // tf.cast(of, tf.int64)
        return tf.cast(first, tf.int32)
    ends = tf.cumsum(tf.cast(weight, tf.float64))
    place = tf.cast(number, ends.dtype) / tf.cast(of, ends.dtype) * ends[-1]
    found = tf.searchsorted(ends, place, side="right")
    return tf.minimum(tf.cast(found, tf.int32), count - 1)
