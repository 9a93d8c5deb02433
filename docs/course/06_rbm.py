# %% [markdown]
# # 6. Restricted Boltzmann machines
#
# Pairs are not enough: a stroke of a digit is a matter of ten pixels. Give the
# model hidden units $h$ which are never observed, and let visible units $v$
# meet only hidden ones:
#
# $$E(v, h) = -\sum_i a_i v_i - \sum_\mu b_\mu h_\mu - \sum_{i \mu} v_i
#   W_{i\mu} h_\mu, \qquad p(v) = \frac{1}{Z} \sum_h e^{-E(v, h)}.$$
#
# Within a layer nothing interacts, so that each layer given the other is
# independent, $p(h_\mu = 1 \mid v) = \sigma(b_\mu + \sum_i v_i W_{i\mu})$, and
# the hidden units can be summed over one by one:
#
# $$E(v) = -\log \sum_h e^{-E(v, h)} = -\sum_i a_i v_i - \sum_\mu \log\big(1 +
#   e^{b_\mu + \sum_i v_i W_{i\mu}}\big).$$
#
# It is an energy again (also called the free energy), with interactions of all
# orders.

# %%
import itertools

import numpy as np
from matplotlib import pyplot as plt

import genzoo as gz

(x_train, _), (x_test, _) = gz.datasets.digits.load_data()
x_train, x_test = (x.reshape(-1, 64) > 7 for x in (x_train, x_test))
rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(12), seed=0)
rbm.compile()
history = rbm.fit(x_train, epochs=15, validation_data=x_test, verbose=0).history

# %% [markdown]
# `compile()` chose persistent contrastive divergence: the gradient of chapter
# 5, with the model's average by Gibbs chains, one sweep an update, which draw
# $h$ given $v$ and $v$ given $h$ in turns.
#
# ## An honest likelihood
#
# With 12 hidden units $Z$ is a sum over $2^{12}$ of their states, so that
# `loss` and `val_loss` are exact: minus the mean log-likelihood, in nats.

# %% Learning: minus the log-likelihood of an image
figure, axis = plt.subplots(figsize=(6.5, 3), layout="constrained")
axis.plot(history["loss"], label="seen digits")
axis.plot(history["val_loss"], label="new digits")
mean = np.clip(x_train.mean(axis=0), 1e-3, 1 - 1e-3)
per_pixel = x_test * np.log(mean) + (1 - x_test) * np.log(1 - mean)
alone = -per_pixel.sum(axis=1).mean()
axis.axhline(alone, color="grey", lw=0.8, label="independent pixels")
axis.set(xlabel="epoch", ylabel="nats")
axis.legend(frameon=False)
print(f"independent pixels  {-alone:.1f} nats a new digit")
print(f"RBM                 {rbm.log_prob(x_test).mean():.1f} nats")
print(f"chance              {-64 * np.log(2):.1f} nats")
log_z = rbm.log_partition()
print(f"log Z {log_z.value:.4f} +- {log_z.stderr}, by {log_z.method}")

# %% tags=["check"]
assert round(-alone, 1) == -24.6
assert -20.5 < rbm.log_prob(x_test).mean() < -18
assert rbm.log_partition().stderr == 0

# %% [markdown]
# Independent pixels say $-24.6$ nats of a new digit. Twelve hidden units gain
# more than four nats: a digit is $e^4 = 55$ times as probable.
#
# ## Is the free energy right?
#
# By hand, for one image: sum $e^{-E(v, h)}$ over all $2^{12}$ hidden states.

# %%
hidden = np.array(list(itertools.product([0, 1], repeat=12)))
w, a, b = (
    np.asarray(part, "float64")
    for part in (rbm.kernel, rbm.visible.bias, rbm.hidden.bias)
)
v = x_test[0].astype(float)
minus_energy = v @ a + hidden @ b + hidden @ (v @ w)
print("by hand  ", -np.logaddexp.reduce(minus_energy))
print("energy(v)", rbm.energy(x_test[:1])[0])

# %% tags=["check"]
by_hand = -np.logaddexp.reduce(minus_energy)
assert abs(by_hand - rbm.energy(x_test[:1])[0]) < 1e-3

# %% [markdown]
# ## What it draws, what it sees

# %% Data, samples, and the weights of each hidden unit
figure = plt.figure(figsize=(8, 3.4))
rows = [x_test[:12], rbm.sample(12, seed=0), np.asarray(rbm.kernel).T]
for row, (name, images) in enumerate(
    zip(("data", "samples", "weights"), rows, strict=True)
):
    for column, image in enumerate(images):
        axis = figure.add_subplot(3, 12, row * 12 + column + 1)
        if name == "weights":
            axis.imshow(image.reshape(8, 8), cmap="RdBu_r", vmin=-3, vmax=3)
        else:
            axis.imshow(image.reshape(8, 8), cmap="gray_r")
        axis.set(xticks=[], yticks=[])
        if not column:
            axis.set_ylabel(name)

# %% [markdown]
# ## What is known, and what is not
#
# A joint distribution answers any question about its parts. Given the upper
# half of an image, five ways to go on, and the probability of the half alone:

# %%
upper = np.arange(64) < 32
ways = rbm.sample(5, given=x_test[0], mask=upper, seed=0)
print("kept:", bool((ways[:, upper] == x_test[0][upper]).all()))
halves, whole = rbm.log_prob(x_test[:50], upper), rbm.log_prob(x_test[:50])
print(f"log p of upper halves: {halves.mean():.2f} nats")
print(f"log p of whole images: {whole.mean():.2f} nats")

# %% tags=["check"]
assert (ways[:, upper] == x_test[0][upper]).all()
assert (halves > whole).all()

# %% [markdown]
# A part is always more probable than the whole. And where Z cannot be summed,
# `log_partition("ais")` anneals, in both directions, and tells its error:

# %%
annealed = rbm.log_partition("ais", chains=100, temperatures=500)
print(f"annealed {annealed.value:.2f} +- {annealed.stderr:.2f}")
print(f"exact    {rbm.log_partition().value:.2f}")

# %% tags=["check"]
gap = abs(annealed.value - rbm.log_partition("enumeration").value)
assert gap < max(4 * annealed.stderr, 0.3)

# %% [markdown]
# ## Exercises
#
# 1. Take away the hidden units' couplings ($W = 0$). Which model is left?
# 2. An RBM with one hidden unit is a mixture. Of what?

# %% [markdown] tags=["answer"]
# 1. Independent pixels: $p(v) \propto e^{\sum_i a_i v_i}$, $-24.6$ nats.
# 2. Of two sets of independent pixels, with biases $a$ for $h = 0$ and $a +
#    W_{\cdot 1}$ for $h = 1$. With 12 hidden units there are $2^{12}$ such
#    components, which share 844 parameters.
