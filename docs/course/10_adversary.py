# %% [markdown]
# # 10. Adversarial learning
#
# Train a classifier $D(x)$ to tell data ($D = 1$) from samples ($D = 0$). If it
# can, the model is not good yet, and $D$ even says where. The value of the game is
#
# $$V(D) = \langle \log D(x) \rangle_{\text{data}}
#   + \langle \log (1 - D(x)) \rangle_{\text{model}} .$$
#
# ## The best discriminator
#
# At each $x$, $p \log D + q \log(1 - D)$ is largest for
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)}, \qquad
#   V(D^*) = 2\, \mathrm{JS}(p, q) - \log 4 .$$
#
# The adversary measures the Jensen-Shannon divergence of chapter 7. Its logit is
# the logarithm of the ratio, $\log p(x) / q(x)$: from it every divergence can be
# had. Where model and data agree $D^* = 1/2$ and $V = -\log 4 = -1.386$.

# %%
import keras
import numpy as np
from matplotlib import pyplot as plt

import genzoo as gz

p, q = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.25, 0.25, 0.25, 0.25])
best = p / (p + q)
value = p @ np.log(best) + q @ np.log(1 - best)
print(f"V(D*)         {value:.6f}")
print(f"2 JS - log 4  {2 * gz.metrics.jensen_shannon(p, q) - np.log(4):.6f}")

# %% tags=["check"]
js = gz.metrics.jensen_shannon(p, q)
assert abs(value - (2 * js - np.log(4))) < 1e-12

# %% [markdown]
# Is it the best? Move $D$ a little anywhere, and V falls:

# %%
rng = np.random.default_rng(0)
others = np.clip(best + rng.normal(0, 0.05, (1000, 4)), 0.01, 0.99)
values = np.log(others) @ p + np.log(1 - others) @ q
print(f"largest of 1,000 others: {values.max():.6f}")

# %% tags=["check"]
assert values.max() < value

# %% [markdown]
# ## From samples
#
# Two samples, and a network that learns to tell them apart, on parts of the data
# that it is not tested on. Here data are $N(0, 1)$, samples $N(1, 1)$: both KL
# are 0.5.

# %%
data, samples = rng.normal(0, 1, (2000, 1)), rng.normal(1, 1, (2000, 1))
found = gz.metrics.density_ratio_kl(samples, data, seed=0)
told = f"{found.value:.3f} +- {found.stderr:.3f}"
print("KL(samples || data) by a discriminator:", told)

# %% tags=["check"]
assert abs(found.value - 0.5) < 0.1

# %% [markdown]
# The same idea as a test with a p value: could these samples be data?

# %%
test = gz.metrics.ClassifierTwoSample(epochs=15, seed=0)
for name, other in (
    ("N(1, 1)", samples),
    ("N(0, 1)", rng.normal(size=(2000, 1))),
):
    test.reset_state()
    test.update_state(data.astype("float32"), other.astype("float32"))
    told = {key: round(float(v), 3) for key, v in test.result().items()}
    print(name, told)

# %% [markdown]
# ## An energy-based model with an adversary
#
# The two normal modes of the last chapter, one normal as the model. Likelihood
# covers both. `losses.Adversarial(weight=w)` lets a critic tell data from the
# model's samples and weighs with its score, which with the best critic makes
# $(1 - w)\, \mathrm{KL}(\text{data} \,\|\, \text{model}) + w\,
# \mathrm{KL}(\text{model} \,\|\, \text{data})$ small. What is best for each $w$
# can be found on a grid, with `kl_divergence` both ways:

# %%
x = np.linspace(-8, 8, 1601)


def normal(mean, sd):
    """Probabilities of the cells."""
    density = np.exp(-(((x - mean) / sd) ** 2) / 2)
    return density / density.sum()


modes = 0.7 * normal(-1.75, 0.5) + 0.3 * normal(1.75, 0.5)
places = [
    (m, s) for m in np.arange(-3, 3, 0.05) for s in np.arange(0.3, 3, 0.05)
]
models = np.array([normal(*place) for place in places])
forward = gz.metrics.kl_divergence(modes, models)
reverse = gz.metrics.kl_divergence(models, modes)
chosen = {}
for weight in (0.0, 0.2, 0.5, 0.8, 1.0):
    chosen[weight] = places[
        np.argmin((1 - weight) * forward + weight * reverse)
    ]
    mean, sd = chosen[weight]
    print(f"weight {weight:.1f}: mean {mean:5.2f}, sd {sd:.2f}")

# %% tags=["check"]
assert np.allclose(chosen[1.0], (-1.75, 0.5), atol=0.06)
assert np.allclose(chosen[0.0], (modes @ x, 1.68), atol=0.06)

# %% From covering to choosing, as the adversary's weight grows
figure, axis = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
axis.fill_between(x, modes, color="lightgrey", label="data")
for weight, place in chosen.items():
    axis.plot(x, normal(*place), label=f"weight {weight}")
axis.set(xlabel="x", yticks=[], xlim=(-5, 5))
axis.legend(frameon=False, ncols=2)

# %% [markdown]
# And with a critic that has to learn: an `EnergyModel` whose network is a
# parabola, so that it is a normal density, begins at the likelihood's answer.


# %%
@keras.saving.register_keras_serializable("course")
class Parabola(keras.layers.Layer):
    """((x - mean) / sd)^2 / 2, the energy of a normal density."""

    def __init__(self, mean=0.0, sd=1.0, **kwargs):
        super().__init__(**kwargs)
        constant = keras.initializers.Constant
        self.mean = self.add_weight((), constant(mean), name="mean")
        self.log_sd = self.add_weight((), constant(np.log(sd)), name="log_sd")

    def call(self, x):
        """Energies, (batch, 1)."""
        return ((x - self.mean) * keras.ops.exp(-self.log_sd)) ** 2 / 2


mode = rng.random(6400) < 0.7
rows = rng.normal(np.where(mode, -1.75, 1.75), 0.5)[:, None].astype("float32")
parabola = Parabola(*chosen[0.0])
model = gz.EnergyModel(
    gz.spaces.Real(1),
    keras.Sequential([keras.Input((1,)), parabola]),
    reference=None,
    seed=0,
)
model.compile(
    gz.optimizers.FallingAdam(3e-2),
    gz.losses.Adversarial(
        weight=0.8, critic_optimizer=keras.optimizers.Adam(3e-3)
    ),
    steps_per_execution=10,
    watch=False,
)
model.fit(rows, batch_size=256, epochs=20, verbose=0)
mean, sd = float(parabola.mean), float(np.exp(parabola.log_sd))
print(f"learned with weight 0.8: mean {mean:.2f}, sd {sd:.2f}")

# %% tags=["check"]
assert abs(mean - chosen[0.8][0]) < 0.2
assert abs(sd - chosen[0.8][1]) < 0.2

# %% [markdown]
# ## Exercise
#
# The discriminator is always right, $D = 1$ on data and $D = 0$ on samples. What
# is V? And what can the generator learn from it?

# %% [markdown] tags=["answer"]
# $V = 0$, since $\mathrm{JS} = \log 2$: data and samples have nothing in common.
# $\log(1 - D)$ is then flat, and the generator learns nothing from it. That is
# why GANs make $-\log D(G(z))$ small instead (`NonSaturating`, the default), add
# penalties on $D$'s slope (`R1`), and blur or augment what $D$ sees.
