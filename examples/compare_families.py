"""Four families learn the same data; one table says how alike they are.

    python examples/compare_families.py                    # 8x8 digits
    python examples/compare_families.py --dataset ising    # 16x16, critical
    python examples/compare_families.py --dataset mnist    # minutes longer

An independent model, a pairwise Boltzmann machine, a restricted Boltzmann
machine and a GAN are trained on binary images. Prints the table, writes it to
compare_families.json, and compare_families.png: samples of each.

Near: density and precision say how many samples lie where data are, coverage
and recall how much of the data samples reach. The classifier's accuracy is
0.5 where it cannot tell samples from held-out data.
"""

import argparse
import time

import keras
import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402


def load(name, seed):
    """(x_train, x_test), float32, 0 and 1, (n, side, side)."""
    if name == "ising":
        x = (1 + gz.datasets.ising((16, 16), 2.27, 6000, seed=seed)) // 2
        return x[:5000].astype("float32"), x[5000:].astype("float32")
    if name == "mnist":
        (x, _), (x_test, _) = keras.datasets.mnist.load_data()
        x, x_test = x[:10_000] > 127, x_test[:1000] > 127
    else:
        (x, _), (x_test, _) = gz.datasets.digits.load_data()
        x, x_test = x > 7, x_test > 7
    return x.astype("float32"), x_test.astype("float32")


class Binary:
    """Samples of a model as images of 0 and 1."""

    def __init__(self, model, shape, threshold=0.5):
        self.model = model
        self.shape = shape
        self.threshold = threshold

    def sample(self, n, seed):
        """n images, float32."""
        x = self.model.sample(n, seed=seed)
        return (x > self.threshold).reshape(n, *self.shape).astype("float32")


def boltzmann_machine(x, seed):
    """Fields and couplings of all pairs of pixels."""
    model = gz.BoltzmannMachine(gz.spaces.Binary(x.shape[1:]), seed=seed)
    model.compile(loss=gz.losses.Pseudolikelihood(l2=0.001))
    model.fit(x.astype("uint8"), verbose=0)
    return model


def rbm(x, seed, epochs):
    """A hidden unit for each pixel, by persistent chains."""
    flat = x.reshape(len(x), -1).astype("uint8")
    pixels = flat.shape[1]
    model = gz.RBM(
        gz.units.Bernoulli(pixels),
        gz.units.Bernoulli(min(pixels, 256)),
        seed=seed,
    )
    steps = epochs * -(-len(x) // 64)
    rate = keras.optimizers.schedules.CosineDecay(0.1, steps, alpha=0.01)
    model.compile(keras.optimizers.SGD(rate), "pcd", steps_per_execution=16)
    model.fit(flat, batch_size=64, epochs=epochs, verbose=0)
    return model


def gan(x, seed, epochs):
    """A small DCGAN that gives values between 0 and 1."""
    networks = gz.networks.dcgan(
        32, (*x.shape[1:], 1), width=32, activation="sigmoid"
    )
    model = gz.GAN(*networks, seed=seed)
    steps = epochs * -(-len(x) // 64)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(
        keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
        steps_per_execution=16,
    )
    model.fit(x[..., None], batch_size=64, epochs=epochs, verbose=0)
    return model


def measures():
    """Metrics of binary images, compared pixel by pixel."""
    metrics = gz.metrics
    return [
        metrics.FrechetDistance(name="Fréchet"),
        metrics.DensityCoverage(name="near"),
        metrics.PrecisionRecall(name="near"),
        metrics.ClassifierTwoSample(name="classifier"),
    ]


def draw(path, samples, title):
    """A panel of 25 samples for each model."""
    figure, axes = plt.subplots(
        1, len(samples), figsize=(2.1 * len(samples), 2.5), layout="constrained"
    )
    for axis, (name, x) in zip(axes, samples.items(), strict=True):
        rows = x[:25].reshape(5, 5, *x.shape[1:])
        rows = np.pad(rows, ((0, 0), (0, 0), (0, 1), (0, 1)))
        axis.imshow(
            np.block([list(row) for row in rows]), cmap="gray_r", vmin=0, vmax=1
        )
        axis.set_title(name, fontsize=9)
        axis.axis("off")
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=110)


def main():
    """Train the four, compare them, print and draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--dataset", choices=["digits", "mnist", "ising"], default="digits"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="of the RBM and the GAN")
    options = parser.parse_args()
    x, x_test = load(options.dataset, options.seed)
    epochs = options.epochs or (200 if options.dataset == "digits" else 20)
    keras.utils.set_random_seed(options.seed)
    models = {}
    for name, make in (
        ("Boltzmann machine", lambda: boltzmann_machine(x, options.seed)),
        ("RBM", lambda: rbm(x, options.seed, epochs)),
        ("GAN", lambda: gan(x, options.seed, epochs)),
    ):
        began = time.process_time()
        models[name] = Binary(make(), x.shape[1:])
        print(f"{name}: {time.process_time() - began:.0f} CPU-s", flush=True)
    table = gz.metrics.evaluate_generative(
        models, x, x_test, measures(), seed=options.seed
    )
    print(table)
    table.to_json("compare_families.json")
    draw("compare_families.png", table.samples, f"{options.dataset}, binary")
    print("compare_families.png, compare_families.json")


if __name__ == "__main__":
    main()
