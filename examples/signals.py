"""A convolutional GAN of signals whose law is known.

    python examples/signals.py               # a minute and a half of a core
    python examples/signals.py --steps 300   # a look

Each signal is sin(2 pi (3 t + a)) + c sin(2 pi (7 t + b)) for 100 times t in
[0, 1), with phases a and b uniform and a size c uniform in [0.3, 1]. The
Fourier transform of a generated signal then says what was learned: the sizes
at 3 and 7, both phases, and what is at no other frequency. Prints these
beside the truth, and writes signals.png.
"""

import argparse

import keras
import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

LENGTH, BATCH, ROWS = 100, 64, 4000


def signals(count, seed):
    """So many of them, (count, 100, 1)."""
    rng = np.random.default_rng(seed)
    t = np.arange(LENGTH) / LENGTH
    a, b = rng.uniform(size=(2, count, 1))
    size = rng.uniform(0.3, 1.0, (count, 1))
    low, high = np.sin(2 * np.pi * (3 * t + a)), np.sin(2 * np.pi * (7 * t + b))
    return (low + size * high)[..., None].astype("float32")


def train(x, steps=1500, seed=0, verbose=0):
    """The pair and the defaults of the library."""
    keras.utils.set_random_seed(seed)
    pair = gz.networks.conv1d(8, (LENGTH, 1), width=16)
    gan = gz.GAN(*pair, seed=seed)
    gan.compile(steps_per_execution=20)
    epochs = max(1, round(steps * BATCH / len(x)))
    gan.fit(x, batch_size=BATCH, epochs=epochs, verbose=verbose)
    return gan


def parts(x):
    """What is in each signal, by its Fourier transform."""
    waves = 2 * np.fft.rfft(x[..., 0], axis=1) / LENGTH
    power = np.square(np.abs(waves))
    own = power[:, 3] + power[:, 7]
    return {
        "size at 3": np.abs(waves[:, 3]),
        "size at 7": np.abs(waves[:, 7]),
        "phase at 3": np.angle(waves[:, 3]),
        "phase at 7": np.angle(waves[:, 7]),
        "share of other power": 1 - own / power.sum(axis=1),
    }


def draw(path, true, made):
    """Curves, and the two sizes of each signal."""
    figure, axes = plt.subplots(2, 4, figsize=(11, 4.6), layout="constrained")
    for row, name, x in zip(
        axes, ("true", "generated"), (true, made), strict=True
    ):
        for axis, some in zip(row[:2], (x[:4], x[4:8]), strict=True):
            axis.plot(some[..., 0].T)
            axis.set_ylim(-2.2, 2.2)
        found = parts(x)
        row[2].scatter(found["size at 3"], found["size at 7"], s=2)
        row[2].set(xlim=(0, 1.4), ylim=(0, 1.4), xlabel="size at 3")
        row[2].set_ylabel("size at 7")
        row[3].scatter(found["phase at 3"], found["phase at 7"], s=2)
        row[3].set(xlabel="phase at 3", ylabel="phase at 7")
        row[0].set_ylabel(name)
    figure.savefig(path, dpi=110)


def main():
    """Train, measure, draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    gan = train(signals(ROWS, seed=1), options.steps, options.seed)
    made, true = gan.sample(2000, seed=0), signals(2000, seed=2)
    print(f"{'':22}{'true':>16}{'generated':>16}")
    for (name, own), found in zip(
        parts(true).items(), parts(made).values(), strict=True
    ):
        both = (f"{v.mean():.3f} +- {v.std():.3f}" for v in (own, found))
        print(f"{name:22}" + "".join(f"{text:>16}" for text in both))
    coverage = gz.metrics.DensityCoverage()
    coverage.update_state(true[..., 0], made[..., 0])
    print({k: round(float(v), 3) for k, v in coverage.result().items()})
    draw("signals.png", true, made)
    print("signals.png")


if __name__ == "__main__":
    main()
