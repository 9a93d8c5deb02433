# %% [markdown]
# # 11. GANs, to D = 1/2
#
# The last step: no energy any more. A **generator** $G$ makes samples from noise,
# $x = G(z)$ with $z \sim N(0, 1)$, and learns to be mistaken for data by a
# **discriminator** $D$ that learns not to be fooled:
#
# $$\min_G \max_D \; \langle \log D(x) \rangle_{\text{data}} + \langle \log(1 -
#   D(G(z))) \rangle_z .$$
#
# There is no $Z$, no Markov chain, and no likelihood either: $G$ draws in one
# step, and cannot say how probable an $x$ is. If both are as good as can be,
# samples are data, and $D = 1/2$ everywhere (chapter 10).
#
# ## Eight Gaussians on a ring
#
# The test that fails where a generator *collapses* to a few of its modes.

# %%
import keras
import numpy as np
from matplotlib import pyplot as plt

import genzoo as gz

data = gz.datasets.gaussian_ring(12_800, sd=0.1, seed=0)
held_out = gz.datasets.gaussian_ring(2000, sd=0.1, seed=1)
keras.utils.set_random_seed(0)
gan = gz.GAN(*gz.networks.mlp(latent=2, output=2, width=64), seed=0)
gan.compile(steps_per_execution=50)
untrained = gan.sample(1000, seed=0)
history = gan.fit(data.x, batch_size=128, epochs=20, verbose=0).history
drawn = gan.sample(2000, seed=0)


def modes(x):
    """Modes that were found, and the share of samples within 3 sd of one."""
    metric = gz.metrics.ModeCoverage(data.centres, radius=0.3)
    metric.update_state(held_out.x, x)
    found = metric.result()
    return int(found["modes"]), float(found["high_quality"])


print("before:", modes(untrained))
print("after: ", modes(drawn))

# %% tags=["check"]
assert modes(drawn)[0] == 8
assert modes(drawn)[1] > 0.8

# %% Data, samples, and what the discriminator thinks of the plane
along = np.linspace(-2.6, 2.6, 121, dtype="float32")
plane = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
d = 1 / (1 + np.exp(-gan.score(plane).reshape(121, 121)))
figure, axes = plt.subplots(1, 3, figsize=(9, 3.1), layout="constrained")
axes[0].scatter(*data.x[:2000].T, s=2)
axes[1].scatter(*drawn.T, s=2, color="tab:orange")
image = axes[2].imshow(
    d, extent=[-2.6, 2.6] * 2, origin="lower", cmap="RdBu", vmin=0, vmax=1
)
figure.colorbar(image, ax=axes[2], label="D(x)")
for axis in axes:
    axis.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), xticks=[], yticks=[])
    axis.set_aspect("equal")

# %% [markdown]
# ## Reading the log
#
# `real_score` and `fake_score` are the means of $D(x)$ and $D(G(z))$. They meet at
# one half, and `accuracy` with them: no better than a coin.

# %% D of data and of samples, over the course of training
figure, axis = plt.subplots(figsize=(6.5, 3), layout="constrained")
for name in ("real_score", "fake_score", "accuracy"):
    axis.plot(history[name], label=name)
axis.axhline(0.5, color="grey", lw=0.8)
axis.set(xlabel="epoch", ylim=(0, 1))
axis.legend(frameon=False)
last = {key: round(history[key][-1], 3) for key in ("real_score", "fake_score")}
print(last)

# %% tags=["check"]
assert abs(last["real_score"] - 0.5) < 0.1
assert abs(last["fake_score"] - 0.5) < 0.1

# %% [markdown]
# **One half alone proves nothing.** A dead discriminator, whose units are all
# off, says one half, too. The log tells both apart: `logit_spread` is how
# differently $D$ thinks of different points, `dead_units` the share of its units
# that are off, and `sample_gradient` what reaches the generator. And one can ask
# $D$ on data that were held out: in how many pairs does it prefer a datum to a
# sample, and in how many to a datum with noise added?


# %%
def preferred(x, y):
    """The share of pairs in which D scores a row of x above one of y."""
    first, second = gan.score(x), gan.score(y)
    return float(np.mean(first.reshape(-1, 1) > second.reshape(1, -1)))


noise = np.random.default_rng(0).normal(0, 0.5, held_out.x.shape)
auc = preferred(held_out.x, drawn)
control = preferred(held_out.x, (held_out.x + noise).astype("float32"))
print(f"a datum before a sample in {auc:.3f} of all pairs,")
print(f"before a datum with noise in {control:.3f}")

# %% tags=["check"]
assert abs(auc - 0.5) < 0.1
assert control > 0.7

# %% [markdown]
# It hardly tells samples from data, and can tell data with noise: it is alive, and
# the game is near its equilibrium. `callbacks.Equilibrium(x_test)` makes a test with
# a stated error rate of this, and stops `fit` when it is passed.
#
# ## What the loss is
#
# | `loss` | the generator makes small |
# |---|---|
# | `"minimax"` | $\log(1 - D(G(z)))$, the game above; flat where D is sure |
# | `"non_saturating"` | $-\log D(G(z))$, the same fixed point, with a slope |
# | `"hinge"`, `"least_squares"`, `"wasserstein"` | other functions of the logits |
# | `"relativistic_pairing"` | compares one datum with one sample |
#
# With `R1` or `R2` penalties, an average of the generator's weights (`ema`) and
# learning rates that fall, the game converges in place of circling; `compile()`
# chooses all these.
#
# ## Exercise
#
# Why does a continuous $G$ leave a few samples between the modes, whatever one
# does, and how could one do without?

# %% [markdown] tags=["answer"]
# $z$ comes from one connected cloud, and a continuous map keeps it connected:
# between two modes there must be a bridge, if a thin one. A discrete latent can
# jump: labels (`classes=`), or classes that the model finds itself,
# `GAN(..., self_conditioned=True)`.
