"""Two perceptrons play for eight Gaussians on a ring, and 25 on a grid.

    python examples/gan_ring.py                      # a minute or two

The test that a GAN with mode collapse fails: does the generator find every
Gaussian, as often as the data have it, and as narrow as it is? Counts modes,
samples within three standard deviations of a centre, and the divergence of
the histogram of modes. Writes gan_ring.png: data, samples early in training
and at its end, and what the discriminator thinks of the plane.
"""

import argparse
import time

import keras
import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

COUNT = 10_000
BATCH_SIZE = 256
STEPS_PER_EPOCH = 200
CASES = {
    "ring": (gz.datasets.gaussian_ring, 35),
    "grid": (gz.datasets.gaussian_grid, 60),
}


def build(epochs, seed):
    """A pair with genzoo's defaults, but for a learning rate that decays.

    The last, small steps are what makes the modes narrow.
    """
    keras.utils.set_random_seed(seed)
    gan = gz.GAN(*gz.networks.mlp(latent=2, output=2), seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(
        2e-3, epochs * STEPS_PER_EPOCH
    )
    gan.compile(
        optimizer=keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
        steps_per_execution=50,
    )
    return gan


def train(gan, x, epochs):
    """Samples after a tenth of the epochs and after all, two arrays."""
    early = max(1, epochs // 10)
    samples = []
    for first, last in ((0, early), (early, epochs)):
        gan.fit(
            x,
            batch_size=BATCH_SIZE,
            initial_epoch=first,
            epochs=last,
            verbose=0,
        )
        samples.append(gan.sample(COUNT, seed=1))
    return samples


def measure(test, samples):
    """What `ModeCoverage` says of samples, a dict."""
    coverage = gz.metrics.ModeCoverage(
        test.centres, radius=3 * test.sd, reference="uniform"
    )
    coverage.update_state(test.x, samples)
    return coverage.result()


def draw_row(row, test, panels, gan):
    """Data, samples, and the discriminator's landscape of one case."""
    limit = 1.25 * np.abs(test.centres).max()
    for axis, (title, x) in zip(row, panels.items(), strict=False):
        axis.scatter(*x[::2].T, s=2.5, c="tab:blue", alpha=0.35, lw=0)
        axis.set_title(title, fontsize=10)
    along = np.linspace(-limit, limit, 161, dtype="float32")
    plane = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    logits = gan.score(plane).reshape(len(along), -1)
    image = row[-1].imshow(
        1 / (1 + np.exp(-logits)),
        extent=[-limit, limit] * 2,
        origin="lower",
        cmap="RdBu_r",
        vmin=0.25,
        vmax=0.75,
    )
    row[-1].scatter(*test.centres.T, s=12, c="black", marker="+", lw=0.7)
    row[-1].set_title(
        "D(x) at the end;\n+ is a centre of the data", fontsize=10
    )
    for axis in row:
        axis.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
        axis.set(xticks=[], yticks=[])
    return image


def main():
    """Train, count modes, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--epochs", type=int, help="of 200 steps; default 35 and 60"
    )
    parser.add_argument("--output", default="gan_ring.png")
    options = parser.parse_args()

    figure, axes = plt.subplots(2, 4, figsize=(14, 7.6), layout="constrained")
    print(f"{'':<22}{'modes':>9}{'KL':>9}{'within 3 sd':>13}{'CPU s':>7}")
    for row, (name, (make, epochs)) in zip(axes, CASES.items(), strict=True):
        epochs = options.epochs or epochs
        data = make(BATCH_SIZE * STEPS_PER_EPOCH, seed=(options.seed, 0))
        test = make(COUNT, seed=(options.seed, 1))
        gan = build(epochs, options.seed)
        began = time.process_time()
        early, samples = train(gan, data.x, epochs)
        seconds = time.process_time() - began
        panels = {f"{name}:\ndata": test.x}
        for x, label in (
            (test.x, "data"),
            (early, f"{max(1, epochs // 10) * STEPS_PER_EPOCH:,} steps"),
            (samples, f"{epochs * STEPS_PER_EPOCH:,} steps"),
        ):
            found = measure(test, x)
            modes = f"{found['modes']:.0f} / {len(test.centres)}"
            good = f"{100 * found['high_quality']:.1f} %"
            print(
                f"{name:<6}{label:<16}{modes:>9}{found['kl']:9.4f}{good:>13}",
                f"{seconds:6.0f}" if x is samples else "",
            )
            if label != "data":
                panels[f"{label}:\n{modes} modes, {good} within 3 sd"] = x
        image = draw_row(row, test, panels, gan)
    bar = figure.colorbar(image, ax=axes[:, -1], shrink=0.75, extend="both")
    bar.set_label("red: data more likely, blue: samples")
    figure.savefig(options.output, dpi=90)
    print(f"data, samples and discriminators are in {options.output}")


if __name__ == "__main__":
    main()
