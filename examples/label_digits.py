"""An RBM with labels among its visible units tells digits, and draws them.

    python examples/label_digits.py                    # 8x8 digits
    python examples/label_digits.py --dataset mnist    # 28x28, downloads MNIST

Writes label_digits.png: the test digits that it is least sure of, beside
samples of the same model, each with its label.
"""

import argparse

import keras
import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402


def load(name):
    """(x, y), (x_test, y_test) of grey levels in [0, 1], and the side."""
    load_data = {
        "mnist": keras.datasets.mnist.load_data,
        "digits": gz.datasets.digits.load_data,
    }
    train, test = load_data[name]()
    most, side = train[0].max(), train[0].shape[1]
    pairs = [(x.reshape(len(x), -1) / most, y) for x, y in (train, test)]
    return *pairs, side


def bits(x):
    """Pixels that are on."""
    return (x > 0.5).astype("uint8")


def train(pair, test, hidden, epochs, weight):
    """An RBM of pixels and a label, trained for both."""
    (x, y), (x_test, y_test) = pair, test
    rbm = gz.RBM(
        visible={
            "pixels": gz.units.Bernoulli(x.shape[1]),
            "label": gz.units.Categorical(1, 10),
        },
        hidden=gz.units.Bernoulli(hidden),
        seed=0,
    )
    rows = 100 if len(x) > 10_000 else 32
    rate = keras.optimizers.schedules.CosineDecay(
        0.01, epochs * (len(x) // rows)
    )
    rbm.compile(
        keras.optimizers.Adam(rate),
        loss=gz.losses.Hybrid(generative_weight=weight),
        steps_per_execution=10,
        watch=False,
    )
    held = bits(x_test), y_test
    rbm.fit(bits(x), y, epochs=epochs, batch_size=rows, validation_data=held)
    return rbm


def panel(figure, images, titles, side, name):
    """Images with a line of text each, on a part of a figure."""
    figure.suptitle(name)
    axes = figure.subplots(4, 5)
    for axis, image, title in zip(axes.flat, images, titles, strict=True):
        axis.imshow(np.reshape(image, (side, side)), cmap="gray_r")
        axis.set_title(title, fontsize=8)
        axis.axis("off")


def main():
    """Train, classify, sample, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--dataset", choices=("digits", "mnist"), default="digits"
    )
    parser.add_argument("--hidden", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--weight", type=float, default=0.01)
    parser.add_argument("--output", default="label_digits.png")
    options = parser.parse_args()

    pair, test, side = load(options.dataset)
    small = options.dataset == "digits"
    hidden = options.hidden or (100 if small else 500)
    epochs = options.epochs or (30 if small else 12)
    rbm = train(pair, test, hidden, epochs, options.weight)

    x_test, y_test = bits(test[0]), test[1]
    proba = rbm.predict_proba(x_test)
    accuracy = np.mean(proba.argmax(axis=1) == y_test)
    print(f"test accuracy {100 * accuracy:.2f} %")

    unsure = np.argsort(proba.max(axis=1))[:20]
    drawn = rbm.visible.split(rbm.sample(20, seed=0))
    figure = plt.figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subfigures(1, 2, wspace=0.08)
    panel(
        left,
        x_test[unsure],
        [
            f"{p.argmax()} ({100 * p.max():.0f} %), is {y}"
            for p, y in zip(proba[unsure], y_test[unsure], strict=True)
        ],
        side,
        "least sure of, among test digits",
    )
    panel(
        right,
        drawn["pixels"],
        [str(label) for label in drawn["label"].argmax(axis=1)],
        side,
        "samples with their labels",
    )
    figure.savefig(options.output, dpi=110)
    print(f"digits and samples are in {options.output}")


if __name__ == "__main__":
    main()
