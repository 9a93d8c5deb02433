"""A GAN makes events of a decay, for any energy of the beam.

    python examples/gan_events.py                    # one or two minutes

The data are measured momenta of the two leptons of a resonance like the Z
that flies along a beam of 150 to 300 GeV (`datasets.two_body_decay`). The
generator makes all six momenta from eight random numbers and the energy, and
is told nothing of physics. The resonance is a thin shell in this space, two
per cent; the discriminator of `networks.dilepton` sees an error of a GeV
there. Prints how generated events compare with the simulation's at three
energies, and writes gan_events.png.
"""

import argparse
import time

import keras
import matplotlib
import numpy as np

import genzoo as gz
from genzoo.datasets import decay

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

EPOCHS, BATCH_SIZE, STEPS = 30, 256, 400
TEST = 40_000
COLOURS = {160.0: "tab:blue", 225.0: "tab:orange", 290.0: "tab:red"}
OBSERVABLES = {
    "invariant mass / GeV": (decay.invariant_mass, 75, 107),
    "opening angle / rad": (decay.opening_angle, 0.5, 3.1),
    "cos(theta) of lepton 1 in the rest frame": (decay.cos_theta, -1, 1),
    "sum of energies less the beam's / GeV": (decay.total_energy, -13, 13),
    "transverse momenta of both / GeV": (decay.transverse_momenta, 0, 62),
}


def train(epochs, seed):
    """A GAN fitted to events of the simulation."""
    n = BATCH_SIZE * STEPS
    events, energies = gz.datasets.two_body_decay(n, seed=(seed, 0))
    keras.utils.set_random_seed(seed)
    gan = gz.GAN(*gz.networks.dilepton(), seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * STEPS)
    gan.compile(
        keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
        # Weak in GeV: a logit that changes within two of them is steep.
        penalties=[gz.penalties.R1(0.8), gz.penalties.R2(0.8)],
        steps_per_execution=50,
    )
    gan.fit(events, energies, BATCH_SIZE, epochs, verbose=0)
    return gan


def compare(pairs):
    """Print, at each energy, true and generated events."""
    print("beam  events   mass: peak, half width   energy: mean, sd   angle")
    for energy, pair in pairs.items():
        for name, x in zip(("true", "GAN"), pair, strict=True):
            mass, total = decay.invariant_mass(x), decay.total_energy(x)
            low, peak, high = np.quantile(mass, [0.16, 0.5, 0.84])
            print(
                f"{energy:<6.0f}{name:<9}{peak:10.2f}{(high - low) / 2:11.2f}"
                f"{total.mean():16.2f}{total.std():7.2f}"
                f"{decay.opening_angle(x).mean():8.3f}"
            )
        # Two samples of equal size: about 1 if they are of one distribution.
        masses = map(decay.invariant_mass, pair)
        a, b = (np.histogram(mass, 32, (75, 107))[0] for mass in masses)
        chi_square = np.mean((a - b) ** 2 / np.maximum(a + b, 1))
        print(f"      chi-square of the mass {chi_square:.1f} a bin")


def draw_observable(axis, below, name, pairs):
    """Histograms at each energy, and the ratio of generated to true."""
    observable, *ends = OBSERVABLES[name]
    bins = np.linspace(*ends, 49)
    middles = (bins[1:] + bins[:-1]) / 2
    for energy, pair in pairs.items():
        zero = energy if observable is decay.total_energy else 0
        true, made = (np.histogram(observable(x) - zero, bins)[0] for x in pair)
        axis.stairs(true, bins, fill=True, color=COLOURS[energy], alpha=0.2)
        axis.stairs(made, bins, color=COLOURS[energy], lw=1.3)
        shown = (true >= 50) & (made > 0)
        ratio = made[shown] / true[shown]
        error = ratio * np.sqrt(1 / made[shown] + 1 / true[shown])
        style = {"fmt": ".", "ms": 3, "lw": 0.7, "color": COLOURS[energy]}
        below.errorbar(middles[shown], ratio, error, **style)
    below.axhline(1, color="black", lw=0.7)
    below.set(xlabel=name, ylim=(0.5, 1.5), xlim=ends)
    if observable is decay.total_energy:
        # What is wrong is said on the picture.
        told = "mean of the GAN's\nless the true one"
        for energy, (true, made) in pairs.items():
            off = observable(made).mean() - observable(true).mean()
            told += f"\n{energy:.0f} GeV: {off:+.1f}"
        place = {"transform": axis.transAxes, "va": "top", "fontsize": 8}
        axis.text(0.02, 0.97, told, **place)
    axis.set(xlim=ends, xticklabels=[], yticks=[])
    axis.set_ylim(0, 1.1 * axis.get_ylim()[1])


def draw_correlations(axis, pair):
    """Correlations of momenta: of the simulation above, the GAN's below."""
    true, made = (np.corrcoef(x.T) for x in pair)
    both = np.round(np.triu(true, 1) + np.tril(made, -1), 2) + 0.0
    both[np.diag_indices(6)] = np.nan
    axis.imshow(both, cmap="RdBu_r", vmin=-1, vmax=1)
    for i, j in np.ndindex(6, 6):
        if i != j:
            colour = "white" if abs(both[i, j]) > 0.5 else "black"
            style = {"color": colour, "ha": "center", "va": "center"}
            axis.text(j, i, f"{both[i, j]:.2f}", **style)
    names = [f"$p_{k}$ of {lepton}" for lepton in "12" for k in "xyz"]
    axis.set_xticks(range(6), names, rotation=40, ha="right", fontsize=8)
    axis.set_yticks(range(6), names, fontsize=8)
    axis.set_title("correlations: true above, GAN below", fontsize=10)


def draw(path, pairs, mixed):
    """All observables, and correlations of events of all energies."""
    figure = plt.figure(figsize=(13, 8.4), layout="constrained")
    grid = figure.add_gridspec(4, 3, height_ratios=[3, 1, 3, 1])
    for number, name in enumerate(OBSERVABLES):
        row, column = divmod(number, 3)
        axis = figure.add_subplot(grid[2 * row, column])
        below = figure.add_subplot(grid[2 * row + 1, column])
        draw_observable(axis, below, name, pairs)
        if column == 0:
            axis.set_ylabel("events")
            below.set_ylabel("GAN / true")
        if number == 0:
            for energy, colour in COLOURS.items():
                axis.plot([], color=colour, lw=6, label=f"{energy:.0f} GeV")
            axis.plot([], color="0.85", lw=6, label="filled: true")
            axis.plot([], color="0.2", lw=1.3, label="line: GAN")
            axis.legend(frameon=False, fontsize=9, title="beam")
    draw_correlations(figure.add_subplot(grid[2:, 2]), mixed)
    figure.savefig(path, dpi=90)


def main():
    """Train, generate at three energies, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--epochs", type=int, default=EPOCHS, help="of 400 steps"
    )
    parser.add_argument("--output", default="gan_events.png")
    options = parser.parse_args()
    began = time.process_time()
    gan = train(options.epochs, options.seed)
    trained, pairs = time.process_time() - began, {}
    for number, energy in enumerate((*COLOURS, None), start=1):
        seed = (options.seed, number)
        true, energies = gz.datasets.two_body_decay(TEST, energy, seed=seed)
        pairs[energy] = true, gan.sample(TEST, seed, conditions=energies)
    mixed = pairs.pop(None)
    compare(pairs)
    draw(options.output, pairs, mixed)
    print(f"trained for {trained:.0f} CPU s; see {options.output}")


if __name__ == "__main__":
    main()
