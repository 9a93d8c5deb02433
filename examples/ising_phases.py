"""Three models learn the phases of the Ising model from configurations.

    python examples/ising_phases.py                  # about two minutes

At three temperatures 10,000 configurations of the 16x16 Ising model are
drawn, and a lattice MaxEnt, a Boltzmann machine and an RBM fitted to them.
What the models then generate is measured against the truth, which is an
independent draw of 20,000. Writes ising_phases.png and prints a table.

The models know less and less: the MaxEnt has one multiplier for all bonds,
the Boltzmann machine a field for each site and a coupling for each bond, and
the RBM nothing of the lattice, only that both signs of the spins are alike:
its units have no bias.
"""

import argparse
import itertools
import time
from typing import NamedTuple

import keras
import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

SHAPE = (16, 16)
PHASES = {1.8: "ordered", 2.27: "critical", 3.0: "disordered"}


def fit_maxent(x, seed):
    """One coupling for all bonds, by persistent chains."""
    model = gz.MaxEnt(
        gz.spaces.Spin(SHAPE), gz.features.LatticeBonds(SHAPE), seed=seed
    )
    model.compile(
        loss=gz.losses.PersistentContrastiveDivergence(steps=2, chains=1000)
    )
    model.fit(x, epochs=1, steps_per_epoch=200, verbose=0)
    return model


def fit_boltzmann(x, seed):
    """A coupling for each bond, by pseudolikelihood."""
    model = gz.BoltzmannMachine(
        gz.spaces.Spin(SHAPE), edges="lattice", seed=seed
    )
    model.compile(loss=gz.losses.Pseudolikelihood())
    model.fit(x, verbose=0)
    return model


def fit_rbm(x, seed, batch_size=1000):
    """256 hidden spins, by persistent chains: Muon, then averaged descent.

    The magnetisation's gradient is hundreds of times as steep as that of a
    short wave: plain descent shakes the one or never learns the other. Muon
    moves all singular values of the kernel at the same pace. At its end it
    still rocks the steepest of them, which plain descent with a small rate
    settles; the mean over its last hundred updates is kept.
    """
    x = x.reshape(len(x), -1)
    size = x.shape[1]
    model = gz.RBM(gz.units.Spin(size), gz.units.Spin(256), seed=seed)
    for units in (model.visible, model.hidden):
        units.bias.trainable = False

    def rate(first, last, epochs):
        updates = epochs * len(x) // batch_size
        return keras.optimizers.schedules.ExponentialDecay(
            first, updates, last / first
        )

    muon = keras.optimizers.Muon(
        rate(0.1, 0.001, epochs=60),
        momentum=0.9,
        rms_rate=None,
        weight_decay=None,
    )
    averaged = keras.optimizers.SGD(
        rate(0.002, 0.0005, epochs=30), use_ema=True, ema_momentum=0.99
    )
    for optimizer, steps, epochs in ((muon, 1, 60), (averaged, 2, 30)):
        model.compile(
            optimizer=optimizer,
            loss=gz.losses.PersistentContrastiveDivergence(steps, chains=500),
            steps_per_execution=10,
        )
        model.fit(x, batch_size=batch_size, epochs=epochs, verbose=0)
    return model


MODELS = {
    "MaxEnt": fit_maxent,
    "Boltzmann machine": fit_boltzmann,
    "RBM": fit_rbm,
}


def generate(model, seed, n=1000, rounds=5):
    """n chains after a walk of 500 sweeps, and of 60 more each round."""
    samples = [model.sample(n, seed=(seed, 0), steps=500)]
    for number in range(1, rounds + 1):
        samples.append(
            model.sample(n, seed=(seed, number), steps=60, start=samples[-1])
        )
    return np.concatenate(samples).reshape(-1, *SHAPE)


class Measured(NamedTuple):
    """Averages per site of configurations, and C(r) along the axes."""

    energy: float
    magnetisation: float
    heat: float
    correlation: np.ndarray


def measure(x, temperature):
    """What physics asks of configurations (n, rows, columns)."""
    x = x.astype(np.float32)
    sites = x[0].size
    energy = -sum((x * np.roll(x, 1, axis)).sum((1, 2)) for axis in (1, 2))
    distances = range(SHAPE[0] // 2 + 1)
    correlation = [
        np.mean([(x * np.roll(x, r, axis)).mean() for axis in (1, 2)])
        for r in distances
    ]
    return Measured(
        energy.mean() / sites,
        np.abs(x.mean((1, 2))).mean(),
        energy.var() / (sites * temperature**2),
        np.array(correlation),
    )


def print_row(temperature, name, found, truth, positive):
    """One line of the table, with deviations from the truth."""
    cells = [f"{temperature:4.2f} {name:<18}"]
    for value, true in zip(found[:3], truth[:3], strict=True):
        change = f"({100 * (value / true - 1):+5.1f} %)"
        cells.append(f"{value:8.4f} {change if found is not truth else '':10}")
    gap = np.abs(found.correlation - truth.correlation).max()
    print(*cells, f"{gap:8.4f} {positive:6.2f}")


def draw(path, configurations, measured):
    """Configurations beside their correlations, a row per temperature."""
    sources = ["truth", *MODELS]
    figure, axes = plt.subplots(
        len(PHASES),
        len(sources) + 1,
        figsize=(14, 8.4),
        width_ratios=[1] * len(sources) + [1.45],
        layout="constrained",
    )
    styles = {
        "truth": {"color": "black", "lw": 2},
        "MaxEnt": {"color": "tab:blue", "ls": "", "marker": "s", "ms": 9},
        "Boltzmann machine": {
            "color": "tab:orange",
            "ls": "",
            "marker": "^",
            "ms": 7,
        },
        "RBM": {"color": "tab:red", "ls": "", "marker": "o", "ms": 4},
    }
    for row, (temperature, phase) in zip(axes, PHASES.items(), strict=True):
        for axis, name in zip(row, sources, strict=False):
            found = measured[temperature, name]
            axis.imshow(
                configurations[temperature, name],
                cmap="cividis",
                vmin=-1,
                vmax=1,
            )
            axis.set(xticks=[], yticks=[])
            axis.set_xlabel(
                f"energy {found.energy:.3f}, |m| {found.magnetisation:.3f}, "
                f"heat {found.heat:.2f}",
                fontsize=8,
            )
            row[-1].plot(
                found.correlation, label=name, mfc="none", **styles[name]
            )
        row[0].set_ylabel(f"T = {temperature}, {phase}", fontsize=12)
        row[-1].set(ylim=(-0.05, 1.05), ylabel="C(r)")
        row[-1].grid(alpha=0.3)
    for axis, name in zip(
        axes[0], ["one true configuration", *MODELS], strict=False
    ):
        axis.set_title(name)
    axes[0, -1].set_title("correlation of two spins")
    axes[0, -1].legend(loc="lower left", fontsize=9)
    axes[-1, -1].set_xlabel("distance r")
    figure.savefig(path, dpi=110)


def main():
    """Draw data, fit, generate, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="ising_phases.png")
    options = parser.parse_args()
    began = time.perf_counter()
    configurations, measured = {}, {}
    seeds = itertools.count(options.seed)
    print(
        "T    source              energy            |magnetisation|     "
        "specific heat       max dC(r)  m > 0"
    )
    for temperature in PHASES:
        x = gz.datasets.ising(SHAPE, temperature, 10000, options.seed)
        independent = gz.datasets.ising(
            SHAPE, temperature, 20000, options.seed + 1
        )
        truth = measure(independent, temperature)
        drawn = {"truth": independent, "data": x}
        for name, fit in MODELS.items():
            drawn[name] = generate(fit(x, options.seed), next(seeds))
        for name, states in drawn.items():
            is_truth = name == "truth"
            found = truth if is_truth else measure(states, temperature)
            positive = (states.mean((1, 2)) > 0).mean()
            print_row(temperature, name, found, truth, positive)
            measured[temperature, name] = found
            configurations[temperature, name] = states[0]
        print()
    draw(options.output, configurations, measured)
    print(
        f"{time.perf_counter() - began:.0f} s; configurations and "
        f"correlations are in {options.output}"
    )


if __name__ == "__main__":
    main()
