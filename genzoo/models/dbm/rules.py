"""What learning rules ask of a deep machine; see `losses.protocols`.

The data's phase is mean field, that of the model Markov chains. Each gives
this replica's share, in the order of `DeepMachine.parameters`.
"""

from typing import Any

import tensorflow as tf

from genzoo.losses.protocols import Contrast, Judge, Views
from genzoo.models.dbm.machine import (
    COARSE,
    FEW_SWEEPS,
    DeepMachine,
    MeanField,
)
from genzoo.models.dbm.offsets import DeepOffsets
from genzoo.models.rbm.gradients import centred_biases
from genzoo.models.rbm.rules import FILLED
from genzoo.models.rbm.rules import Rules as Chains
from genzoo.runtime import batch, distribute, random
from genzoo.spaces import Real, Space


class Rules:
    """Gradients of the losses of a `DeepBoltzmannMachine`.

    Args:
        machine: the `DeepMachine`.
        offsets: the `DeepOffsets`, which follow the mean field.
        dtype: in which products are made where chains walk.
    """

    takes_batches = takes_gaps = sums_gaps = True

    def __init__(self, machine: DeepMachine, offsets: DeepOffsets, dtype: Any):
        self.machine = machine
        self.offsets = offsets
        self.dtype = dtype
        # Those of the two blocks.
        self.chains = Chains(machine, offsets, dtype)

    def infer(self, x: Any, **options: Any) -> tuple[tf.Tensor, MeanField]:
        """(states of the layer 0, the mean field) of a batch.

        Args:
            x: examples or a `Batch`.
            **options: how long the mean field is sought.
        """
        machine, seen = self.machine, batch.seen(x)
        v = machine.rows(batch.examples(x))
        if seen is not None:
            seen = machine.first.space.flatten(seen)
        return v, machine.infer(v, seen, **options)

    def marginal_energy(self, x: Any) -> tf.Tensor:
        """The bound from above of E of what is known, (rows,), in nats."""
        _, found = self.infer(x)
        return self._energy(x, found)

    def _energy(self, x, found):
        first, seen = self.machine.first, batch.seen(x)
        if seen is None:
            scale = first.log_scale()
        else:
            scale = first.log_scale_of(first.space.flatten(seen))
        return self.machine.free_energy(found) + scale

    # By Markov chains -------------------------------------------------------

    def chains_at(self, x: Any, seed: random.Seed) -> Any:
        """Chains that begin at the data: odd states of its mean field."""
        _, found = self.infer(x)
        own = random.fold_in(seed, 3)
        states = self.machine.hidden.sample(found.odd_field, own)
        return batch.make(states, batch.weight(x))

    def advance(self, states: Any, steps: int, seed: random.Seed) -> Any:
        """The chains' odd states after some Gibbs sweeps."""
        return self.chains.advance(states, steps, seed)

    def contrast(
        self,
        x: Any,
        states: Any,
        steps: int,
        seed: random.Seed,
        jumps: bool = False,
        judge: Judge | None = None,
    ) -> Contrast:
        """Mean field of the data against chains after sweeps.

        The energies that are compared are those of even states, of which the
        data's are drawn from the mean field; the odd layers are summed out.

        Args:
            x: data, (rows, *event_shape), or a `Batch` of them.
            states: the chains' odd states.
            steps: Gibbs sweeps to make, an int above 0.
            seed: a `runtime.random.Seed` for the chains.
            jumps: whether chains jump between modes of the data, too.
            judge: says what data and chains count in the gradient.
        """
        machine = self.machine
        if batch.seen(x) is not None:
            # As of an RBM: what is not known follows the model.
            steps = max(steps, FILLED)
        first, second, third = random.split(seed, 3)
        v, found = self.infer(x, sweeps=FEW_SWEEPS, tolerance=COARSE)
        even, field = self._drawn(v, found, random.fold_in(seed, 5))
        hidden = batch.examples(self.advance(states, steps - 1, first))
        of_chains = machine.visible_field(hidden, self.dtype)
        samples = machine.visible.sample(of_chains, second)
        end = samples, machine.hidden_field(samples, self.dtype)
        if jumps:
            own = random.fold_in(seed, 4)
            end = self.chains.leapt(end, even, batch.weight(x), own)
        shares = (
            batch.shares(x, machine.dtype),
            self.chains.chain_shares(x, states),
        )
        factors = scores = None
        if judge is not None:
            both = self._views(even), self._views(end[0])
            factors, scores = judge(*both, shares)
        phases = (
            [
                machine.even_statistics(v, found),
                machine.hidden.mean_statistics(found.odd_field),
            ],
            [
                machine.visible.statistics(end[0]),
                machine.hidden.mean_statistics(end[1]),
            ],
        )
        total = batch.total(x, machine.dtype)
        slopes = self._gradients(phases, shares, factors)
        even_mean, odd_mean = (
            batch.weighed(shares[0], block[0]) for block in phases[0]
        )
        self.offsets.follow_means(even_mean, odd_mean, total)
        return Contrast(
            batch.weighed(shares[0], machine.energy(even, field)),
            batch.weighed(shares[1], machine.energy(*end)),
            slopes,
            machine.hidden.sample(end[1], third),
            batch.weighed(shares[0], self._energy(x, found)),
            scores,
        )

    def view_spaces(self) -> dict[str, Space]:
        """Of the layer 0, and of the means of all hidden layers."""
        machine = self.machine
        hidden = Real(machine.rest.width + machine.width)
        return {"visible": machine.first.space, "hidden": hidden}

    def views(self, x: Any, seed: random.Seed) -> Views:
        """What a critic sees of a batch of data."""
        return self._views(self._drawn(*self.infer(x), seed)[0])

    def chain_views(self, states: Any, seed: random.Seed) -> Views:
        """What it sees of states drawn from chains' ends."""
        machine = self.machine
        field = machine.visible_field(batch.examples(states), self.dtype)
        return self._views(machine.visible.sample(field, seed))

    def _views(self, even):
        # Of data and of chains the mean field, or a critic told means from
        # states.
        machine = self.machine
        v = even[:, : machine.first.width]
        found = machine.infer(v, sweeps=FEW_SWEEPS, tolerance=COARSE)
        of_odd = machine.hidden.mean(found.odd_field)
        return {
            "visible": machine.first.space.unflatten(v),
            "hidden": tf.concat([found.mean, of_odd], axis=1),
        }

    def _drawn(self, v, found, seed):
        # By the row of data, whatever row the chains are at.
        row, _ = distribute.global_rows(tf.shape(v)[0])
        return self.machine.drawn(v, found, seed.at_row(row))

    def _gradients(self, phases, shares, factors=None):
        """Those of <E>_data - <E>_chains, as a judge has weighed both."""
        machine = self.machine
        pair = self.offsets.pair(machine)
        kernel, sums = 0.0, []
        for number, ((even, odd), share) in enumerate(
            zip(phases, shares, strict=True)
        ):
            if factors is not None:
                share = share * tf.cast(factors[number], share.dtype)
            sums.append([batch.weighed(share, s) for s in (*even, *odd)])
            v, h = even[0], odd[0]
            if pair is not None:
                v, h = v - pair[0], h - pair[1]
            weight = batch.column(share if number else -share, h)
            kernel += tf.matmul(v, weight * h, transpose_a=True)
        kernel = machine.kernels.masked(kernel)
        rest = [model - data for data, model in zip(*sums, strict=True)]
        if pair is not None:
            at_hidden = machine.visible.statistic_count
            rest = centred_biases(kernel, rest, at_hidden, *pair)
        return machine.spread([kernel, *rest])

    def energy_difference(
        self, x: Any, states: Any, seed: random.Seed
    ) -> tf.Tensor:
        """Mean energy of data less that of states drawn from chains' ends."""
        machine = self.machine
        first, second = random.split(seed, 2)
        v, found = self.infer(x)
        of_data = machine.energy(*self._drawn(v, found, first))
        field = machine.visible_field(batch.examples(states))
        of_chains = machine.energy(machine.visible.sample(field, second))
        shares = batch.shares(x, of_data.dtype)
        weights = self.chains.chain_shares(x, states)
        return batch.weighed(shares, of_data) - batch.weighed(
            weights, of_chains
        )
