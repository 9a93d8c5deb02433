# %% [markdown]
# # 1. Two ways to learn
#
# There are $x$, what is measured, and $y$, what one would like to know.
# A **discriminative** model learns $p(y \mid x)$ and nothing else. A
# **generative** model learns how data come about, $p(x, y)$ or $p(x)$. The
# first follows from the second by Bayes's rule,
#
# $$p(y \mid x) = \frac{p(x \mid y)\, p(y)}{\sum_{y'} p(x \mid y')\, p(y')},$$
#
# and not the other way round.
#
# ## One number, two classes
#
# Heights of two groups, in centimetres: normal, of means 165 and 178, with a
# standard deviation of 7.

# %%
import numpy as np
from matplotlib import pyplot as plt

import genzoo as gz

rng = np.random.default_rng(0)
y = rng.integers(2, size=4000)
x = rng.normal(np.where(y == 1, 178, 165), 7)[:, None]

# %% [markdown]
# The generative way: one density for each group. The density of largest entropy
# with a given mean and variance is normal, so that two averages, $\langle x
# \rangle$ and $\langle x^2 \rangle$, are all that a group needs. (Why this is
# so is chapter 3.)

# %%
groups = []
for group in (0, 1):
    density = gz.MaxEnt(gz.spaces.Real(1), gz.features.Moments(1, 2))
    density.compile()
    density.fit(x[y == group], verbose=0)
    groups.append(density)


def generative(heights):
    """p(y = 1 | x) by Bayes's rule, from what both groups say of x."""
    log_p = [
        density.log_prob(heights) + np.log(np.mean(y == group))
        for group, density in enumerate(groups)
    ]
    return 1 / (1 + np.exp(log_p[0] - log_p[1]))


# %% [markdown]
# The discriminative way: maximum entropy of $y$ *given* $x$, with the averages
# of $y$ and of $y x$. This is logistic regression.

# %%
bit = gz.spaces.Binary(1)
regression = gz.MaxEnt(bit, gz.features.Moments(1), condition=1)
regression.compile()
regression.fit(y[:, None], x, verbose=0)


def discriminative(heights):
    """p(y = 1 | x), and nothing is known of x."""
    ones = np.ones((len(heights), 1))
    return np.exp(regression.log_prob(ones, condition=heights))


grid = np.linspace(140, 205, 300)[:, None]
one, other = generative(grid), discriminative(grid)
print("p(y = 1 | 171.5 cm):", generative([[171.5]]), discriminative([[171.5]]))
print("largest difference: ", np.abs(one - other).max().round(3))

# %% tags=["check"]
assert abs(generative([[171.5]])[0] - 0.5) < 0.03
assert abs(discriminative([[171.5]])[0] - 0.5) < 0.03
assert np.abs(one - other).max() < 0.05

# %% [markdown]
# Both say one half where the two densities cross, halfway between the means,
# and differ by less than 0.05 anywhere. For two normal densities of the same
# width the logarithm of their ratio is linear in $x$, which is just what
# logistic regression assumes.

# %% Two densities, and what both ways make of them
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for group, density in enumerate(groups):
    shown = axes[0].hist(x[y == group, 0], 40, density=True, alpha=0.4)
    axes[0].plot(
        grid, density.prob(grid), color=shown[2][0].get_facecolor()[:3]
    )
axes[0].set(xlabel="height [cm]", ylabel="p(x | y)", yticks=[])
axes[1].plot(grid, one, label="generative")
axes[1].plot(grid, other, "--", label="discriminative")
axes[1].set(xlabel="height [cm]", ylabel="p(y = 1 | x)")
axes[1].legend(frameon=False)

# %% [markdown]
# ## What only the generative one can say
#
# How surprising is a height of 250 cm? Draw heights that nobody measured. The
# discriminative model cannot answer: it is sure of $y$ where it has never seen
# an $x$.

# %%
far = np.array([[250.0]])
print("discriminative: p(y = 1 | 250 cm) =", discriminative(far)[0].round(4))
print(
    "generative: log p(250 cm | y = 1) =", groups[1].log_prob(far)[0].round(1)
)
print("new heights:", groups[1].sample(5, seed=0)[:, 0].round(1))

# %% tags=["check"]
assert discriminative(far)[0] > 0.999
assert groups[1].log_prob(far)[0] < -40

# %% [markdown]
# It has less than one chance in $e^{40}$. That is what the rest of this course
# is about: to learn $p(x)$, to measure how well it was learned, and to draw
# from it.
#
# ## With pictures
#
# An RBM (chapter 6) with pixels and the label as its visible units learns
# $p(x, y)$ of 8x8 digits. The same weights classify, by Bayes's rule, and draw
# digits of a class that is given.

# %%
(images, labels), (test, answers) = gz.datasets.digits.load_data()
images, test = images.reshape(-1, 64) > 7, test.reshape(-1, 64) > 7
both = gz.RBM(
    {"pixels": gz.units.Bernoulli(64), "digit": gz.units.Categorical(1, 10)},
    gz.units.Bernoulli(40),
    seed=0,
)
both.compile(watch=False)
both.fit(images, labels, epochs=8, verbose=0)
accuracy = np.mean(both.predict_proba(test).argmax(axis=1) == answers)
print(f"accuracy on new digits: {accuracy:.2f}")

# %% tags=["check"]
assert accuracy > 0.8

# %% Drawn by the model that also classifies: ten classes, three of each
classes = np.tile(np.arange(10), 3)
given = {"pixels": np.zeros((30, 64)), "digit": classes[:, None]}
known = {"pixels": np.zeros(64, bool), "digit": np.ones(1, bool)}
drawn = both.sample(30, seed=0, given=given, mask=known, steps=300)
figure, axes = plt.subplots(3, 10, figsize=(8, 2.5))
for axis, image in zip(
    axes.flat, both.visible.split(drawn)["pixels"], strict=True
):
    axis.imshow(image.reshape(8, 8), cmap="gray_r")
    axis.axis("off")

# %% [markdown]
# ## Exercise
#
# Let the second group be wider: a standard deviation of 14 instead of 7. Is
# logistic regression in $x$ still right? What would make it right?

# %% [markdown] tags=["answer"]
# No. The logarithm of the ratio of two normal densities of different widths has
# a term in $x^2$: very small people are of the wider group, too. Logistic
# regression becomes right with $x^2$ as a second condition, `condition=2` with
# `np.c_[x, x**2]`. The generative model needs no change.

# %% tags=["answer"]
wide = rng.normal(np.where(y == 1, 178, 165), np.where(y == 1, 14, 7))
scaled = (wide - 170) / 10
squares = gz.MaxEnt(bit, gz.features.Moments(1), condition=2)
squares.compile()
squares.fit(y[:, None], np.c_[scaled, scaled**2], verbose=0)
ones = np.ones((2, 1))
small, middle = -2.5, -0.5
given = [[small, small**2], [middle, middle**2]]
print("p(y = 1 | 145 cm), p(y = 1 | 165 cm):")
print(np.exp(squares.log_prob(ones, condition=given)).round(2))

# %% tags=["check"]
low, mid = np.exp(squares.log_prob(ones, condition=given))
assert low > mid
