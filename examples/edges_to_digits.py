"""Digits from their edges: image to image, a generator without latents.

    python examples/edges_to_digits.py                # 8x8 digits
    MNIST_NPZ=mnist.npz python examples/edges_to_digits.py   # 28x28

The condition is an image, where the gradient of a digit is steep. A U-Net
fills it in, and a discriminator judges patches of (edges, digit); an L1 term
in the generator's loss asks for this digit, not any digit of such edges
(pix2pix: Isola et al., "Image-to-image translation with conditional
adversarial networks", 2017). Prints what is missed of held-out digits and how
grey they are, beside a U-Net of the L1 term alone, and writes
edges_to_digits.png. A minute and a half of a core.
"""

import argparse
import os

import keras
import matplotlib
import numpy as np
import tensorflow as tf
from keras import layers

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

L1_WEIGHT, RATE = 5.0, 1e-3


def digits(count):
    """(training images, held-out ones) in [-1, 1], with a channel."""
    path = os.environ.get("MNIST_NPZ")
    if path is None:
        (x, _), (held, _) = gz.datasets.digits.load_data()
        half = x.max() / 2
        return [(v[..., None] / half - 1).astype("float32") for v in (x, held)]
    with np.load(path) as file:
        found = file["x_train"][:count], file["x_test"][:500]
    return [(x[..., None] / 127.5 - 1).astype("float32") for x in found]


def edges(images):
    """1 where the gradient is steepest, else 0; lines, so fewer of larger."""
    down, right = np.gradient(images[..., 0], axis=(1, 2))
    slope = np.hypot(down, right)
    share = 1 - 2.8 / images.shape[1]
    steep = np.quantile(slope, share, axis=(1, 2), keepdims=True)
    return (slope > steep)[..., None].astype("float32")


def unet(side, width):
    """Edges to an image: down to a quarter and up, with short cuts."""

    def convolved(x, size, stride=1):
        convolution = layers.Conv2D(
            size, 3, stride, "same", kernel_initializer="he_normal"
        )
        return layers.ReLU()(convolution(x))

    given = keras.Input((side, side, 1), name="edges")
    full = convolved(given, width)
    half = convolved(convolved(full, 2 * width, 2), 2 * width)
    x = convolved(convolved(half, 4 * width, 2), 4 * width)
    for size, beside in ((2 * width, half), (width, full)):
        x = layers.UpSampling2D(2)(x)
        x = convolved(layers.Concatenate()([x, beside]), size)
    # It begins at an empty page. No tanh, which is flat there.
    empty = keras.initializers.Constant(-1.0)
    small = keras.initializers.RandomNormal(stddev=0.02)
    x = layers.Conv2D(
        1,
        3,
        padding="same",
        kernel_initializer=small,
        bias_initializer=empty,
    )(x)
    return keras.Model(given, x, name="unet")


def patches(side, width):
    """(image, edges) to a map of logits, one for each patch."""
    image = keras.Input((side, side, 1), name="image")
    given = keras.Input((side, side, 1), name="edges")
    x = layers.Concatenate()([image, given])
    for size in (width, 2 * width):
        x = layers.Conv2D(size, 4, 2, "same", kernel_initializer="he_normal")(x)
        x = layers.LeakyReLU(0.2)(x)
    logits = layers.Conv2D(1, 3, padding="same", name="logit")(x)
    return keras.Model([image, given], logits, name="patches")


@keras.saving.register_keras_serializable("edges_to_digits")
def distance(turn):
    """What is missed of each digit, in grey levels from -1 to 1."""
    missed = tf.abs(turn.real - turn.generated)
    return L1_WEIGHT * tf.reduce_mean(missed, axis=(1, 2, 3))


def train(x, width=16, epochs=5, seed=0, verbose=2):
    """A GAN that makes images of their edges."""
    keras.utils.set_random_seed(seed)
    side = x.shape[1]
    gan = gz.GAN(unet(side, width), patches(side, width), seed=seed)
    gan.compile(
        gz.optimizers.FallingAdam(RATE, beta_1=0.0, beta_2=0.99),
        penalties=[gz.penalties.R1(0.1, fraction=1 / 8)],
        generator_losses=[distance],
        steps_per_execution=10,
    )
    gan.fit(x, edges(x), batch_size=32, epochs=epochs, verbose=verbose)
    return gan


def of_distance_alone(x, width=16, epochs=5, seed=0):
    """The same U-Net without a discriminator."""
    keras.utils.set_random_seed(seed)
    network = unet(x.shape[1], width)
    rate = gz.optimizers.FallingAdam(RATE, beta_1=0.0, beta_2=0.99)
    network.compile(rate, "mae", steps_per_execution=10)
    network.fit(edges(x), x, batch_size=32, epochs=epochs, verbose=0)
    return network


def told(name, found, x):
    """Print what is missed, and the share of pixels that are grey."""
    grey = np.mean(np.abs(found) < 0.7)
    missed = np.abs(found - x).mean()
    print(f"{name}: L1 {missed:.3f}, grey pixels {grey:.3f}")


def draw(path, rows):
    """Rows of images under each other, each with its name."""
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(9, 0.9 * len(rows)), layout="constrained"
    )
    for axis, (name, images) in zip(axes, rows.items(), strict=True):
        axis.imshow(np.hstack(images[..., 0]), cmap="gray_r", vmin=-1, vmax=1)
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
        axis.set_xticks([])
        axis.set_yticks([])
    figure.savefig(path, dpi=130)


def main():
    """Train both, compare on held-out digits, draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    x, held = digits(options.images)
    epochs = options.epochs or (40 if x.shape[1] == 8 else 4)
    gan = train(x, epochs=epochs, seed=options.seed)
    alone = of_distance_alone(x, epochs=epochs, seed=options.seed)
    given = edges(held)
    filled = gan.sample(len(held), conditions=given)
    plain = alone.predict(given, verbose=0)
    told("data", held, held)
    told("adversarial", filled, held)
    told("L1 alone", plain, held)
    rows = {
        "edges": 2 * given - 1,
        "adversarial": filled,
        "L1": plain,
        "true": held,
    }
    draw("edges_to_digits.png", {k: v[:16] for k, v in rows.items()})
    print("edges_to_digits.png")


if __name__ == "__main__":
    main()
