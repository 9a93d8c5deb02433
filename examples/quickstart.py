"""An RBM learns handwritten digits and draws new ones.

    python examples/quickstart.py                    # 8x8 digits, half a minute
    python examples/quickstart.py --dataset mnist    # 28x28, downloads MNIST

Writes quickstart.png: data beside samples beside what the hidden units see.
"""

import argparse

import keras
import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402


def load(name):
    """(x_train, x_test), 0 and 1, and the side of an image."""
    if name == "mnist":
        (x, _), (x_test, _) = keras.datasets.mnist.load_data()
        threshold = 127
    else:
        (x, _), (x_test, _) = gz.datasets.digits.load_data()
        threshold = 7
    side = x.shape[1]
    images = [a.reshape(len(a), -1) > threshold for a in (x, x_test)]
    return *(a.astype("uint8") for a in images), side


def tiles(images, side, columns):
    """Images in rows of `columns`, one pixel apart."""
    images = np.reshape(images, (-1, columns, side, side))
    images = np.pad(
        images, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan
    )
    return np.block([list(row) for row in images])


def draw(path, data, samples, filters, side):
    """One picture of three panels."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")
    for axis, images, title in (
        (axes[0], data, "data"),
        (axes[1], samples, "samples of the model"),
    ):
        axis.imshow(tiles(images.astype(float), side, 10), cmap="gray_r")
        axis.set_title(title)
    figure.get_layout_engine().set(wspace=0.08)
    limit = np.quantile(np.abs(filters), 0.99)
    shown = axes[2].imshow(
        tiles(filters, side, 5), cmap="RdBu_r", vmin=-limit, vmax=limit
    )
    axes[2].set_title("weights of the hidden units")
    figure.colorbar(shown, ax=axes[2], shrink=0.8)
    for axis in axes:
        axis.axis("off")
    figure.savefig(path, dpi=110)


def main():
    """Train, measure, sample, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--dataset", choices=("digits", "mnist"), default="digits"
    )
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--output", default="quickstart.png")
    options = parser.parse_args()

    x_train, x_test, side = load(options.dataset)
    small = options.dataset == "digits"
    rbm = gz.RBM(
        visible=gz.units.Bernoulli(side * side),
        hidden=gz.units.Bernoulli(20),
        seed=0,
    )
    rbm.compile(steps_per_execution=10)

    def report(when):
        # 20 hidden units have a million joint states: log Z is enumerated.
        train, test = (rbm.log_prob(x).mean() for x in (x_train, x_test))
        print(
            f"{when}: exact mean log-likelihood {train:.2f} nats "
            f"on training data, {test:.2f} on test data"
        )

    rbm.adapt(x_train)
    report("before training")
    rbm.fit(x_train, epochs=options.epochs or (40 if small else 5))
    report("after training")

    samples = rbm.sample(100, seed=0)
    draw(options.output, x_train[:100], samples, rbm.kernel.numpy().T, side)
    print(f"data, samples and weights are in {options.output}")


if __name__ == "__main__":
    main()
