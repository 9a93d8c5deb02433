"""Couplings of the Ising model, recovered from its configurations.

    python examples/inverse_ising.py                 # under a minute

10,000 configurations of the periodic 8x8 lattice at T = 2.4 go into a
Boltzmann machine that knows nothing of the lattice: it has a coupling for
each of the 2,016 pairs of sites, of which 128 are bonds with J = 1 / T.
Compares the mean-field estimate that training begins with, pseudolikelihood,
and pseudolikelihood with an L1 penalty, which makes most of the absent
couplings exactly zero. Writes inverse_ising.png and prints a table.
"""

import argparse
import time

import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

SHAPE = (8, 8)
TEMPERATURE = 2.4
STYLES = {
    "mean field": ("tab:gray", "s"),
    "pseudolikelihood": ("tab:blue", "o"),
    "pseudolikelihood with L1": ("tab:red", "^"),
}


def true_couplings():
    """J of the lattice in units of k T, symmetric, (sites, sites)."""
    sites = int(np.prod(SHAPE))
    couplings = np.zeros((sites, sites))
    first, second = gz.features.LatticeBonds(SHAPE).bonds.T
    couplings[first, second] = couplings[second, first] = 1 / TEMPERATURE
    return couplings


def recover(x, l1):
    """(couplings by mean field, couplings after fit)."""
    machine = gz.BoltzmannMachine(
        gz.spaces.Spin(x.shape[1]), start="mean_field", seed=0
    )
    machine.compile(loss=gz.losses.Pseudolikelihood(l1=l1))
    machine.adapt(x)
    start = machine.couplings
    machine.fit(x, verbose=0)
    return start, machine.couplings


def print_table(recovered, true):
    """Errors over all pairs, the bonds and the pairs without a bond."""
    pairs = np.triu_indices(len(true), 1)
    is_bond = true[pairs] > 0
    print(
        f"{'':<26}{'RMSE of J':>10}{'at bonds':>10}{'elsewhere':>11}"
        f"{'mean bond':>11}{'exact zeros':>16}{'bonds lost':>12}"
    )
    for name, couplings in recovered.items():
        found = couplings[pairs]
        error = found - true[pairs]
        rmse, at_bonds, elsewhere = (
            np.sqrt(np.mean(error[where] ** 2))
            for where in (slice(None), is_bond, ~is_bond)
        )
        zeros = found == 0
        print(
            f"{name:<26}{rmse:10.4f}{at_bonds:10.4f}{elsewhere:11.4f}"
            f"{found[is_bond].mean():11.4f}"
            f"{f'{zeros[~is_bond].sum()} of {(~is_bond).sum()}':>16}"
            f"{zeros[is_bond].sum():12d}"
        )


def draw(path, recovered, true):
    """Matrices of couplings, and what was recovered against what was true."""
    figure, axes = plt.subplots(
        1,
        4,
        figsize=(17, 4.7),
        width_ratios=[1, 1, 1, 1.05],
        layout="constrained",
    )
    shown = {"true J": true, **recovered}
    del shown["mean field"]
    limit = 1.1 / TEMPERATURE
    for axis, (name, couplings) in zip(axes, shown.items(), strict=False):
        image = axis.imshow(couplings, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set(title=name, xlabel="site j", ylabel="site i")
    figure.colorbar(image, ax=axes[:3], label="coupling", shrink=0.8)

    pairs = np.triu_indices(len(true), 1)
    generator = np.random.default_rng(0)
    for number, (name, (colour, marker)) in enumerate(STYLES.items()):
        found = recovered[name][pairs]
        aside = 0.06 * (number - 1) + generator.uniform(-0.02, 0.02, len(found))
        axes[3].scatter(
            true[pairs] + aside,
            found,
            s=7,
            c=colour,
            marker=marker,
            label=name,
            lw=0,
        )
    ends = [-0.1, 0.55]
    axes[3].plot(ends, ends, color="black", lw=0.8, zorder=0)
    axes[3].set(
        title="recovered against true",
        xlabel="true J: 0 or 1 / T, points spread sideways",
        ylabel="recovered J",
        ylim=(-0.15, 1.0),
        xticks=[0, 1 / TEMPERATURE],
        xticklabels=["0", f"{1 / TEMPERATURE:.3f}"],
    )
    axes[3].legend(loc="upper left", markerscale=2.5)
    axes[3].grid(alpha=0.3)
    axes[3].set_box_aspect(1)
    figure.savefig(path, dpi=110)


def main():
    """Draw configurations, recover, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--l1", type=float, default=0.015)
    parser.add_argument("--output", default="inverse_ising.png")
    options = parser.parse_args()
    began = time.perf_counter()

    x = gz.datasets.ising(SHAPE, TEMPERATURE, 10000, seed=0)
    x = x.reshape(len(x), -1)
    start, plain = recover(x, l1=0.0)
    _, sparse = recover(x, l1=options.l1)
    recovered = dict(zip(STYLES, (start, plain, sparse), strict=True))
    true = true_couplings()
    print_table(recovered, true)
    draw(options.output, recovered, true)
    print(
        f"{time.perf_counter() - began:.0f} s; couplings are in "
        f"{options.output}"
    )


if __name__ == "__main__":
    main()
