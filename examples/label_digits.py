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
import tensorflow as tf

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


def batches(x, y, side, rows, shift, seed):
    """Pixels drawn from their grey levels anew each epoch, and labels.

    Images are moved by up to `shift` pixels: there are few, and what they are
    does not depend on it.
    """
    wide = side + 2 * shift

    def moved(image, label):
        image = tf.reshape(image, (side, side))
        image = tf.pad(image, [[shift, shift], [shift, shift]])
        at = tf.random.uniform((2,), 0, wide - side + 1, tf.int32)
        image = image[at[0] : at[0] + side, at[1] : at[1] + side]
        return tf.reshape(image, (side * side,)), label

    def drawn(images, labels):
        uniform = tf.random.uniform(tf.shape(images))
        return tf.cast(uniform < images, tf.float32), labels

    examples = x.astype("float32"), y.astype("int32")
    dataset = tf.data.Dataset.from_tensor_slices(examples)
    dataset = dataset.shuffle(len(x), seed=seed).map(moved)
    return dataset.batch(rows, drop_remainder=True).map(drawn).prefetch(4)


def train(pair, held, side, hidden, epochs, weight, shift, seed=0):
    """An RBM of pixels and a label, trained for both; `held` is watched."""
    (x, y), (x_held, y_held) = pair, held
    keras.utils.set_random_seed(seed)
    rbm = gz.RBM(
        visible={
            "pixels": gz.units.Bernoulli(x.shape[1]),
            "label": gz.units.Categorical(1, 10),
        },
        hidden=gz.units.Bernoulli(hidden),
        seed=seed,
    )
    rows = 100 if len(x) > 10_000 else 32
    rate = keras.optimizers.schedules.CosineDecay(
        0.01, epochs * (len(x) // rows)
    )
    rbm.compile(
        keras.optimizers.Adam(rate),
        loss=gz.losses.Hybrid(weight, generative="cd"),
        steps_per_execution=10,
        watch=False,
    )
    rbm.adapt((bits(x), y))
    rbm.fit(
        batches(x, y, side, rows, shift, seed),
        epochs=epochs,
        validation_data=(bits(x_held), y_held),
    )
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
    epochs = options.epochs or (30 if small else 16)
    shift = 0 if small else 1
    rbm = train(pair, test, side, hidden, epochs, options.weight, shift)

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
