# %% [markdown]
# # 2. Entropy, and the least that one may assume
#
# How much is not known, when probabilities are? Shannon's answer is
#
# $$H(p) = -\sum_x p(x) \log p(x),$$
#
# the mean of $-\log p(x)$, the surprise. With the natural logarithm its unit is
# the **nat**: one nat is $1 / \log 2 = 1.44$ bits. genzoo tells all
# entropies, likelihoods and divergences in nats.

# %%
import numpy as np
from matplotlib import pyplot as plt

import genzoo as gz

fair = np.full(6, 1 / 6)
loaded = np.array([0.05, 0.05, 0.1, 0.1, 0.2, 0.5])
for name, p in (("certain", np.eye(6)[5]), ("loaded", loaded), ("fair", fair)):
    print(f"{name:8} {gz.metrics.entropy(p):.4f} nats")

# %% tags=["check"]
assert gz.metrics.entropy(np.eye(6)[5]) == 0
assert abs(gz.metrics.entropy(fair) - np.log(6)) < 1e-12
assert round(gz.metrics.entropy(fair), 4) == 1.7918

# %% [markdown]
# Entropy is 0 where the outcome is certain and largest, $\log 6 = 1.7918$,
# where nothing speaks for one face more than for another.
#
# ## Only an average is known
#
# A die was thrown many times, and all that is told is its average: 4.5 in place
# of the 3.5 of a fair one. What are the six probabilities? Infinitely many
# answers have this average. Jaynes: take the one with the **largest entropy**.
# Any other assumes something that was not told.

# %%
faces = [1, 2, 3, 4, 5, 6]
die = gz.MaxEnt(gz.spaces.Categorical(faces), gz.features.Moments(1))
die.compile()
die.fit(observations=[4.5], verbose=0)
p = die.prob(die.space.states())
print("p =", p.round(4))
print(f"average {p @ faces:.4f}, entropy {die.entropy():.4f} nats")

# %% tags=["check"]
published = [0.0543, 0.0788, 0.1142, 0.1654, 0.2398, 0.3475]
assert np.abs(p - published).max() < 6e-5
assert abs(p @ faces - 4.5) < 1e-6
assert round(float(die.entropy()), 4) == 1.6136

# %% [markdown]
# These are Jaynes's numbers: .054 .079 .114 .165 .240 .347, with an entropy of
# 1.6136 nats. The average tells $1.7918 - 1.6136 = 0.178$ nats.
#
# Is it really the largest? Take another way to have the average 4.5: move a
# little probability such that total and average stay. Each such move loses
# entropy.

# %% Entropy along a line of distributions that all have the average 4.5
move = np.array([1, -2, 1, 0, 0, 0]) + np.array([0, 0, 0, 1, -2, 1])
sizes = np.linspace(-0.03, 0.03, 61)
entropies = [gz.metrics.entropy(p + size * move) for size in sizes]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.1), layout="constrained")
axes[0].plot(sizes, entropies)
axes[0].axvline(0, color="grey", lw=0.8)
axes[0].set(xlabel="size of the move", ylabel="H [nats]")
for average in (2.0, 3.5, 4.5, 5.5):
    die.fit(observations=[average], verbose=0)
    told = f"average {average}"
    axes[1].plot(faces, die.prob(die.space.states()), "o-", label=told)
axes[1].set(xlabel="face", ylabel="probability")
axes[1].legend(frameon=False)

# %% tags=["check"]
assert np.argmax(entropies) == 30
assert abs(np.arange(1, 7) @ move) == 0
assert move.sum() == 0

# %% [markdown]
# On the right: every answer is exponential in the face. This is no accident,
# and the next chapter says why.
#
# ## From data
#
# Averages may come from examples. `fit(x)` takes nothing of them but the
# averages of the features: the order of the throws, and whatever else they may
# have in common, is not looked at.

# %%
throws = np.random.default_rng(1).choice(faces, (2000, 1), p=loaded)
die.fit(throws, verbose=0)
die.summary()

# %% [markdown]
# ## What cannot be
#
# No die has an average of 6.5, and the model says so in place of an answer:

# %%
try:
    die.fit(observations=[6.5], verbose=0)
except ValueError as error:
    print(error)

# %% tags=["check"]
try:
    die.fit(observations=[6.5], verbose=0)
except ValueError:
    pass
else:
    raise AssertionError("An impossible average was taken.")

# %% [markdown]
# ## Exercises
#
# 1. Of a die nothing is known but that its average is 3.5. What is the answer,
#    without a computer?
# 2. A second thing becomes known: $\langle x^2 \rangle = 22$, while $\langle x
#    \rangle = 4.5$. Does the entropy rise or fall?

# %% [markdown] tags=["answer"]
# 1. The fair die: it has the largest entropy of all, and the average 3.5, so
#    that the constraint costs nothing.
# 2. It falls or stays, as with every constraint: the maximum is taken over
#    fewer distributions.

# %% tags=["answer"]
second = gz.MaxEnt(gz.spaces.Categorical(faces), gz.features.Moments(1, 2))
second.compile()
second.fit(observations=[4.5, 22.0], verbose=0)
print(second.prob(second.space.states()).round(3), second.entropy())

# %% tags=["check"]
assert second.entropy() < 1.6136
