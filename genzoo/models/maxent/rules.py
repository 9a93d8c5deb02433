"""What learning rules ask of a MaxEnt; see `genzoo.losses.protocols`."""

import tensorflow as tf

from genzoo.losses.protocols import Contrast, Gradients
from genzoo.models.maxent import pairwise_losses
from genzoo.models.maxent.density import Density
from genzoo.models.maxent.dual import Dual
from genzoo.models.maxent.routes import ChainRoute
from genzoo.runtime import distribute, random


class Rules:
    """Gradients of the losses that look at batches of examples.

    Args:
        density: the `Density`.
        chain: its chains, and the energy at the present multipliers.
        dual: the exact sums, where there are any.
    """

    def __init__(self, density: Density, chain: ChainRoute, dual: Dual):
        self.density = density
        self.chain = chain
        self.dual = dual

    def pseudolikelihood_gradients(
        self, x: tf.Tensor, sites: None, seed: random.Seed | None
    ) -> Gradients:
        """The negative mean log-pseudolikelihood, and its gradient."""
        return self._site_loss(pairwise_losses.pseudolikelihood, x)

    def pseudolikelihood_loss(self, x: tf.Tensor) -> tf.Tensor:
        """The negative mean log-pseudolikelihood."""
        return self._site_loss(pairwise_losses.pseudolikelihood, x)[0]

    def flow_gradients(self, x: tf.Tensor) -> Gradients:
        """The probability flow out of the data, and its gradient."""
        return self._site_loss(pairwise_losses.probability_flow, x)

    def _site_loss(self, rule, x):
        pairwise = self.chain.pairwise()
        phi = pairwise.encode(
            self.density.space.flatten(tf.cast(x, tf.float32))
        )
        _, rows = distribute.global_rows(tf.shape(phi)[0])
        weight = 1 / tf.cast(rows, tf.float32)
        value, slope = rule(pairwise, phi, pairwise.field(phi))
        gradient = pairwise_losses.multiplier_gradient(
            self.density.form, phi, slope, weight
        )
        return weight * tf.reduce_sum(value), [tf.cast(gradient, tf.float64)]

    def exact_gradients(self, x: tf.Tensor) -> Gradients:
        """The negative mean log-likelihood of a batch, and its gradient."""
        log_z, mean = self._exact()
        states, weight = self._states_and_weight(x)
        share = 1.0 / distribute.replica_count()
        of_data = weight * tf.reduce_sum(self.density.features(states), axis=0)
        loss = weight * tf.reduce_sum(self.chain.energy(states))
        return loss + share * log_z, [share * mean - of_data]

    def exact_loss(self, x: tf.Tensor) -> tf.Tensor:
        """This replica's share of the negative mean log-likelihood."""
        log_z = self._exact()[0] / distribute.replica_count()
        states, weight = self._states_and_weight(x)
        return weight * tf.reduce_sum(self.chain.energy(states)) + log_z

    def _exact(self):
        """(log Z, <f>) at the present multipliers."""
        x = tf.convert_to_tensor(self.chain.multipliers.value)
        shift = tf.convert_to_tensor(self.dual.observations.values.value)
        moments = self.dual.exact.moments(x, shift)
        return moments.log_z + tf.reduce_sum(x * shift), moments.mean + shift

    def _states_and_weight(self, x):
        states = self.density.space.flatten(tf.cast(x, tf.float64))
        _, total = distribute.global_rows(tf.shape(states)[0])
        return states, 1 / tf.cast(total, tf.float64)

    def chains_at(self, x: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """Chains that start at examples."""
        return self.chain.at(x, seed)

    def advance(
        self, states: tf.Tensor, steps: int, seed: random.Seed
    ) -> tf.Tensor:
        """States after some sweeps."""
        return self.chain.walk(states, seed, steps)

    def energy_difference(
        self, x: tf.Tensor, states: tf.Tensor, seed: random.Seed
    ) -> tf.Tensor:
        """Mean energy of data less that of chains."""
        of_data, of_chains = self._mean_energies(x, states)
        return of_data - of_chains

    def _mean_energies(self, x, states):
        shares = []
        for part in (x, self.density.space.unflatten(states)):
            part, weight = self._states_and_weight(part)
            shares.append(weight * tf.reduce_sum(self.chain.energy(part)))
        return shares

    def contrast(
        self,
        x: tf.Tensor,
        states: tf.Tensor,
        steps: int,
        seed: random.Seed,
        jumps: bool = False,
    ) -> Contrast:
        """Chains against a batch of data; they walk by sweeps alone."""
        end = self.chain.train(states, steps, seed)
        gradient = 0.0
        for part, sign in ((self.density.space.unflatten(end), 1.0), (x, -1.0)):
            part, weight = self._states_and_weight(part)
            total = tf.reduce_sum(self.density.features(part), axis=0)
            gradient += sign * weight * total
        of_data, of_chains = self._mean_energies(x, end)
        return Contrast(of_data, of_chains, [gradient], end)
