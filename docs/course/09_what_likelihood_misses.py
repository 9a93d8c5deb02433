# %% [markdown]
# # 9. What likelihood misses
#
# A high likelihood says: what is real is probable under the model. It does not
# say: what the model draws is real. Neither follows from the other.
#
# ## Junk costs almost nothing
#
# Take a good model, and mix 99 parts of junk to one part of it: $q = 0.01\,
# p_\theta + 0.99\, \text{junk}$. Then $q(x) \ge 0.01\, p_\theta(x)$ for every
# $x$, so that
#
# $$\langle \log q \rangle \ge \langle \log p_\theta \rangle - \log 100 .$$
#
# Nearly all that $q$ draws is junk, for at most $4.6$ nats, however many pixels
# there are.

# %%
import numpy as np
from matplotlib import pyplot as plt

import genzoo as gz

(_, _), (x, _) = gz.datasets.digits.load_data()
x = x.reshape(-1, 64) > 7
good = gz.from_preset("rbm_digits_8x8")
log_p = good.log_prob(x).astype(float)
coins = -64 * np.log(2)
log_q = np.logaddexp(np.log(0.01) + log_p, np.log(0.99) + coins)
print(f"the preset         {log_p.mean():7.2f} nats a new digit")
print(f"1 % of it, 99 % junk {log_q.mean():5.2f} nats")
print(f"junk alone         {coins:7.2f} nats")

# %% tags=["check"]
assert log_p.mean() - log_q.mean() < np.log(100) + 1e-9
assert log_p.mean() - log_q.mean() > 4.5
assert log_q.mean() > coins + 15

# %% [markdown]
# In 64 pixels 4.6 nats are a quarter of the digits' $-18.5$. Of a photograph
# with a million pixels nobody would see them in the likelihood, and everybody in
# the samples.

# %% Drawn by the model, and by the mixture whose likelihood is almost as good
rng = np.random.default_rng(0)
drawn = good.sample(16, seed=0)
mixed = np.where(rng.random((16, 1)) < 0.99, rng.random((16, 64)) < 0.5, drawn)
figure, axes = plt.subplots(2, 16, figsize=(8, 1.2))
for row, images in zip(axes, (drawn, mixed), strict=True):
    for axis, image in zip(row, images, strict=True):
        axis.imshow(image.reshape(8, 8), cmap="gray_r")
        axis.axis("off")

# %% [markdown]
# ## And the other way: good samples, no likelihood
#
# Keep 20 digits and draw from them. Each sample is perfect, and the likelihood
# of a new digit is $-\infty$. Measures that look at samples must ask twice: how
# many samples lie near data (*density*, precision), and how much of the data is
# reached (*coverage*, recall).

# %%
(train, _), _ = gz.datasets.digits.load_data()
train = train.reshape(-1, 64) > 7
few = train[rng.integers(20, size=len(x))]
noise = rng.random(x.shape) < 0.5
print(f"{'':22}density  coverage")
measured = {}
for name, samples in (
    ("other digits", train[rng.permutation(len(train))[: len(x)]]),
    ("preset", good.sample(len(x), seed=1)),
    ("20 digits by heart", few),
    ("99 % junk", np.where(rng.random((len(x), 1)) < 0.99, noise, few)),
):
    metric = gz.metrics.DensityCoverage()
    metric.update_state(x.astype("float32"), samples.astype("float32"))
    found = {key: float(value) for key, value in metric.result().items()}
    measured[name] = found
    print(f"{name:22}{found['density']:7.2f}  {found['coverage']:8.2f}")

# %% tags=["check"]
assert measured["20 digits by heart"]["coverage"] < 0.35
assert measured["99 % junk"]["density"] < 0.05
assert measured["preset"]["coverage"] > 0.4
heart, others = measured["20 digits by heart"], measured["other digits"]
assert heart["density"] > 0.5 * others["density"]

# %% [markdown]
# The few digits by heart pass for dense, and fail by coverage; the junk fails by
# both. Likelihood sees the first fault at once, and the second hardly.
#
# ## A model that is too simple
#
# Likelihood makes KL(data || model) least, and covers (chapter 7). One normal
# for two modes puts much of its weight into the gap, where there is nothing:

# %%
two = np.concatenate([rng.normal(-2, 0.5, 5000), rng.normal(2, 0.5, 5000)])
one = gz.MaxEnt(gz.spaces.Real(1), gz.features.Moments(1, 2))
one.compile()
one.fit(two[:, None], verbose=0)
samples = one.sample(10_000, seed=0)[:, 0]
print(f"in the gap |x| < 0.7: data {np.mean(np.abs(two) < 0.7):.3f}", end=", ")
print(f"model {np.mean(np.abs(samples) < 0.7):.3f}")

# %% tags=["check"]
assert np.mean(np.abs(two) < 0.7) < 0.01
assert 0.2 < np.mean(np.abs(samples) < 0.7) < 0.32

# %% The data, and the best normal by likelihood
figure, axis = plt.subplots(figsize=(6.5, 2.6), layout="constrained")
axis.hist(two, 100, density=True, alpha=0.4, label="data")
grid = np.linspace(-6, 6, 300)[:, None]
axis.plot(grid, one.prob(grid), label="maximum likelihood")
axis.set(xlabel="x", yticks=[])
axis.legend(frameon=False)

# %% [markdown]
# A quarter of what it draws lies where data never are. To see this one has to
# look from the model's side, at $\mathrm{KL}(\text{model} \,\|\, \text{data})$:
# ask whether samples could be data. That is an adversary's question.
#
# ## Exercise
#
# How many nats does likelihood lose if a model forgets one of ten classes
# altogether? And if it gives that class a thousandth of its probability?

# %% [markdown] tags=["answer"]
# Altogether: infinitely many. A thousandth: a tenth of the data loses $\log
# 1000 = 6.9$ nats, the mean 0.69 (and the others gain $0.9 \log(1/0.9)$ at
# most, 0.095). Likelihood does not forgive forgetting. It forgives inventing.
