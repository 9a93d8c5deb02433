"""The restricted Boltzmann machine, for every pair of unit types."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import partition, samplers
from genzoo.models import rbm_gradients
from genzoo.models.energy_based_model import EnergyBasedModel
from genzoo.runtime import data, distribute, random
from genzoo.samplers import gibbs
from genzoo.units import Unit

# log Z is enumerated by default up to this many terms: seconds.
_CHEAP = 2**30
_MOST_STATES = 2**26


@keras.saving.register_keras_serializable("genzoo")
class RBM(EnergyBasedModel):
    """Restricted Boltzmann machine with general unit potentials.

    `E(v, h) = -sum_i a_i(v_i) - sum_m b_m(h_m) - sum_im W_im v_i h_m`, where
    the potentials a and b belong to the unit types, and
    `p(v) = sum_h exp(-E(v, h)) / Z = exp(-F(v)) / Z`.

    Args:
        visible: the visible `Unit`s.
        hidden: the hidden `Unit`s. At least one of the two layers must be
            discrete: then the model is normalisable whatever its weights.
        centered: whether the gradient is that of the centred energy, in which
            v and h stand for their difference from the data's mean. Another
            metric for the same likelihood, far better conditioned.
        kernel_initializer: Keras initializer of the kernel; by default normal
            with standard deviation 0.01.
        kernel_regularizer: Keras regularizer of the kernel, or None.
        seed: int or pair of ints, for all that is drawn at random.

    Attributes:
        kernel: the weights W, (visible.width, hidden.width).
        visible: its `bias` has shape (visible.width,).
        hidden: its `bias` has shape (hidden.width,).

    Raises:
        ValueError: for units whose pair cannot be normalised.

    Reference:
        Smolensky 1986; Hinton, "A practical guide to training restricted
        Boltzmann machines", 2012. Centring: Montavon and Mueller 2012;
        Melchior, Fischer and Wiskott, JMLR 17(99), 2016.

    Example:

    >>> rbm = genzoo.RBM(
    ...     visible=genzoo.units.Bernoulli(64),
    ...     hidden=genzoo.units.Bernoulli(16),
    ... )
    >>> rbm.compile()
    >>> history = rbm.fit(x_train, epochs=10)
    >>> rbm.sample(25, seed=0)                     # (25, 64)
    """

    def __init__(
        self,
        visible,
        hidden,
        centered=True,
        kernel_initializer=None,
        kernel_regularizer=None,
        seed=None,
        **kwargs,
    ):
        _check_pair(visible, hidden)
        super().__init__(seed=seed, **kwargs)
        self.visible = visible
        self.hidden = hidden
        self.centered = bool(centered)
        self.kernel_initializer = keras.initializers.get(
            kernel_initializer or self._small_normal()
        )
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(visible.width, hidden.width),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            autocast=False,
        )
        # The data's mean visible state, and a running mean of the hidden.
        self.visible_offset = self._add_offset("visible_offset", visible)
        self.hidden_offset = self._add_offset("hidden_offset", hidden)
        self.built = True

    def _small_normal(self):
        seed = int(self.draws.epoch_key()[0] % 2**31)
        return keras.initializers.RandomNormal(stddev=0.01, seed=seed)

    def _add_offset(self, name, unit):
        return self.add_weight(
            name=name,
            shape=(unit.width,),
            initializer="zeros",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    # The energy and its conditionals --------------------------------------

    @property
    def parameters(self):
        """kernel, then the visible and the hidden units' weights."""
        return [
            self.kernel,
            *self.visible.parameters,
            *self.hidden.parameters,
        ]

    def energy(self, v, h):
        """E(v, h), shape (batch,), in nats."""
        v, h = self._as_states(v), self._as_states(h)
        interaction = ops.sum(self._hidden_field(v) * h, axis=-1)
        return -(
            self.visible.potential(v) + self.hidden.potential(h) + interaction
        )

    def free_energy(self, v):
        """F(v) = -log sum_h exp(-E(v, h)), shape (batch,), in nats."""
        v = self._as_states(v)
        field = self._hidden_field(v)
        return -(self.visible.potential(v) + self.hidden.log_cumulant(field))

    def hidden_mean(self, v):
        """<h> given v, shape (batch, hidden.width)."""
        return self.hidden.mean(self._hidden_field(v))

    def visible_mean(self, h):
        """<v> given h, shape (batch, visible.width)."""
        return self.visible.mean(self._visible_field(h))

    def sample_hidden(self, v, seed=None):
        """h drawn given v, shape (batch, hidden.width)."""
        return self.hidden.sample(self._hidden_field(v), self.seed_for(seed))

    def sample_visible(self, h, seed=None):
        """v drawn given h, shape (batch, visible.width)."""
        return self.visible.sample(self._visible_field(h), self.seed_for(seed))

    def reconstruct(self, v):
        """<v> given the mean hidden state of v, (batch, visible.width)."""
        return self.visible_mean(self.hidden_mean(v))

    def _as_states(self, x):
        x = ops.convert_to_tensor(x)
        return ops.cast(x, self.variable_dtype)

    @property
    def _bipartite(self):
        kernel = tf.convert_to_tensor(self.kernel.value)
        return partition.Layers(self.visible, self.hidden, kernel)

    def _product(self, x, dtype=None, **options):
        dtype = dtype or self.variable_dtype
        kernel = ops.cast(self.kernel, dtype)
        x = ops.cast(ops.convert_to_tensor(x), dtype)
        return ops.cast(tf.matmul(x, kernel, **options), self.variable_dtype)

    def _hidden_field(self, v, dtype=None):
        return self._product(v, dtype)

    def _visible_field(self, h, dtype=None):
        return self._product(h, dtype, transpose_b=True)

    def _sweep(self, dtype=None):
        """A Gibbs sweep, its products made in `dtype`."""
        return gibbs.block_gibbs(
            self.visible,
            self.hidden,
            lambda h: self._visible_field(h, dtype),
            lambda v: self._hidden_field(v, dtype),
        )

    # Data -----------------------------------------------------------------

    @property
    def event_shape(self):
        """(visible.width,)."""
        return (self.visible.width,)

    @property
    def space(self):
        """What visible states hold, and what to do with others."""
        kind = type(self.visible).__name__
        return f"{self.visible.space} for {kind} units", self.visible.hint

    def outside(self, x):
        """Whether any value of x is not a visible state."""
        return self.visible.outside(x)

    def adapt(self, x, steps=None):
        """Set the visible bias from the data's averages, before training.

        Without hidden units the model then fits each visible unit by itself
        (for Bernoulli units, the log-odds of the data). The centring offsets
        are set, and the persistent chains drawn anew. `fit` calls this unless
        you have.

        Args:
            x: array of shape (n, visible.width), or a dataset of batches.
            steps: how many batches of the dataset to see; None means all.

        Raises:
            ValueError: if x is empty, of another shape or outside the space.
        """
        x = self._checked("adapt", x)
        mean, variance, count = data.moments(x, steps)
        self.visible.adapt(mean, variance, count)
        self.visible_offset.assign(mean)
        self.hidden_offset.assign(self.hidden_mean(mean[None])[0])
        self.adapted.assign(1)
        if self.chains is not None:
            self.reset_chains()

    # Markov chains --------------------------------------------------------

    @property
    def chain_width(self):
        """Chains are kept as hidden states."""
        return self.hidden.width

    def reset_chains(self):
        """Draw new chains: independent visible units, then hidden ones."""
        first, second = random.split(self.draws.next(), 2)
        self.chains.write_all(self._start(self.chains.count, first, second))

    def _start(self, n, first, second):
        """Hidden states given visible units drawn without a kernel."""
        empty = ops.zeros((n, self.visible.width), self.variable_dtype)
        v = self.visible.sample(empty, first)
        return self.hidden.sample(self._hidden_field(v), second)

    def chains_at(self, x, seed):
        """Chains that begin at the data: hidden states given x."""
        field = self._hidden_field(x, self.compute_dtype)
        return self.hidden.sample(field, random.fold_in(seed, 3))

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
        if steps > 1:
            # The loop's visible state is written before it is read.
            visible = self._visible_field(hidden, dtype)
            state = gibbs.State(visible, hidden)
            step = self._sweep(dtype)
            hidden = samplers.run(step, first, state, steps - 1).hidden
        # The last sweep shares its hidden field with the gradient.
        field = self._visible_field(hidden, dtype)
        samples = self._phase(self.visible.sample(field, second), dtype)
        all_sum = distribute.all_sum if self.centered else None
        loss, gradients, mean = self._phases(
            self._phase(x, dtype), samples, dtype, all_sum
        )
        self._keep_offset(mean)
        return loss, gradients, self.hidden.sample(samples[1], third)

    # Gradients ------------------------------------------------------------

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
        return loss, self._center(gradients, x)

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
        return loss, self._center(gradients, v)

    def _phase(self, x, dtype):
        """(v, W' v) for visible states."""
        v = self._as_states(x)
        return v, self._hidden_field(v, dtype)

    def _phases(self, data, samples, dtype, all_sum=None):
        weights = self._row_weight(data[0]), self._row_weight(samples[0])
        return rbm_gradients.phases(
            self._bipartite, data, samples, weights, dtype, all_sum
        )

    def _row_weight(self, x):
        """One over the number of rows of all replicas together."""
        _, total = distribute.global_rows(ops.shape(x)[0])
        return 1 / ops.cast(total, self.variable_dtype)

    def _center(self, gradients, x):
        """Centred gradients from plain ones, at the means of the data."""
        if not self.centered:
            return gradients
        v = self._as_states(x)
        weights = tf.fill((1, ops.shape(v)[0]), self._row_weight(v))
        c = distribute.all_sum(tf.matmul(weights, v)[0])
        h = self.hidden_mean(v)
        d = distribute.all_sum(tf.matmul(weights, h)[0])
        self._keep_offset(d)
        return rbm_gradients.center(self._bipartite, gradients, c, d)

    def _keep_offset(self, mean):
        """Note the mean hidden state of the data, where AIS begins."""
        self.hidden_offset.assign(mean)

    # Likelihood -----------------------------------------------------------

    def estimate_log_partition(
        self, method, chains=100, temperatures=1000, reverse=True, seed=0
    ):
        """See `log_partition`."""
        layers = self._bipartite
        count = layers.smaller.state_count
        terms = count * max(self.visible.width, self.hidden.width)
        if method == "enumeration":
            self.check_enumerable("log_partition")
        if method == "enumeration" or (method == "auto" and terms <= _CHEAP):
            return partition.LogPartition.exact(self._enumerated())
        raise NotImplementedError

    @tf.function(autograph=False)
    def _enumerated(self):
        return self._bipartite.enumerate()[0]

    def check_enumerable(self, owner):
        """Raise a ValueError if neither layer can be enumerated."""
        count = self._bipartite.smaller.state_count
        if count > _MOST_STATES:
            raise ValueError(
                f"{owner}: the smaller layer has {count:.3g} joint states; "
                f"at most {_MOST_STATES:,} can be enumerated. Use annealed "
                "importance sampling, or a smaller layer."
            )

    def check_discrete(self, owner):
        """Raise a ValueError if the visible units are continuous."""
        if self.visible.levels is None:
            raise ValueError(
                f"{owner}: needs discrete visible units; these are "
                f"{type(self.visible).__name__}."
            )

    def score_samples(self, x):
        """Log-pseudolikelihood `sum_i log p(v_i | all other v)`, in nats.

        Needs no log Z; comparable between models of the same visible units.
        A score, not a likelihood.

        Returns:
            An array of shape (n,).

        Raises:
            ValueError: if x is not in the space, or the visible units are
                continuous.
        """
        self.check_discrete(f"{type(self).__name__}.score_samples")
        x = self.check_array("score_samples", x)
        return self._in_batches(self._scores, x, 256)

    @tf.function(autograph=False, reduce_retracing=True)
    def _scores(self, x):
        v = self._as_states(x)
        sites = tf.range(self.visible.size)
        return rbm_gradients.pseudolikelihood(
            self._bipartite, v, self._hidden_field(v), sites, 1.0
        )[0]

    def get_config(self):
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "visible": serialize(self.visible),
            "hidden": serialize(self.hidden),
            "centered": self.centered,
            "kernel_initializer": serialize(self.kernel_initializer),
            "kernel_regularizer": serialize(self.kernel_regularizer),
            "seed": self.draws.seed,
        }

    @classmethod
    def from_config(cls, config):
        """A model from `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        units = {name: deserialize(config[name]) for name in _UNITS}
        return cls(**{**config, **units})


_UNITS = ("visible", "hidden")


def _check_pair(visible, hidden):
    for name, unit in (("visible", visible), ("hidden", hidden)):
        if not isinstance(unit, Unit):
            raise ValueError(
                f"RBM: {name} must be units, for example "
                f"genzoo.units.Bernoulli(64); received {unit!r}."
            )
    if visible is hidden:
        raise ValueError(
            "RBM: visible and hidden are one object; their weights would be "
            "shared. Make two."
        )
    if visible.levels is None and hidden.levels is None:
        raise ValueError(
            f"RBM: {type(visible).__name__} visible with "
            f"{type(hidden).__name__} hidden units cannot be normalised: with "
            "both layers unbounded exp(-E) has no finite integral once the "
            "kernel is large. Make one layer discrete (Bernoulli, Spin or "
            "Categorical)."
        )
