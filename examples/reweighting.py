"""A simulation reweighted to measurements, and a new one scored.

    python examples/reweighting.py

A simulation with a force field that is a little wrong visits two wells of an
angle. Some averages of it were measured, with errors. The weights of largest
entropy bring the frames to the measurements; how far to trust the errors is
seen from a scan. Writes reweighting.png: the angle's density before and after,
beside the truth, and the scan.
"""

import argparse

import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

GRID = np.linspace(-np.pi, np.pi, 181)
COUPLINGS = {"J_1": 0.0, "J_2": 1.1, "J_3": 2.2, "J_4": 3.3}
ERROR = 0.05


def observables(angle):
    """What an experiment sees of an angle, by name."""
    return {name: np.cos(angle - at) for name, at in COUPLINGS.items()}


def density(angle, tilt):
    """Two wells, unequal by a tilt; normalised on the grid."""
    log_p = 2.5 * np.cos(2 * angle) + tilt * np.cos(angle - 0.5)
    every = 2.5 * np.cos(2 * GRID) + tilt * np.cos(GRID - 0.5)
    return np.exp(log_p) / np.trapezoid(np.exp(every), GRID)


def draw_angles(tilt, n, generator):
    """Frames of a simulation, by rejection."""
    x = generator.uniform(-np.pi, np.pi, 20 * n)
    top = density(GRID, tilt).max()
    return x[generator.random(len(x)) * top < density(x, tilt)][:n]


def main():
    """Reweight, scan, score, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default="reweighting.png")
    options = parser.parse_args()

    generator = np.random.default_rng(0)
    frames = draw_angles(-0.5, 4000, generator)
    truth = draw_angles(0.7, 200_000, generator)
    measured = {
        name: values.mean() + ERROR * generator.normal()
        for name, values in observables(truth).items()
    }
    found = gz.MaxEnt.reweight(
        observables(frames), measured, observation_stderr=ERROR
    )
    found.summary()
    print(f"chi-square {found.chi_square:.2f} of {len(measured)} averages")
    scan = found.scan(np.geomspace(0.1, 30, 20))
    print(f"the kink is at {scan.kink:.2f} times the errors")
    # Other frames need no new fit.
    again = draw_angles(-0.5, 4000, generator)
    weights = found.density(observables(again))
    share = np.average(np.abs(again) < np.pi / 2, weights=weights)
    true_share = np.mean(np.abs(truth) < np.pi / 2)
    print(
        f"in the first well: {share:.3f} of new frames, truth {true_share:.3f}"
    )

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 4.2), layout="constrained"
    )
    bins = np.linspace(-np.pi, np.pi, 61)
    common = {"bins": bins, "density": True, "histtype": "step", "lw": 1.5}
    left.hist(frames, color="tab:grey", label="simulation", **common)
    left.hist(
        frames,
        weights=found.weights,
        color="tab:red",
        label=f"reweighted, {found.effective_rows:.0f} effective frames",
        **common,
    )
    left.plot(GRID, density(GRID, 0.7), color="black", label="truth")
    left.set_xlabel("angle")
    left.set_ylabel("density")
    left.set_ylim(0, 1.3)
    left.legend(frameon=False, loc="upper center")
    kink = int(np.argmin(np.abs(scan.factors - scan.kink)))
    right.plot(-scan.entropy, scan.chi_square, "o-", color="tab:blue")
    right.plot(
        -scan.entropy[kink],
        scan.chi_square[kink],
        "o",
        color="tab:red",
        label=f"kink, {scan.kink:.2g} times the errors",
    )
    right.set_yscale("log")
    right.set_xlabel("relative entropy that it costs [nats]")
    right.set_ylabel("chi-square")
    right.legend(frameon=False)
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(options.output, dpi=110)


if __name__ == "__main__":
    main()
