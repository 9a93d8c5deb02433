# %% [markdown]
# # 8. Likelihood = − entropy − divergence
#
# Add and subtract $\log p_{\text{data}}$ in the mean log-likelihood:
#
# $$\langle \log p_\theta \rangle_{\text{data}}
#   = \underbrace{\sum_x p_{\text{data}} \log
#     p_{\text{data}}}_{-H(\text{data})}
#   - \underbrace{\sum_x p_{\text{data}} \log
#     \frac{p_{\text{data}}}{p_\theta}}_{\mathrm{KL}(\text{data} \,\|\, \theta)}.$$
#
# The entropy is a property of the data alone. So **maximum likelihood makes
# KL(data || model) least**, and no model can do better than $-H(\text{data})$.
#
# ## Exactly
#
# Data on nine spins of a small lattice, a model of them that is too simple
# (fields only), and one that has pairs.

# %%
import keras
import numpy as np
from matplotlib import pyplot as plt

import genzoo as gz

space = gz.spaces.Spin((3, 3))
x = gz.datasets.ising((3, 3), temperature=3.0, n=5000, seed=0)
simple = gz.MaxEnt(space, gz.features.Moments(1))
pairs = gz.MaxEnt(space, [gz.features.Moments(1), gz.features.Pairwise()])
for model in (simple, pairs):
    model.compile()
    model.fit(x, verbose=0)

states = space.states()
codes = {state.tobytes(): i for i, state in enumerate(states.astype("int8"))}
which = [codes[row.tobytes()] for row in x.astype("int8")]
data = np.bincount(which, minlength=len(states)) / len(x)
entropy = gz.metrics.entropy(data)
print(f"{'':8}<log p>    -H        - KL")
for name, model in (("fields", simple), ("pairs", pairs)):
    log_p = model.log_prob(states)
    kl = gz.metrics.kl_divergence(data, model.prob(states))
    print(f"{name:8}{data @ log_p:.4f} = {-entropy:.4f} - {kl:.4f}")

# %% tags=["check"]
for model in (simple, pairs):
    kl = gz.metrics.kl_divergence(data, model.prob(states))
    found = model.log_prob(x).mean()
    assert abs(found + entropy + kl) < 1e-3

# %% [markdown]
# Both have the same entropy, that of the data; all of the difference is
# divergence. `evaluate` does this sum, and checks that the model's averages are
# those of the data:

# %%
for name, value in pairs.evaluate(x, verbose=0, return_dict=True).items():
    print(f"{name:24} {value:.6f}")

# %% [markdown]
# ## From samples alone
#
# For larger models neither sum can be had, but each of the three numbers can be
# estimated in a way of its own: the likelihood from `log_prob`, the entropy from
# the data, the divergence from the data and *samples*. If they do not add up,
# log Z or the sampler is wrong. One call tests both at once:

# %%
fresh = gz.datasets.ising((3, 3), temperature=3.0, n=20_000, seed=1)
found = gz.metrics.log_likelihood_decomposition(pairs, fresh, seed=0)
for name, estimate in found._asdict().items():
    print(f"{name:15} {estimate.value:8.4f} +- {estimate.stderr:.4f}")

# %% tags=["check"]
assert abs(found.gap.value) < 4 * found.gap.stderr + 2e-3

# %% [markdown]
# The gap is zero within its error. Now a model whose log Z is wrong by a tenth
# of a nat, and nothing else:


# %%
class Wrong:
    """The same samples, and log-probabilities that do not sum to one."""

    def log_prob(self, x):
        """Too large by 0.1."""
        return pairs.log_prob(x) + 0.1

    def sample(self, n, seed=None):
        """As ever."""
        return pairs.sample(n, seed=seed)


gap = gz.metrics.log_likelihood_decomposition(
    Wrong(), fresh, method="states", seed=0
).gap
print(f"gap {gap.value:.4f} +- {gap.stderr:.4f}")

# %% tags=["check"]
assert abs(gap.value - 0.1) < 4 * gap.stderr + 2e-3

# %% [markdown]
# ## Memory is not learning
#
# The identity holds for the *data in hand*. A model that gives each of the seen
# examples its share, and nothing to others, has KL zero on them and infinity on
# new ones. So watch the likelihood of examples that were held out:

# %% An RBM that is too large for its 60 examples
(seen, _), (new, _) = gz.datasets.digits.load_data()
seen, new = seen[:60].reshape(-1, 64) > 7, new.reshape(-1, 64) > 7
large = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(10), seed=0)
large.compile(keras.optimizers.Adam(0.02), gz.losses.ExactLikelihood())
history = large.fit(
    seen, batch_size=20, epochs=60, validation_data=new, verbose=0
).history
figure, axis = plt.subplots(figsize=(6.5, 3), layout="constrained")
axis.plot(history["loss"], label="60 seen digits")
axis.plot(history["val_loss"], label="297 new digits")
best = int(np.argmin(history["val_loss"]))
axis.axvline(best, color="grey", lw=0.8)
axis.set(xlabel="epoch", ylabel="-<log p> [nats]")
axis.legend(frameon=False)
print(f"best on new digits after {best + 1} of 60 epochs:", end=" ")
print(f"{history['val_loss'][best]:.2f} nats, at the end", end=" ")
print(f"{history['val_loss'][-1]:.2f}")

# %% tags=["check"]
assert len(new) == 297
assert best < 50
assert history["val_loss"][-1] > history["val_loss"][best] + 0.2
assert history["loss"][-1] < history["val_loss"][-1]

# %% [markdown]
# Here `EarlyStopping` belongs; see the guide
# [Early stopping and likelihoods](../guides/likelihoods.md).
#
# ## Exercise
#
# The data are 20,000 throws of a fair die. What is the largest mean
# log-likelihood that any model can have, and what does a model have that says
# $1/10$ for each of ten faces?

# %% [markdown] tags=["answer"]
# $-\log 6 = -1.792$ nats, but for what the die's own counts differ from $1/6$.
# The other says $-\log 10 = -2.303$: it loses $\mathrm{KL} = \log(10/6) = 0.511$
# to faces that never come.
