# %% [markdown]
# # Your own unit, loss, feature, network or model
#
# Each is one small class or function. What genzoo itself ships is made in the
# same way; [Contributing](../contributing.md) says what a part needs besides to
# become one of the house.
#
# ## A feature: any function of x

# %%
import keras
import numpy as np
import tensorflow as tf
from keras import ops

import genzoo as gz

die = gz.MaxEnt(
    gz.spaces.Categorical(range(1, 7)),
    gz.features.Function(lambda x: tf.cast(x == 6, tf.float32)),
)
die.compile()
die.fit(observations=[0.5], verbose=0)
print(die.prob(die.space.states()).round(3))

# %% tags=["check"]
assert np.allclose(die.prob(die.space.states()), [0.1] * 5 + [0.5], atol=1e-5)

# %% [markdown]
# ## A unit
#
# A subclass of `Unit` with its space, its levels, the logarithm of the sum over
# them, its mean and a draw. Here 0, 1 or 2, with the weight $e^{b x}$:


# %%
@keras.saving.register_keras_serializable("mine")
class Three(gz.units.Unit):
    """x in {0, 1, 2}, with potential b x."""

    levels = np.array([[0.0], [1.0], [2.0]])

    def space_of(self, arrangement):
        """Counts with an end."""
        return gz.spaces.Counts(2, arrangement)

    def _weights(self, field):
        total = ops.cast(self.bias, field.dtype) + field
        return total[..., None] * np.arange(3.0, dtype="float32")

    def unit_log_cumulant(self, field):
        """log(1 + e^t + e^2t)."""
        return ops.logsumexp(self._weights(field), axis=-1)

    def mean(self, field):
        """<x> given the field."""
        shares = ops.softmax(self._weights(field))
        return ops.sum(shares * np.arange(3.0, dtype="float32"), axis=-1)

    def sample(self, field, seed):
        """As many ends passed as a uniform number is above."""
        ends = ops.cumsum(ops.softmax(self._weights(field)), axis=-1)[..., :2]
        u = gz.random.uniform(ops.shape(field), seed)[..., None]
        return ops.sum(ops.cast(u > ends, field.dtype), axis=-1)

    def bias_for(self, mean):
        """A bias under which the mean is near this."""
        return np.log((mean + 0.1) / (2.1 - mean))


x = np.random.default_rng(0).binomial(2, 0.3, (500, 6)).astype(float)
rbm = gz.RBM(Three(6), gz.units.Bernoulli(3), seed=0)
rbm.compile()
rbm.fit(x, epochs=5, verbose=0)
p = np.exp(rbm.log_prob(rbm.space.states()))
print(
    f"probabilities sum to {p.sum():.5f}, <log p> {rbm.log_prob(x).mean():.2f}"
)

# %% tags=["check"]
assert abs(p.sum() - 1) < 1e-4

# %% [markdown]
# ## A learning rule
#
# A mean over the data of any function of the energies:


# %%
class Flow(gz.losses.DifferentiableRule):
    """Data should have less energy than their complements."""

    def each(self, rules, states, seed):
        """One number for each row."""
        turned = rules.energies(1 - states)
        return tf.exp((rules.energies(states) - turned) / 2)


bits = (np.random.default_rng(0).random((400, 5)) < 0.3).astype("float32")
model = gz.EnergyModel(gz.spaces.Binary(5), seed=0)
model.compile(loss=Flow())
history = model.fit(bits, epochs=2, verbose=0)

# %% [markdown]
# ## A network
#
# Of a GAN: any two Keras models, the second to one logit. Of an `EnergyModel`:
# any Keras model to one number. Further terms of a GAN's loss are functions of a
# turn:

# %%
generator = keras.Sequential(
    [keras.Input((4,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(2)]
)
discriminator = keras.Sequential(
    [keras.Input((2,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(1)]
)


def same_means(turn):
    """The squared distance of the means."""
    gap = ops.mean(turn.real, axis=0) - ops.mean(turn.generated, axis=0)
    return ops.sum(gap**2)


gan = gz.GAN(generator, discriminator, seed=0)
gan.compile(generator_losses=[same_means])
points = np.random.default_rng(0).normal(3, 1, (640, 2)).astype("float32")
history = gan.fit(points, batch_size=64, epochs=2, verbose=0)
print(gan.sample(3, seed=0).shape)

# %% [markdown]
# ## A model
#
# The page [Contributing](../contributing.md#add-a-model) has one that is whole, in
# fifty lines: it fits, evaluates, samples, saves, exports and is a preset.
