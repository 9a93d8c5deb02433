# %% [markdown]
# # 7. How far apart: divergences
#
# ## Both ways round
#
# The Kullback-Leibler divergence is the price, in nats an example, of
# believing $q$ where $p$ is true:
#
# $$\mathrm{KL}(p \,\|\, q) = \sum_x p(x) \log \frac{p(x)}{q(x)} \ge 0,$$
#
# zero only for $p = q$. It is not symmetric, and infinite where $q$ rules out
# what $p$ has.

# %%
import numpy as np
from matplotlib import pyplot as plt

import genzoo as gz

p, q = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.5, 0.25])
print("KL(p || q)", round(gz.metrics.kl_divergence(p, q), 4))
print("KL(q || p)", gz.metrics.kl_divergence(q, p))
print("by hand   ", round(0.5 * np.log(2), 4))

# %% tags=["check"]
assert abs(gz.metrics.kl_divergence(p, q) - 0.5 * np.log(2)) < 1e-12
assert np.isinf(gz.metrics.kl_divergence(q, p))

# %% [markdown]
# Which way round matters most where the model is too simple. One normal $q$ for
# data $p$ with two peaks:
#
# - least $\mathrm{KL}(p \,\|\, q)$, **data first**, pays where data are and $q$
#   is not: $q$ *covers*. This is what maximum likelihood does (next chapter).
# - least $\mathrm{KL}(q \,\|\, p)$, **model first**, pays where $q$ is and data
#   are not: $q$ *chooses* one peak.

# %%
x = np.linspace(-8, 8, 1601)
cell = x[1] - x[0]


def normal(mean, sd):
    """Probabilities of the cells."""
    density = np.exp(-(((x - mean) / sd) ** 2) / 2)
    return density / density.sum()


peaks = 0.6 * normal(-2, 0.6) + 0.4 * normal(2, 0.6)
places = [
    (m, s) for m in np.arange(-3, 3.05, 0.1) for s in np.arange(0.4, 3, 0.1)
]
models = np.array([normal(*place) for place in places])
forward = gz.metrics.kl_divergence(peaks, models)
reverse = gz.metrics.kl_divergence(models, peaks)
covers, chooses = places[np.argmin(forward)], places[np.argmin(reverse)]
print("data first:  mean {:.1f}, sd {:.1f}".format(*covers))
print("model first: mean {:.1f}, sd {:.1f}".format(*chooses))

# %% tags=["check"]
mean, sd = peaks @ x, np.sqrt(peaks @ x**2 - (peaks @ x) ** 2)
assert abs(covers[0] - mean) < 0.06
assert abs(covers[1] - sd) < 0.06
assert np.allclose(chooses, (-2, 0.6), atol=0.05)

# %% [markdown]
# Data first has the data's own mean $-0.4$ and, to the step of the grid, their
# width of $2.05$, as every fit of moments; model first sits on the larger peak.

# %% One Gaussian for two peaks, by both divergences
figure, axis = plt.subplots(figsize=(6.5, 3), layout="constrained")
axis.fill_between(x, peaks / cell, color="lightgrey", label="data")
axis.plot(x, normal(*covers) / cell, label="least KL(data || model)")
axis.plot(x, normal(*chooses) / cell, label="least KL(model || data)")
axis.set(xlabel="x", ylabel="density", yticks=[])
axis.legend(frameon=False)

# %% [markdown]
# ## Jensen-Shannon
#
# Compare both with their mean $m = (p + q) / 2$:
#
# $$\mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p \,\|\, m) + \tfrac12
#   \mathrm{KL}(q \,\|\, m) .$$
#
# Symmetric, never above $\log 2 = 0.6931$, and equal to it where $p$ and $q$
# have nothing in common. It is what a discriminator measures (chapter 10). Its
# weakness is the same as its strength: once two peaks do not overlap, it does
# not see how far apart they are.

# %% All three divergences of two Gaussians of width 1, as one moves away
distances = np.linspace(0, 6, 61)
moved = np.array([normal(d - 3, 1) for d in distances])
js = gz.metrics.jensen_shannon(moved[0], moved)
figure, axis = plt.subplots(figsize=(6.5, 3), layout="constrained")
axis.plot(distances, gz.metrics.kl_divergence(moved[0], moved), label="KL")
axis.plot(distances, js, label="Jensen-Shannon")
axis.plot(
    distances,
    gz.metrics.total_variation(moved[0], moved),
    label="total variation",
)
axis.axhline(np.log(2), color="grey", lw=0.8)
axis.set(xlabel="distance of the means", ylabel="nats", ylim=(0, 3))
axis.legend(frameon=False)
print("JS at distances 0, 3, 6:", js[[0, 30, 60]].round(3))

# %% tags=["check"]
assert js[0] < 1e-9
assert 0.65 < js[-1] < np.log(2)
kl = gz.metrics.kl_divergence(moved[0], moved)
assert abs(kl[20] - 2**2 / 2) < 0.02

# %% [markdown]
# KL of two such normals is $d^2 / 2$, half the distance squared.
#
# ## From samples: binning
#
# Of data there are only samples. Count them in bins, and the sums above are
# there again, with two errors:
#
# - **too few bins** do not see what differs inside of them: too small
# - **too many bins** take noise for a difference: too large, by about
#   $(\text{bins} - 1) (1/n + 1/m) / 2$ for KL.
#
# Two samples of 2,000, one normal moved by 1, so that KL is 0.5 exactly:

# %%
rng = np.random.default_rng(0)
first, second = rng.normal(0, 1, 2000), rng.normal(1, 1, 2000)
for bins in (2, 4, "auto", 200, 1000):
    raw, corrected = (
        gz.metrics.binned_divergence(first, second, "kl", bins, correct=c)
        for c in (False, True)
    )
    print(
        f"{bins!s:>5} bins: as counted {raw.value:.3f}, "
        f"corrected {corrected.value:.3f} +- {corrected.stderr:.3f}"
    )

# %% tags=["check"]
two, found, many = (
    gz.metrics.binned_divergence(first, second, "kl", bins)
    for bins in (2, "auto", 1000)
)
assert two.value < 0.4
assert abs(found.value - 0.5) < 4 * found.stderr + 0.02

# %% [markdown]
# `"auto"` takes a width from the data, and the correction subtracts the bias in
# first order; with a thousand bins for 2,000 rows no correction helps. In more
# than three dimensions bins do not work at all. `neighbour_kl` counts
# neighbours instead, and `density_ratio_kl` trains a discriminator:

# %%
near = gz.metrics.neighbour_kl(first[:, None], second[:, None])
print(f"by neighbours {near.value:.3f} +- {near.stderr:.3f}")

# %% tags=["check"]
assert abs(near.value - 0.5) < 4 * near.stderr + 0.03

# %% [markdown]
# ## Exercise
#
# Two dice: one fair, one with $p(6) = 1/2$ and the others $1/10$. How many
# throws does it take to tell which one it is, odds of 100 to 1?

# %% [markdown] tags=["answer"]
# Each throw of the loaded die adds $\mathrm{KL}(\text{loaded} \,\|\,
# \text{fair})$ nats to the logarithm of the odds on average, and $\log 100 =
# 4.6$ nats are needed.

# %% tags=["answer"]
loaded, fair = np.array([0.1] * 5 + [0.5]), np.full(6, 1 / 6)
price = gz.metrics.kl_divergence(loaded, fair)
print(f"{price:.3f} nats a throw: {np.log(100) / price:.0f} throws")

# %% tags=["check"]
assert round(price, 3) == 0.294
assert round(np.log(100) / price) == 16
