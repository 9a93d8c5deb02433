# %% [markdown]
# # 3. Lagrange multipliers, and what the derivatives of log Z are
#
# Of all $p$ with $\sum_x p(x) = 1$ and $\sum_x p(x) f_i(x) = F_i$, which one
# has the largest entropy? With a multiplier for each constraint,
#
# $$L = -\sum_x p \log p + \sum_i \lambda_i \Big(\sum_x p f_i - F_i\Big)
#      + \mu \Big(\sum_x p - 1\Big),$$
#
# the derivative by each $p(x)$ has to vanish:
# $-\log p(x) - 1 + \sum_i \lambda_i f_i(x) + \mu = 0$, which is
#
# $$p(x) = \frac{1}{Z(\lambda)} \exp\Big(\sum_i \lambda_i f_i(x)\Big), \qquad
#   Z(\lambda) = \sum_x \exp\Big(\sum_i \lambda_i f_i(x)\Big).$$
#
# An exponential, whatever the features. What is left are the $\lambda_i$.
#
# ## The dual: a function with one lowest point
#
# The multipliers are where $\log Z(\lambda) - \sum_i \lambda_i F_i$ is least,
# since
#
# $$\frac{\partial \log Z}{\partial \lambda_i} = \langle f_i \rangle, \qquad
#   \frac{\partial^2 \log Z}{\partial \lambda_i \partial \lambda_j} =
#   \langle f_i f_j \rangle - \langle f_i \rangle \langle f_j \rangle.$$
#
# The second is a covariance, which is never negative: the function is convex,
# there is one answer, and Newton's method finds it in a few steps. That is what
# `MaxEnt.compile()` chooses.

# %%
import numpy as np
from matplotlib import pyplot as plt

import genzoo as gz

faces = np.arange(1, 7)
die = gz.MaxEnt(gz.spaces.Categorical(faces), gz.features.Moments(1))
die.compile()
steps = []
for _ in range(6):
    history = die.fit(observations=[4.5], epochs=1, verbose=0).history
    steps.append((float(die.multipliers[0]), history["residual"][-1]))
for multiplier, residual in steps:
    print(f"lambda {multiplier:.10f}   largest error {residual:.1e}")

# %% tags=["check"]
assert abs(steps[-1][0] - 0.37105) < 1e-4
assert steps[-1][1] < 1e-12

# %% [markdown]
# The multiplier is 0.3710: each face is $e^{0.371} = 1.449$ times as probable
# as the one before. The error squares from step to step, until it is rounding.
#
# ## Try the two derivatives
#
# Set multipliers by hand and take differences of `log_partition()`:


# %%
def log_z(multiplier):
    """log Z of the die with this multiplier."""
    die.multipliers = [multiplier]
    return float(die.log_partition().value)


at, step = 0.2, 1e-2
slope = (log_z(at + step) - log_z(at - step)) / (2 * step)
curve = (log_z(at + step) - 2 * log_z(at) + log_z(at - step)) / step**2
die.multipliers = [at]
p = die.prob(die.space.states())
mean = p @ faces
print(f"d log Z:  {slope:.4f}   <x>:   {mean:.4f}")
print(f"d2 log Z: {curve:.4f}   var x: {p @ (faces - mean) ** 2:.4f}")

# %% tags=["check"]
assert abs(slope - mean) < 1e-3
assert abs(curve - p @ (faces - mean) ** 2) < 5e-2

# %% The dual of the die, its lowest point, and log Z with its tangent
along = np.linspace(-0.3, 1.0, 200)
z = np.exp(np.outer(along, faces)).sum(axis=1)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.1), layout="constrained")
axes[0].plot(along, np.log(z) - 4.5 * along)
axes[0].axvline(steps[-1][0], color="tab:red", lw=0.8)
axes[0].set(xlabel=r"$\lambda$", ylabel=r"$\log Z - 4.5 \lambda$ [nats]")
axes[1].plot(along, np.log(z))
axes[1].plot(along, log_z(at) + mean * (along - at), "--", color="grey")
axes[1].set(xlabel=r"$\lambda$", ylabel=r"$\log Z$ [nats]")

# %% [markdown]
# At its lowest point the dual is the entropy itself: $\log Z - \lambda \cdot F =
# H$. Most is unknown in the flattest valley.
#
# ## Two averages on the whole line: the normal density
#
# Known are $\langle x \rangle = 1$ and $\langle x^2 \rangle = 5$, a variance of
# 4. The density is $\exp(\lambda_1 x + \lambda_2 x^2) / Z$: normal, with
# $\lambda_2 = -1 / (2 \sigma^2) = -1/8$ and $\lambda_1 = \mu / \sigma^2 = 1/4$.

# %%
line = gz.MaxEnt(gz.spaces.Real(1), gz.features.Moments(1, 2))
line.compile()
line.fit(observations=[1.0, 5.0], verbose=0)
print("multipliers", np.round(line.multipliers, 6))
print("entropy", round(float(line.entropy()), 4), "nats")
print("log(2 pi e 4) / 2 =", round(np.log(2 * np.pi * np.e * 4) / 2, 4))

# %% tags=["check"]
assert np.abs(np.subtract(line.multipliers, [0.25, -0.125])).max() < 1e-6
assert abs(line.entropy() - np.log(8 * np.pi * np.e) / 2) < 1e-4

# %% [markdown]
# On a half line the mean alone gives the exponential density, on $[0, 1]$ a
# truncated one, with four moments there can be two peaks:

# %% Four densities of largest entropy
figure, axis = plt.subplots(figsize=(7, 3.1), layout="constrained")
for low, high, powers, averages in (
    (0, None, (1,), [1.0]),
    (0, 1, (1,), [0.3]),
    (None, None, (1, 2), [0.0, 1.0]),
    (None, None, (1, 2, 3, 4), [0.0, 1.0, 0.0, 1.4]),
):
    space = gz.spaces.Interval(low, high) if low is not None else None
    model = gz.MaxEnt(space or gz.spaces.Real(1), gz.features.Moments(*powers))
    model.compile()
    model.fit(observations=averages, verbose=0)
    x = np.linspace(-3 if low is None else low, high or 3, 400)[:, None]
    axis.plot(x, model.prob(x), label=f"averages {averages}")
axis.set(xlabel="x", ylabel="density")
axis.legend(frameon=False)

# %% [markdown]
# ## How sure are multipliers?
#
# Averages over $n$ examples have errors, and so have multipliers: by the
# inverse of the same covariance, $1 / \sqrt{n \operatorname{var} f}$ for one.

# %%
rng = np.random.default_rng(0)
die.fit(rng.choice(faces, (1000, 1)), verbose=0)
error = die.multiplier_stderr()[0]
print(f"multiplier {die.multipliers[0]:.4f} +- {error:.4f}")

# %% tags=["check"]
assert abs(die.multipliers[0]) < 4 * die.multiplier_stderr()[0]
expected = 1 / np.sqrt(1000 * 35 / 12)
assert abs(die.multiplier_stderr()[0] / expected - 1) < 0.1

# %% [markdown]
# For a fair die thrown a thousand times, $1/\sqrt{1000 \cdot 35/12} = 0.0185$.
#
# ## Exercise
#
# Show that $\log Z - \sum_i \lambda_i F_i$ is the entropy at the solution, and
# that for *any* $\lambda$ it is at least the entropy of *every* $p$ that meets
# the averages.

# %% [markdown] tags=["answer"]
# With $q = \exp(\sum_i \lambda_i f_i) / Z$ and any $p$ that meets the averages,
# $-\sum_x p \log q = \log Z - \sum_i \lambda_i F_i$. And $-\sum p \log q = H(p)
# + \mathrm{KL}(p \,\|\, q) \ge H(p)$, with equality for $p = q$ alone. The
# smallest upper bound is the largest entropy: that is what *dual* means.
