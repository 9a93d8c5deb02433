"""The restricted Boltzmann machine, for every pair of unit types."""

import keras
import tensorflow as tf
from keras import ops

from genzoo import partition
from genzoo.models.checked_examples import SpaceErrors
from genzoo.models.energy_based_model import EnergyBasedModel
from genzoo.models.rbm_learning import Learning
from genzoo.models.rbm_likelihood import Likelihood
from genzoo.models.rbm_sampling import Sampling
from genzoo.runtime import data
from genzoo.samplers import gibbs
from genzoo.units import Unit


@keras.saving.register_keras_serializable("genzoo")
class RBM(Learning, Likelihood, Sampling, EnergyBasedModel):
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
        for name, unit in (("visible", visible), ("hidden", hidden)):
            if unit.variable_dtype != self.variable_dtype:
                raise ValueError(
                    f"RBM: dtype is {self.variable_dtype}, but the {name} "
                    f"units have {unit.variable_dtype}. Give both the same, "
                    f"for example Bernoulli(64, dtype={self.variable_dtype!r})."
                )
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

    @property
    def default_optimizer(self):
        """SGD(0.05), or Adam(0.002) where states have no bound."""
        if self.visible.levels is None or self.hidden.levels is None:
            # Gradients then have the scale of the data, which SGD would need
            # a rate for.
            return keras.optimizers.Adam(0.002)
        return super().default_optimizer

    # Data -----------------------------------------------------------------

    @property
    def event_shape(self):
        """(visible.width,)."""
        return (self.visible.width,)

    @property
    def space_in_words(self):
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
        with SpaceErrors(self, "adapt"):
            mean, variance, count = data.moments(x, steps)
        if self.visible.bias.trainable:
            self.visible.adapt(mean, variance, count)
        self.visible_offset.assign(mean)
        self.hidden_offset.assign(self.hidden_mean(mean[None])[0])
        self.adapted.assign(1)
        if self.chains is not None:
            self.reset_chains()

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
