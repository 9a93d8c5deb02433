# %% [markdown]
# # 12. Images
#
# All of it again with 28x28 handwritten digits, where no sum is exact any more.
# Training takes minutes to hours; this chapter loads what was trained, from the
# zoo. The commands that trained each model are on its card.
#
# ## A GAN with classes
#
# A DCGAN, convolutions in both networks, given the class.

# %%
import numpy as np
from matplotlib import pyplot as plt

import genzoo as gz

gan = gz.from_preset("gan_mnist_conditional")


def grid(images, columns, width=8.0):
    """A figure of images in rows."""
    rows = len(images) // columns
    size = (width, width * rows / columns)
    figure, axes = plt.subplots(rows, columns, figsize=size)
    for axis, image in zip(axes.flat, images, strict=True):
        axis.imshow(np.reshape(image, (28, 28)), cmap="gray_r")
        axis.axis("off")
    figure.subplots_adjust(0, 0, 1, 1, 0.02, 0.02)


# %% Each column a class that was asked for
classes = np.tile(np.arange(10), 4)
digits = gan.sample(40, seed=0, labels=classes)
grid(digits, 10)

# %% [markdown]
# Is each what was asked for? A classifier, also in the zoo, says:

# %%
reader = gz.from_preset("digit_features")
many = gan.sample(1000, seed=1, labels=np.repeat(np.arange(10), 100))
read = reader.classify(many).argmax(axis=1)
asked = np.repeat(np.arange(10), 100)
print(f"as asked: {np.mean(read == asked):.3f}")

# %% tags=["check"]
assert np.mean(read == asked) > 0.96

# %% [markdown]
# ## A walk between two latents
#
# $G$ is continuous: nearby latents are nearby images. Latents of $N(0, 1)$ in many
# dimensions lie near a sphere, so that `interpolate` walks on a great circle and
# not through the middle, where there never were any.

# %% Four walks, each of one class
walks = gan.interpolate(4, steps=10, seed=0, labels=[2, 3, 7, 8])
grid(np.reshape(walks, (-1, 28, 28)), 10)

# %% [markdown]
# ## An RBM of the same digits
#
# 784 pixels, 500 hidden units: $Z$ has $2^{500}$ terms. Its likelihood is known
# from annealing, with an error; see its [card](../zoo/rbm_mnist_500.md). It can do
# what the GAN cannot: complete an image of which half is known.

# %% Upper halves of generated digits, each completed in nine ways
rbm = gz.from_preset("rbm_mnist_500")
known = np.arange(784) < 392
bits = (digits[[1, 13, 24, 38]].reshape(-1, 784) > 0).astype("float32")
ways = [bits]
for seed in range(9):
    ways.append(rbm.sample(4, given=bits, mask=known, seed=seed, steps=200))
grid(np.stack(ways, axis=1).reshape(-1, 28, 28), 10)

# %% tags=["check"]
assert (np.stack(ways, axis=1)[:, :, known] == bits[:, None, known]).all()

# %% [markdown]
# ## How alike?
#
# Pixels are a bad measure of likeness: two sevens, one moved by two pixels, have
# little in common. So compare *features* of a classifier. The Fréchet distance is
# that of two normal distributions with their means and covariances,
#
# $$d^2 = |\mu_1 - \mu_2|^2 + \operatorname{tr}\big(C_1 + C_2 - 2 (C_1
#   C_2)^{1/2}\big).$$
#
# It takes the real digits, which genzoo does not contain: with
# `keras.datasets.mnist` it is
#
#     metric = gz.metrics.FrechetDistance(features=reader)
#     metric.update_state(real_images, gan.sample(10_000, seed=0))
#
# The cards have the numbers. Without labels the distance is 3.2, with labels 1.5,
# of real against real 0.9.

# %%
for name in ("gan_mnist", "gan_mnist_conditional"):
    measured = gz.zoo.card(name)["measured"]
    frechet, coverage = measured["frechet"], measured["coverage"]
    print(
        f"{name:22} Frechet {frechet['value']:.2f} +- {frechet['stderr']:.2f}, "
        f"coverage {coverage['value']:.3f}"
    )

# %% tags=["check"]
cards = [gz.zoo.card(n) for n in ("gan_mnist", "gan_mnist_conditional")]
values = [card["measured"]["frechet"]["value"] for card in cards]
assert [round(value, 1) for value in values] == [3.2, 1.5]

# %% [markdown]
# ## To train one yourself
#
#     generator, discriminator = gz.networks.dcgan(
#         latent=64, image_shape=(28, 28, 1), classes=10
#     )
#     gan = gz.GAN(generator, discriminator)
#     gan.compile()
#     gan.fit(images, labels, epochs=20)    # images in [-1, 1]
#
# Ten epochs without labels take some eight minutes of two cores;
# `examples/gan_mnist.py` ([gallery](../gallery/gan_mnist.md)) is the whole script.
#
# ## Exercise
#
# `truncation=0.5` draws latents near the mean. What do samples gain and lose?

# %% [markdown] tags=["answer"]
# They become more typical, cleaner and more alike: precision for recall.

# %% tags=["answer"]
calm = gan.sample(200, seed=0, labels=np.full(200, 7), truncation=0.5)
wild = gan.sample(200, seed=0, labels=np.full(200, 7))
for name, x in (("0.5", calm), ("none", wild)):
    print(f"truncation {name}: spread of pixels {x.std(axis=0).mean():.3f}")

# %% tags=["check"]
assert calm.std(axis=0).mean() < wild.std(axis=0).mean()
