"""How an RBM learns: the gradients of each learning rule, by formula."""

import tensorflow as tf
from keras import ops

from genzoo import samplers
from genzoo.models import rbm_gradients
from genzoo.runtime import distribute, random
from genzoo.samplers import gibbs

# The share of each batch in the running mean of the hidden states.
_OFFSET_RATE = 0.01


class Learning:
    """The part of `RBM` that `genzoo.losses` ask for gradients."""

    def chains_at(self, x, seed):
        """Chains that begin at the data: hidden states given x."""
        field = self._hidden_field(x, self.compute_dtype)
        return self.hidden.sample(field, random.fold_in(seed, 3))

    def advance(self, hidden, steps, seed):
        """The chains' hidden states after some Gibbs sweeps."""
        if steps == 0:
            return hidden
        dtype = self.compute_dtype
        # The loop's visible state is written before it is read.
        visible = self._visible_field(hidden, dtype)
        state = gibbs.State(visible, hidden)
        return samplers.run(self._sweep(dtype), seed, state, steps).hidden

    def contrast(self, x, hidden, steps, seed):
        """One step of (persistent) contrastive divergence.

        Products are made in the compute dtype: sampled 0/1 states are exact
        in bfloat16. Everything else has the variables' dtype.

        Args:
            x: data, (rows, visible.width).
            hidden: the chains' hidden states, (chains, hidden.width).
            steps: Gibbs sweeps to make, an int above 0.
            seed: a `runtime.random.Seed` for the chains.

        Returns:
            (loss, gradients, hidden): this replica's shares of the
            free-energy difference and its gradients, and the chains' ends.
        """
        dtype = self.compute_dtype
        first, second, third = random.split(seed, 3)
        hidden = self.advance(hidden, steps - 1, first)
        # The last sweep shares its hidden field with the gradient.
        field = self._visible_field(hidden, dtype)
        samples = self._phase(self.visible.sample(field, second), dtype)
        loss, gradients, mean = self._phases(
            self._phase(x, dtype), samples, dtype, self._offsets
        )
        self._move_offset(mean)
        return loss, gradients, self.hidden.sample(samples[1], third)

    def likelihood_gradients(self, x_data, x_model):
        """Gradients of mean F(x_data) - mean F(x_model), by formula.

        With x_model drawn from the model this is an unbiased estimate of the
        gradient of the negative mean log-likelihood. A shorter batch on
        either side is weighed by its own count.

        Returns:
            A list in the order of `parameters`; not centred.
        """
        dtype = self.variable_dtype
        data, samples = self._phase(x_data, dtype), self._phase(x_model, dtype)
        return self._phases(data, samples, dtype)[1]

    def free_energy_difference(self, x, hidden, seed):
        """Mean F of data less that of states drawn from chains' ends."""
        field = self._visible_field(hidden)
        samples = self.visible.sample(field, seed)
        return self._mean_free_energy(x) - self._mean_free_energy(samples)

    def _mean_free_energy(self, x):
        """This replica's share of mean F."""
        return self._row_weight(x) * ops.sum(self.free_energy(x))

    def exact_gradients(self, x):
        """The negative mean log-likelihood, and its exact gradients."""
        log_z, model = self._bipartite.enumerate(averages=True)
        v, field = self._phase(x, self.variable_dtype)
        weight = self._row_weight(v)
        value, means = rbm_gradients.free_energy(
            self._bipartite, v, field, weight
        )
        data = [
            rbm_gradients.outer(v, weight * means[0], v.dtype),
            *rbm_gradients.averages(self._bipartite, v, means, weight),
        ]
        share = self._share
        gradients = [
            share * ops.cast(of_model, of_data.dtype) - of_data
            for of_data, of_model in zip(data, model, strict=True)
        ]
        loss = value + share * ops.cast(log_z, value.dtype)
        mean = data[1 + len(self.visible.parameters)]
        return loss, self._center(gradients, mean)

    def exact_loss(self, x):
        """The negative mean log-likelihood, by enumeration."""
        value = self._mean_free_energy(x)
        log_z, _ = self._bipartite.enumerate()
        return value + self._share * ops.cast(log_z, value.dtype)

    @property
    def _share(self):
        """One replica's share of what does not depend on data."""
        return 1.0 / distribute.replica_count()

    def pseudolikelihood_gradients(self, x, sites, seed):
        """The negative mean log-pseudolikelihood, and its gradients."""
        size = self.visible.size
        # All replicas must sum over the same units.
        chosen = rbm_gradients.choose_sites(size, sites, seed.at_row(0))
        v = self._as_states(x)
        field = self._hidden_field(v)
        weight = self._row_weight(v) * size / (sites or size)
        scores, gradients = rbm_gradients.pseudolikelihood(
            self._bipartite, v, field, chosen, weight
        )
        loss = -weight * ops.sum(scores)
        mean = rbm_gradients.averages(
            self._bipartite, v, [self.hidden.mean(field)], self._row_weight(v)
        )[-1]
        return loss, self._center(gradients, mean)

    def pseudolikelihood_loss(self, x):
        """The negative mean log-pseudolikelihood, over all units."""
        return -self._row_weight(x) * ops.sum(self._site_scores(x))

    def _phase(self, x, dtype):
        """(v, W' v) for visible states."""
        v = self._as_states(x)
        return v, self._hidden_field(v, dtype)

    def _phases(self, data, samples, dtype, offsets=None):
        weights = self._row_weight(data[0]), self._row_weight(samples[0])
        return rbm_gradients.phases(
            self._bipartite, data, samples, weights, dtype, offsets
        )

    def _row_weight(self, x):
        """One over the number of rows of all replicas together."""
        _, total = distribute.global_rows(ops.shape(x)[0])
        return 1 / ops.cast(total, self.variable_dtype)

    @property
    def _offsets(self):
        """The offsets of the centred energy, or None."""
        if not self.centered:
            return None
        c = tf.convert_to_tensor(self.visible_offset.value)
        d = tf.convert_to_tensor(self.hidden_offset.value)
        # An offset is undone by the other layer's bias, if that can move.
        movable = self.kernel.trainable
        c *= float(movable and self.hidden.bias.trainable)
        d *= float(movable and self.visible.bias.trainable)
        return c, d

    def penalty_gradients(self):
        """As of any model; that of the kernel is centred as its gradient."""
        kernel, *rest = super().penalty_gradients()
        if kernel is None or not self.centered:
            return [kernel, *rest]
        zeros = [tf.zeros_like(w.value) for w in self.parameters[1:]]
        rest = [z if r is None else r for r, z in zip(rest, zeros, strict=True)]
        at_hidden = len(self.visible.parameters)
        return [
            kernel,
            *rbm_gradients.centred_biases(
                kernel, rest, at_hidden, *self._offsets
            ),
        ]

    def _center(self, gradients, mean):
        """Centred gradients from plain ones; then the offset moves."""
        if self.centered:
            gradients = rbm_gradients.center(
                self._bipartite, gradients, *self._offsets
            )
        self._move_offset(mean)
        return gradients

    def _move_offset(self, mean):
        """Let the hidden offset follow the data's mean hidden state.

        Slowly: an offset taken from the batch itself is correlated with its
        gradient, and the bias of their product does not vanish at the
        maximum of the likelihood.
        """
        old = tf.convert_to_tensor(self.hidden_offset.value)
        change = _OFFSET_RATE * (distribute.all_sum(mean) - old)
        self.hidden_offset.assign(old + change)
