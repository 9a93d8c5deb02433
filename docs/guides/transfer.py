# %% [markdown]
# # Transfer: start from what is trained
#
# A preset is an ordinary model: it can be fitted further, be a layer of a
# classifier, or lend its weights to another model. Here an RBM of all digits helps
# where there are forty threes, or a hundred labels.

# %%
import keras
import numpy as np

import genzoo as gz

(x, y), (x_test, y_test) = gz.datasets.digits.load_data()
x, x_test = (np.reshape(a, (-1, 64)) > 7 for a in (x, x_test))
threes, threes_test = x[y == 3][:40], x_test[y_test == 3]

# %% [markdown]
# ## Go on from a preset
#
# `from_preset` gives the weights and no optimizer: call `compile`. The default rate
# is made for a start from nothing, and would first unlearn much; take a small one,
# and let held-out examples say when to stop.

# %%
new = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(20), seed=0)
new.compile()
digits = gz.from_preset("rbm_digits_8x8")
nats = {"preset as it is": digits.log_prob(threes_test).mean()}
digits.compile(keras.optimizers.SGD(0.03))
for name, rbm in (("from nothing", new), ("preset, tuned", digits)):
    logs = rbm.fit(threes, epochs=10, validation_data=threes_test, verbose=0)
    nats[name] = -min(logs.history["val_loss"])
for name, value in nats.items():
    print(f"{name:16} {value:.1f} nats a new three")

# %% tags=["check"]
others = nats["preset as it is"], nats["from nothing"]
assert nats["preset, tuned"] > max(others) + 0.5

# %% [markdown]
# ## Features for a classifier
#
# `layers.Features` gives the mean hidden states of an RBM, or of a layer of a deep
# machine, in any Keras model. It has a copy of the weights: the classifier is saved
# without the RBM, and the RBM stays as it is. It is frozen at first.

# %%
labelled = np.random.default_rng(0).permutation(len(x))[:100]
features = gz.layers.Features(gz.from_preset("rbm_digits_8x8"))


def classifier(*layers):
    """Those layers, and a linear one to ten logits."""
    top = keras.layers.Dense(10, kernel_initializer="zeros")
    return keras.Sequential([keras.Input((64,)), *layers, top])


def train(model, rate, epochs):
    """Fit to a hundred labels; the share of test digits named rightly."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    model.fit(x[labelled], y[labelled], epochs=epochs, verbose=0)
    return np.mean(np.argmax(model(x_test), axis=1) == y_test)


pixels = train(classifier(), 0.03, 30)
model = classifier(features)
frozen = train(model, 0.03, 30)
features.trainable = True  # and compile again, as for any Keras layer
tuned = train(model, 0.003, 15)
print(f"pixels {pixels:.2f}, frozen {frozen:.2f}, then tuned {tuned:.2f} right")

# %% tags=["check"]
assert min(frozen, tuned) > pixels + 0.01
assert tuned < frozen + 0.02

# %% [markdown]
# With so few labels the frozen features do as well as tuned ones. `gz.pretrain`
# makes several such layers, one on the other, and `stack.layers()` gives them.
#
# ## Hold a part
#
# `trainable = False`, before `compile`, holds what it holds in Keras: a layer of a
# GAN's network, or an RBM's units or kernel. Here D learns anew what is real, and
# of G the last layer.

# %%
gan = gz.from_preset("gan_ring")
*held, last = [
    layer for layer in gan.generator.layers if layer.trainable_weights
]
for layer in held:
    layer.trainable = False
was = held[0].get_weights()[0], last.get_weights()[0]
gan.compile(steps_per_execution=10)
ring = gz.datasets.gaussian_ring(n=2560, radius=1.5, seed=0).x
gan.fit(ring, batch_size=256, epochs=2, verbose=0)
print("held:", np.array_equal(held[0].get_weights()[0], was[0]))
print("the last has learnt:", not np.array_equal(last.get_weights()[0], was[1]))

# %% tags=["check"]
assert np.array_equal(held[0].get_weights()[0], was[0])
assert not np.array_equal(last.get_weights()[0], was[1])

# %% [markdown]
# ## Weights into another model
#
# `from_weights` takes arrays. With columns of zeros for hidden units that are new,
# the larger RBM begins as the same distribution: each unit adds $\log 2$ to
# $-E$ and to $\log Z$ alike. Before a fit, add a little noise to these columns, lest
# all new units learn the same.

# %%
small = gz.from_preset("rbm_digits_8x8")
kernel = np.pad(np.asarray(small.kernel), ((0, 0), (0, 4)))
hidden_bias = np.pad(np.asarray(small.hidden.bias), (0, 4))
wide = gz.RBM.from_weights(kernel, small.visible.bias, hidden_bias)
added = small.energy(x_test) - wide.energy(x_test)
print(added.min().round(4), added.max().round(4), (4 * np.log(2)).round(4))

# %% tags=["check"]
assert np.allclose(added, 4 * np.log(2), atol=1e-3)

# %% [markdown]
# `DeepBoltzmannMachine.from_weights` takes a kernel for each pair of layers,
# `RBM.from_sklearn` those of `BernoulliRBM`. A GAN is put together of any two Keras
# models, so that `gz.GAN(trained.generator, new_discriminator)` is one that keeps
# its generator.
