"""What learning rules ask of a neural energy; see `losses.protocols`."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from genzoo.losses.protocols import (
    Contrast,
    Enumerable,
    Gradients,
    Judge,
    Judged,
    Views,
    Walkable,
)
from genzoo.models.ebm import gaps
from genzoo.models.ebm.energy import Energy
from genzoo.models.ebm.jumps import resampled
from genzoo.models.ebm.sums import Sums
from genzoo.models.ebm.walker import Walker
from genzoo.runtime import batch, distribute, random
from genzoo.spaces import Space

# Sweeps by which the unknown part of examples is drawn at each step.
_FILLED = 10


class Rules:
    """Gradients of the losses of an `EnergyModel`, by automatic derivatives.

    Args:
        energy: the `Energy`.
        parameters: the weights that are learned, the constant being last.
        walker: the chains.
        sums: the exact sums, where there are any.
    """

    takes_batches = True
    # Of others the examples must be known in full.
    takes_gaps = (Walkable, Judged, Enumerable)

    def __init__(
        self, energy: Energy, parameters: list, walker: Walker, sums: Sums
    ):
        self.energy = energy
        self.space = energy.space
        self.parameters = parameters
        self.walker = walker
        self.sums = sums
        self.jumps = walker.jumps

    # Any loss of energies ---------------------------------------------------

    def states(self, x: Any) -> tf.Tensor:
        """The states of a batch, float32 (rows, width)."""
        return self.space.flatten(tf.cast(batch.examples(x), tf.float32))

    def energies(self, states: tf.Tensor) -> tf.Tensor:
        """E of states in nats, (rows,); its derivatives can be taken."""
        return self.energy(states)

    def units(self) -> tf.Tensor:
        """The unit of each site as the network sees it, float32 (width,)."""
        return self.energy.units(tf.float32)

    def noise(self, n: Any, seed: random.Seed) -> tf.Tensor:
        """States of the reference, (n, width)."""
        return self.energy.reference.sample(n, seed)

    def log_noise(self, states: tf.Tensor) -> tf.Tensor:
        """log q of states, (rows,)."""
        return self.energy.reference.log_prob(states)

    def slope(
        self, tape: tf.GradientTape, value: tf.Tensor, has_level: bool = False
    ) -> list[tf.Tensor]:
        """The gradient of a value by the parameters.

        Args:
            tape: that has seen how the value was made.
            value: a number.
            has_level: whether it depends on the constant of the energy.
        """
        found = tape.gradient(
            value,
            [parameter.value for parameter in self.parameters],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        if not has_level:
            # But for rounding it is zero, which Adam would take for a slope.
            found[-1] = tf.zeros_like(found[-1])
        return found

    def _mean(self, x, energies):
        return batch.weighed(batch.shares(x, energies.dtype), energies)

    # By Markov chains -------------------------------------------------------

    def chains_at(self, x: Any, seed: random.Seed) -> Any:
        """Chains that begin at the data."""
        x = self.filled(x, random.fold_in(seed, 5))
        return batch.make(self.states(x), batch.weight(x))

    def advance(self, states: Any, steps: int, seed: random.Seed) -> Any:
        """The chains' states after some sweeps."""
        if steps == 0:
            return states
        start, weight = batch.examples(states), batch.weight(states)
        return batch.make(self.walker.walk(start, seed, steps), weight)

    def contrast(
        self,
        x: Any,
        states: Any,
        steps: int,
        seed: random.Seed,
        jumps: bool = False,
        judge: Judge | None = None,
    ) -> Contrast:
        """Data against chains after sweeps, and jumps where there are any."""
        x = self.filled(x, random.fold_in(seed, 5))
        own = self.states(x)
        walk, leap = random.split(seed, 2)
        end = self.walker.train(batch.examples(states), steps, walk)
        if jumps and self.jumps.pay:
            end = self.jumps(end, distribute.all_rows(own), leap)
        of_chains = batch.shares(states, tf.float32)
        if batch.weight(states) is None:
            of_chains *= batch.total(x, tf.float32)
        of_data = batch.shares(x, tf.float32)
        factors = scores = None
        if judge is not None:
            both = self._views(own), self._views(end)
            factors, scores = judge(*both, (of_data, of_chains))
        with tf.GradientTape() as tape:
            energies = self.energies(own), self.energies(end)
            data = batch.weighed(of_data, energies[0])
            chains = batch.weighed(of_chains, energies[1])
            difference = data - chains
            if factors is not None:
                data_factor, chain_factors = factors
                judged = batch.weighed(of_chains * chain_factors, energies[1])
                difference = data_factor * data - judged
        found = self.slope(tape, difference)
        return Contrast(data, chains, found, end, scores=scores)

    def view_spaces(self) -> dict[str, Space]:
        """Of the states."""
        return {"visible": self.space}

    def views(self, x: Any, seed: random.Seed) -> Views:
        """What a critic sees of a batch of data."""
        x = self.filled(x, random.fold_in(seed, 5))
        return self._views(self.states(x))

    def chain_views(self, states: Any, seed: random.Seed) -> Views:
        """What it sees of chains."""
        return self._views(tf.cast(batch.examples(states), tf.float32))

    def followed(
        self, states: tf.Tensor, seed: random.Seed
    ) -> Callable[[], tf.Tensor]:
        """What gives chains of the model as it will be, of those as it is.

        Args:
            states: of the chains of this replica, (chains, width).
            seed: a `runtime.random.Seed`.

        Returns:
            a function to be called once the weights have moved.
        """
        states = tf.cast(states, tf.float32)
        before = self.energies(states)

        def after():
            return resampled(states, before - self.energies(states), seed)

        return after

    def _views(self, states):
        # As the network sees them.
        if self.energy.is_tilted:
            states = self.energy.reference.standardised(states)
        return {"visible": self.space.unflatten(states)}

    def energy_difference(
        self, x: Any, states: Any, seed: random.Seed
    ) -> tf.Tensor:
        """This replica's share of mean E of data less that of chains."""
        x = self.filled(x, random.fold_in(seed, 5))
        of_data = self._mean(x, self.energies(self.states(x)))
        shares = batch.shares(states, tf.float32)
        if batch.weight(states) is None:
            shares *= batch.total(x, tf.float32)
        rows = tf.cast(batch.examples(states), tf.float32)
        return of_data - batch.weighed(shares, self.energies(rows))

    def filled(self, x: Any, seed: random.Seed) -> Any:
        """The batch with its unknown part drawn, given what is seen."""
        seen = batch.seen(x)
        if seen is None:
            return x
        # By the row of data, whatever row the chains are at.
        row, _ = distribute.global_rows(tf.shape(seen)[0])
        states = gaps.drawn(
            self.walker,
            self.states(x),
            self.space.flatten(seen),
            seed.at_row(row),
            _FILLED,
        )
        return batch.make(self.space.unflatten(states), batch.weight(x))

    # By sums ----------------------------------------------------------------

    @property
    def sums_gaps(self) -> bool:
        """Whether there is a sum over what is unknown of examples."""
        return math.isfinite(self.sums.count)

    def marginal_energy(self, x: batch.Batch) -> tf.Tensor:
        """-log of the sum of exp(-E) over what is unknown, float64 (rows,)."""
        return -self._completions(x).log_sums(self.sums.log_sum)

    def _completions(self, x):
        seen = self.space.flatten(batch.seen(x))
        return gaps.Completions(self.sums, self.states(x), seen)

    def exact_gradients(self, x: Any) -> Gradients:
        """-<log p> of a batch and its gradient, this replica's shares.

        Of what is known of it, if not all is: `< dE >` is then that given
        what is.
        """
        share = batch.total(x, tf.float32) / distribute.replica_count()
        log_z, of_model = self.sums.slope(
            [parameter.value for parameter in self.parameters]
        )
        if batch.seen(x) is not None:
            data, found = self._phase_of_known(x, log_z, of_model)
        else:
            with tf.GradientTape() as tape:
                data = self._mean(x, self.energies(self.states(x)))
            found = self.slope(tape, data)
        gradients = [
            own - tf.cast(share, mean.dtype) * mean
            for own, mean in zip(found, of_model, strict=True)
        ]
        gradients[-1] = tf.zeros_like(gradients[-1])
        return data + share * tf.cast(log_z, tf.float32), gradients

    def _phase_of_known(self, x, log_z, of_model):
        """The data's part of the loss, and of its gradient, with gaps."""
        rows = self._completions(x)
        shares = tf.broadcast_to(batch.shares(x, tf.float32), (rows.rows,))
        log_sums = rows.log_sums(lambda: log_z)
        found = rows.slope(
            shares, log_sums, [parameter.value for parameter in self.parameters]
        )
        # What nothing is known of is as the model has it.
        rest = tf.reduce_sum(tf.where(rows.is_void, shares, 0.0))
        data = batch.weighed(shares, tf.cast(-log_sums, tf.float32))
        return data, [
            own + tf.cast(rest, mean.dtype) * mean
            for own, mean in zip(found, of_model, strict=True)
        ]

    def exact_loss(self, x: Any) -> tf.Tensor:
        """This replica's share of -<log p>."""
        share = batch.total(x, tf.float32) / distribute.replica_count()
        log_z = self.sums.log_sum()
        if batch.seen(x) is None:
            each = self.energies(self.states(x))
        else:
            each = -self._completions(x).log_sums(lambda: log_z)
        data = self._mean(x, tf.cast(each, tf.float32))
        return data + share * tf.cast(log_z, tf.float32)

    # Sites given the others -------------------------------------------------

    def pseudolikelihood_gradients(
        self, x: Any, sites: int | None, seed: random.Seed | None
    ) -> Gradients:
        """The negative mean log-pseudolikelihood and its gradient."""
        with tf.GradientTape() as tape:
            value = self._of_sites(x, sites, seed)
        return value, self.slope(tape, value)

    def pseudolikelihood_loss(self, x: Any) -> tf.Tensor:
        """This replica's share of it, over all sites."""
        return self._of_sites(x, None, None)

    def _of_sites(self, x, sites, seed):
        own, width = self.states(x), self.space.width
        chosen = tf.range(width)
        if sites is not None:
            # The same sites for all rows and replicas.
            share = random.uniform((1, width), seed.at_row(0))[0]
            chosen = tf.argsort(share)[:sites]
        energy = self.energies(own)
        levels = tf.constant(np.array(self.space.levels), tf.float32)

        def of_site(site):
            here = tf.range(width) == site
            other = tf.where(
                here, tf.gather(levels, site)[:, None, None], own[None]
            )
            each = self.energies(tf.reshape(other, (-1, width)))
            each = tf.reshape(each, (levels.shape[1], -1))
            return energy + tf.reduce_logsumexp(-each, axis=0)

        found = tf.map_fn(of_site, chosen, fn_output_signature=tf.float32)
        scale = width / (width if sites is None else sites)
        return scale * self._mean(x, tf.reduce_sum(found, axis=0))
