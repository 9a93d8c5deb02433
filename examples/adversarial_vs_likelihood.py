"""A model too simple for its data: likelihood covers, an adversary chooses.

    python examples/adversarial_vs_likelihood.py     # under a minute
    python examples/adversarial_vs_likelihood.py --quick

The data have two modes, the model is one Gaussian: an `EnergyModel` whose
network is a parabola. Maximum likelihood makes KL(data || model) small, which
is large where data are and the model is not: the Gaussian covers both modes,
and with them the gap, where nothing is. That mass is spurious.

The same model learns by `losses.Adversarial`, which makes

    (1 - weight) KL(data || model) + weight KL(model || data)

small: a critic learns to tell data from the model's chains, and chains that
are unlike data are pushed up in energy. The heavier mode is chosen.

With two equal modes the reverse divergence has three minima, one on each mode
and a shallow one between them. From a start near a mode the adversary keeps
it; from the middle, where likelihood ends from anywhere, it stays.

Prints both divergences and the spurious mass of each model, beside the best
that quadrature finds, and writes adversarial_vs_likelihood.png. `--quick`
trains fewer models, not shorter.
"""

import argparse
import time

import keras
import matplotlib
import numpy as np
from scipy.optimize import minimize

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

GRID = np.linspace(-12, 12, 4801)
STEP = GRID[1] - GRID[0]
BATCH_SIZE, ROWS, EPOCHS, RATE = 256, 12_800, 20, 7e-3
MEANS, SD = np.array([-1.75, 1.75]), 0.5
# The share of the data that lies where its density is called spurious.
RARE = 1e-3


def log_gaussian(x, mean, sd):
    """The log-density of a Gaussian."""
    return -0.5 * ((x - mean) / sd) ** 2 - np.log(sd * np.sqrt(2 * np.pi))


class Data:
    """Two Gaussian modes, of given weights."""

    def __init__(self, weights, seed):
        self.weights = np.array(weights)
        each = log_gaussian(GRID[:, None], MEANS, SD)
        self.log_p = np.logaddexp.reduce(np.log(self.weights) + each, axis=1)
        self.p = np.exp(self.log_p)
        least = np.sort(self.p)
        level = least[np.searchsorted(np.cumsum(least) * STEP, RARE)]
        self.is_rare = self.p < level
        generator = np.random.default_rng(seed)
        mode = generator.choice(2, ROWS, p=self.weights)
        x = generator.normal(MEANS[mode], SD)
        self.x = x[:, None].astype("float32")

    def measured(self, mean, sd):
        """(KL(data || model), KL(model || data), spurious mass)."""
        log_q = log_gaussian(GRID, mean, sd)
        q = np.exp(log_q)
        gap = self.log_p - log_q
        return self.p @ gap * STEP, -q @ gap * STEP, q @ self.is_rare * STEP

    def best(self, weight, start):
        """The (mean, sd) nearby that makes the weighted divergences least."""

        def objective(place):
            forward, reverse, _ = self.measured(place[0], np.exp(place[1]))
            return (1 - weight) * forward + weight * reverse

        found = minimize(
            objective, [start[0], np.log(start[1])], method="Nelder-Mead"
        )
        return found.x[0], np.exp(found.x[1])


@keras.saving.register_keras_serializable("example")
class Parabola(keras.layers.Layer):
    """((x - mean) / sd)^2 / 2, the energy of a Gaussian."""

    def __init__(self, mean=0.0, sd=1.0, **kwargs):
        super().__init__(**kwargs)
        constant = keras.initializers.Constant
        self.mean = self.add_weight((), constant(mean), name="mean")
        self.log_sd = self.add_weight((), constant(np.log(sd)), name="log_sd")

    def call(self, x):
        """The energies, (batch, 1)."""
        return ((x - self.mean) * keras.ops.exp(-self.log_sd)) ** 2 / 2

    def place(self):
        """(mean, sd) as they are."""
        return float(self.mean), float(np.exp(self.log_sd))


def trained(data, weight, start, seed):
    """The path of (mean, sd) of one Gaussian, epoch by epoch."""
    parabola = Parabola(*start)
    network = keras.Sequential([keras.Input((1,)), parabola])
    model = gz.EnergyModel(
        gz.spaces.Real(1), network, reference=None, seed=seed
    )
    critic_optimizer = keras.optimizers.Adam(3e-3)
    model.compile(
        gz.optimizers.FallingAdam(RATE),
        gz.losses.Adversarial(weight=weight, critic_optimizer=critic_optimizer),
        steps_per_execution=10,
        watch=False,
    )
    path = [parabola.place()]
    record = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: path.append(parabola.place())
    )
    model.fit(
        data.x,
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        callbacks=[record],
        verbose=0,
    )
    return np.array(path)


COLOURS = {0.0: "tab:blue", 0.5: "tab:purple", 1.0: "tab:red"}
NAMES = {0.0: "likelihood", 0.5: "half and half", 1.0: "adversary"}


def draw_densities(axis, data, paths, title):
    """The data's density behind those of the models."""
    axis.fill_between(GRID, data.p, color="0.85", label="data")
    several = len({start for _, start in paths}) > 1
    for (weight, start), path in paths.items():
        forward, reverse, spurious = data.measured(*path[-1])
        label = (
            f"{NAMES[weight]}, from the {start}: spurious {spurious:.2f},\n"
            f"KL(data || model) {forward:.2f}, "
            f"KL(model || data) {reverse:.2f}"
        )
        q = np.exp(log_gaussian(GRID, *path[-1]))
        style = "--" if several and start == "middle" else "-"
        axis.plot(GRID, q, style, color=COLOURS[weight], lw=2, label=label)
    axis.set(title=title, xlabel="x", ylabel="density", xlim=(-4.5, 4.5))
    axis.set_ylim(0, 1.5)
    axis.legend(frameon=False, loc="upper right", fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)


def draw_landscape(axis, data, paths):
    """KL(model || data) of a Gaussian, with the ways of all models."""
    means, sds = np.linspace(-2.8, 2.8, 80), np.geomspace(0.3, 3.0, 70)
    values = np.array(
        [[data.measured(mean, sd)[1] for mean in means] for sd in sds]
    )
    levels = np.geomspace(0.2, 50, 25)
    image = axis.contourf(
        *(means, sds, values, levels),
        norm=matplotlib.colors.LogNorm(0.2, 50),
        cmap="cividis_r",
        extend="both",
    )
    told = set()
    for (weight, _), path in paths.items():
        label = None if weight in told else NAMES[weight]
        told.add(weight)
        axis.plot(*path.T, color=COLOURS[weight], lw=2, label=label)
        axis.plot(*path[0], "o", color=COLOURS[weight], mec="w", ms=7)
        axis.plot(*path[-1], "X", color=COLOURS[weight], mec="w", ms=11)
    axis.set(title="KL(model || data) of a Gaussian, and the ways there")
    axis.set(xlabel="mean", ylabel="standard deviation")
    axis.set(yscale="log", yticks=[0.3, 0.5, 1, 2, 3])
    axis.set_yticks([], minor=True)
    axis.yaxis.set_major_formatter("{x:g}")
    axis.legend(loc="lower left", fontsize=8)
    ticks = [0.2, 0.5, 1, 2, 5, 10, 20, 50]
    bar = axis.figure.colorbar(image, ax=axis, ticks=ticks, label="nats")
    bar.ax.yaxis.set_major_formatter("{x:g}")
    bar.ax.set_yticks([], minor=True)


def title_of(data, paths):
    """What the models did, in words: read off them, not hoped for."""
    spurious = {key: data.measured(*path[-1])[2] for key, path in paths.items()}
    (covered,) = (mass for (weight, _), mass in spurious.items() if weight == 0)
    own = [mass for (weight, _), mass in spurious.items() if weight == 1]
    left = sum(mass < covered / 2 for mass in own)
    shares = " and ".join(f"{weight:g}" for weight in data.weights)
    starts = "start" if len(own) == 1 else "starts"
    told = f"the adversary leaves the gap, from {left} of {len(own)} {starts}"
    return f"Modes of {shares}: {told}"


def main():
    """Train all, print what is measured, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", default="adversarial_vs_likelihood.png")
    options = parser.parse_args()
    began = time.process_time()
    starts = {"left": (-1.2, 0.7), "right": (1.2, 0.7)}
    figure, axes = plt.subplots(2, 2, figsize=(13, 9), layout="constrained")
    print(
        f"{'modes':<12}{'loss':<15}{'start':<8}{'KL(data || model)':>18}"
        f"{'KL(model || data)':>18}{'spurious':>10}{'  (best nearby)':<30}"
    )
    for row, weights in zip(axes, ((0.8, 0.2), (0.5, 0.5)), strict=True):
        data = Data(weights, options.seed)
        # Where likelihood ends.
        middle = data.x.mean(), data.x.std()
        asked = [(0.0, "middle"), (1.0, "middle")]
        if weights[0] == weights[1]:
            asked = [(0.0, "left"), (1.0, "left")]
            if not options.quick:
                asked += [(1.0, "middle"), (1.0, "right")]
        elif not options.quick:
            asked.insert(1, (0.5, "middle"))
        paths = {}
        for weight, name in asked:
            start = starts.get(name, middle)
            path = trained(data, weight, start, options.seed)
            paths[weight, name] = path
            found = data.measured(*path[-1])
            best = data.measured(*data.best(weight, path[-1]))
            print(
                f"{weights[0]:g}, {weights[1]:<7g}{NAMES[weight]:<15}{name:<8}"
                f"{found[0]:18.3f}{found[1]:18.3f}{found[2]:10.3f}"
                f"  ({best[0]:.3f}, {best[1]:.3f}, {best[2]:.3f})"
            )
        draw_densities(row[0], data, paths, title_of(data, paths))
        draw_landscape(row[1], data, paths)
    figure.savefig(options.output, dpi=90)
    print(f"{time.process_time() - began:.0f} CPU s; see {options.output}")


if __name__ == "__main__":
    main()
