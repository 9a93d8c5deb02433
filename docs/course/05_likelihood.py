# %% [markdown]
# # 5. Likelihood, and climbing it
#
# A model with parameters $\theta$ gives each example a probability. The mean
# log-likelihood of the data,
#
# $$\ell(\theta) = \langle \log p_\theta(x) \rangle_{\text{data}}
#   = -\langle E_\theta(x) \rangle_{\text{data}} - \log Z(\theta),$$
#
# is what maximum likelihood makes large. Its gradient is a difference of two
# averages,
#
# $$\frac{\partial \ell}{\partial \theta}
#   = -\Big\langle \frac{\partial E}{\partial \theta}
#     \Big\rangle_{\text{data}}
#   + \Big\langle \frac{\partial E}{\partial \theta}
#     \Big\rangle_{\text{model}} .$$
#
# The first lowers the energy of what is seen, the second raises that of what
# the model dreams. For $E = -\sum_i \theta_i f_i(x)$ it is $\langle f_i
# \rangle_{\text{data}} - \langle f_i \rangle_{\text{model}}$, zero where the
# averages agree: **maximum likelihood of the exponential family is maximum
# entropy with the data's averages**. Two principles, one answer.
#
# ## Seen in numbers
#
# Six spins with all pairs, 21 parameters, and 1,000 examples. With 64 states
# all sums are exact.

# %%
import numpy as np
from matplotlib import pyplot as plt

import genzoo as gz

rng = np.random.default_rng(0)
space = gz.spaces.Spin(6)
truth = gz.BoltzmannMachine(space)
upper = np.triu(rng.normal(0, 0.5, (6, 6)), 1)
truth.set_parameters(rng.normal(0, 0.3, 6), upper + upper.T)
x = truth.sample(1000, seed=0)

newton = gz.BoltzmannMachine(space, seed=0)
newton.compile(loss="exact_likelihood")
newton.fit(x, verbose=0)
best = newton.log_prob(x).mean()
states = space.states()
p = np.exp(newton.log_prob(states))
print(f"<log p> = {best:.4f} nats")
print("means of the data ", x.mean(axis=0).round(4))
print("means of the model", (p @ states).round(4))

# %% tags=["check"]
assert np.abs(x.mean(axis=0) - p @ states).max() < 1e-4
assert best >= truth.log_prob(x).mean()

# %% [markdown]
# The means agree, and so do all pairs. And the model is a little *better* on
# these examples than the truth that they were drawn from: it was fitted to
# them. On new ones it will be a little worse. The expected gain of each
# parameter is $1 / 2n$ nats an example, here $21 / 2000 = 0.01$:

# %%
new = truth.sample(100_000, seed=1)
for name, rows in (("seen", x), ("new", new)):
    gain = newton.log_prob(rows).mean() - truth.log_prob(rows).mean()
    print(f"{name:5} examples: fitted minus truth {gain:+.4f} nats")

# %% tags=["check"]
gain = newton.log_prob(x).mean() - truth.log_prob(x).mean()
assert 0.003 < gain < 0.03
assert newton.log_prob(new).mean() < truth.log_prob(new).mean()

# %% [markdown]
# ## Stochastic gradient descent
#
# Where the data are many, a batch of them estimates the gradient: cheap, and
# noisy. Steps have to shrink for the noise to average out. The formula above in
# five lines of NumPy, with the exact average over the model:


# %%
def features(x):
    """The six spins and their 15 products, for each row."""
    pairs = np.triu_indices(6, 1)
    return np.c_[x, x[:, pairs[0]] * x[:, pairs[1]]]


f_data, f_states = features(x), features(states)


def ascend(rate, batch, epochs=40):
    """Missing likelihood [nats] after each epoch of gradient ascent."""
    rng, theta, missing = np.random.default_rng(0), np.zeros(21), []
    steps = epochs * (len(x) // batch)
    for step in range(steps):
        p = np.exp(f_states @ theta)
        f_model = p @ f_states / p.sum()
        rows = rng.choice(len(x), batch, replace=False)
        theta += rate(step / steps) * (f_data[rows].mean(axis=0) - f_model)
        if (step + 1) % (len(x) // batch) == 0:
            log_z = np.log(np.exp(f_states @ theta).sum())
            missing.append(best - (f_data.mean(axis=0) @ theta - log_z))
    return np.array(missing)


curves = {
    "all examples": ascend(lambda done: 0.2, 1000),
    "batches of 20, constant rate": ascend(lambda done: 0.2, 20),
    "batches of 20, falling rate": ascend(lambda done: 0.2 * (1 - done), 20),
}

# %% What is missing to the best likelihood, epoch by epoch
for name, missing in curves.items():
    plt.semilogy(np.maximum(missing, 1e-7), label=name)
    print(f"{name:30} {missing[-1]:.1e} nats are missing")
plt.gcf().set_size_inches(6.5, 3.2)
plt.xlabel("epoch")
plt.ylabel("missing likelihood [nats]")
plt.legend(frameon=False)

# %% tags=["check"]
full, constant, falling = (missing[-1] for missing in curves.values())
assert falling < full
assert falling < constant / 5

# %% [markdown]
# An epoch of all examples is one step, of batches of 20 it is fifty: these are
# near the end before the others have begun. At a constant rate they then tremble
# about it; at a rate that falls to zero they come to rest. This is why
# genzoo's default optimizers let the rate fall over a `fit`.
#
# ## When log Z is too much
#
# With 64 spins there are $2^{64}$ states. Ways to go on, each a `loss` in
# `compile`:
#
# | loss | in place of the average over the model |
# |---|---|
# | `ExactLikelihood()` | the sum itself, where it takes seconds |
# | `PersistentContrastiveDivergence()` | Markov chains that go on from batch to batch |
# | `ContrastiveDivergence(k)` | k steps of a chain that starts at the data |
# | `Pseudolikelihood()` | each site given all others: no Z at all |
# | `MinimumProbabilityFlow()` | flow between data and neighbouring states |
#
# Pseudolikelihood, $\sum_i \log p(x_i \mid x_{\text{others}})$, has its maximum
# at the same place if the data come from the model, and needs only sums over
# one site:

# %%
quick = gz.BoltzmannMachine(space, seed=0)
quick.compile(loss=gz.losses.Pseudolikelihood())
quick.fit(x, verbose=0)
missing = best - quick.log_prob(x).mean()
print(f"pseudolikelihood: {missing:.1e} nats are missing")

# %% tags=["check"]
assert 0 <= missing + 1e-6 < 5e-3

# %% [markdown]
# ## Exercise
#
# Why does the gradient have a minus sign for the data's energies and a plus for
# the model's? Derive it from $\log Z = \log \sum_x e^{-E_\theta(x)}$.

# %% [markdown] tags=["answer"]
# $\partial \log Z / \partial \theta = \frac{1}{Z} \sum_x e^{-E} (-\partial E /
# \partial \theta) = -\langle \partial E / \partial \theta
# \rangle_{\text{model}}$, and $\ell$ has $-\log Z$: the signs of the two
# averages are opposite. Where the model is the data's distribution they cancel,
# whatever the energy's form.
