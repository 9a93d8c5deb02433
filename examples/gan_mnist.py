"""A DCGAN learns handwritten digits, with `--conditional` digits on demand.

    python examples/gan_mnist.py                  # 8 minutes of two cores
    python examples/gan_mnist.py --conditional    # 20 minutes
    python examples/gan_mnist.py --epochs 1       # a look

Downloads MNIST by Keras's loader. Writes gan_mnist.png, real digits beside
generated ones (each column one class, if conditional), gan_mnist.keras, and a
picture after each epoch in gan_mnist_epochs/.
"""

import argparse

import keras
import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

BATCH, LATENT, WIDTH = 64, 32, 48
# Without labels the model makes classes of its own. With so many, D sees few
# images of each, and learns them by heart if there is time.
CLUSTERS = 64
EPOCHS = {"labels": 30, "no labels": 10}


def scaled(images):
    """Bytes as numbers in [-1, 1], with a channel."""
    return (images[..., None] / 127.5 - 1).astype("float32")


def train(
    x,
    y=None,
    epochs=None,
    callbacks=None,
    seed=0,
    verbose=2,
    clusters=CLUSTERS,
):
    """A GAN of images in [-1, 1], conditional if there are labels y."""
    epochs = epochs or EPOCHS["no labels" if y is None else "labels"]
    keras.utils.set_random_seed(seed)
    networks = gz.networks.dcgan(
        LATENT,
        x.shape[1:],
        width=WIDTH,
        classes=clusters if y is None else 10,
    )
    gan = gz.GAN(*networks, self_conditioned=y is None, seed=seed)
    # The default optimizer, with a rate that falls to zero.
    steps = epochs * -(-len(x) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    gan.compile(
        keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
        steps_per_execution=10,
    )
    gan.fit(
        x,
        y,
        batch_size=BATCH,
        epochs=epochs,
        callbacks=callbacks,
        verbose=verbose,
    )
    return gan


def tiles(images):
    """Ten rows of ten images."""
    images = images[..., 0].reshape(10, 10, *images.shape[1:3])
    return np.block([[image for image in row] for row in images])


def draw(path, real, generated, title):
    """Real and generated digits side by side."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.7), layout="constrained")
    for axis, images, name in zip(
        axes, (real, generated), ("real digits", title), strict=True
    ):
        axis.imshow(tiles(images), cmap="gray_r", vmin=-1, vmax=1)
        axis.set_title(name)
        axis.axis("off")
    figure.savefig(path, dpi=110)


def main():
    """Train, draw, save."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--conditional", action="store_true")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    (x, y), _ = keras.datasets.mnist.load_data()
    x, labels = scaled(x), y if options.conditional else None
    grid = gz.callbacks.SampleGrid("gan_mnist_epochs", rows=10)
    gan = train(x, labels, options.epochs, [grid], options.seed)
    if options.conditional:
        first = [np.flatnonzero(y == digit)[:10] for digit in range(10)]
        real, title = x[np.stack(first, axis=1).ravel()], "digits on demand"
    else:
        real, title = x[:100], "generated digits"
    draw("gan_mnist.png", real, gan.sample(100, seed=0), title)
    gan.save("gan_mnist.keras")
    print("gan_mnist.png, gan_mnist.keras")


if __name__ == "__main__":
    main()
