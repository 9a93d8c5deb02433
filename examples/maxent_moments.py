"""Densities of largest entropy: Gaussian, truncated exponential, quartic.

    python examples/maxent_moments.py

Each is fitted to averages over data alone. Writes maxent_moments.png: the
densities over histograms of the data, and samples drawn from the fits.
"""

import argparse

import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

COUNT = 4000


def cases(generator):
    """Data with the space and the powers of each case."""
    # A particle in two wells, by rejection: p ~ exp(2 x^2 - x^4).
    proposals = generator.uniform(-2.5, 2.5, 8 * COUNT)
    log_p = 2 * proposals**2 - proposals**4
    accepted = generator.uniform(size=len(proposals)) < np.exp(log_p - 1)
    two_wells = proposals[accepted][:COUNT]
    exponential = generator.exponential(0.4, 4 * COUNT)
    return {
        "mean and variance on R:\na Gaussian": (
            gz.spaces.Real(),
            (1, 2),
            generator.normal(1.0, np.sqrt(2.0), COUNT),
        ),
        "mean on [0, 1]:\na truncated exponential": (
            gz.spaces.Interval(0, 1),
            (1,),
            exponential[exponential < 1][:COUNT],
        ),
        "four moments on R:\na quartic energy": (
            gz.spaces.Real(),
            (1, 2, 3, 4),
            two_wells,
        ),
    }


def main():
    """Fit, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default="maxent_moments.png")
    options = parser.parse_args()

    figure, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    found = cases(np.random.default_rng(0))
    for axis, (name, (space, powers, x)) in zip(
        axes, found.items(), strict=True
    ):
        model = gz.MaxEnt(space, gz.features.Moments(*powers), seed=0)
        model.compile()
        model.fit(x, verbose=0)
        print(name.replace("\n", " "))
        model.summary()
        print(f"log Z by quadrature, its error: {model.log_partition().stderr}")
        samples = model.sample(COUNT, seed=1).ravel()
        low, high = min(x.min(), samples.min()), max(x.max(), samples.max())
        grid = np.linspace(low, high, 400)
        bins = np.linspace(low, high, 50)
        axis.hist(x, bins, density=True, color="0.8", label="data")
        axis.hist(
            samples,
            bins,
            density=True,
            histtype="step",
            color="tab:blue",
            label="samples of the model",
        )
        axis.plot(grid, model.prob(grid), color="tab:red", label="density")
        axis.set_title(name)
        axis.set_xlabel("x")
        axis.spines[["top", "right"]].set_visible(False)
    # Room above the density for the legend.
    axes[0].set_ylim(0, 1.35 * axes[0].get_ylim()[1])
    axes[0].legend(frameon=False, loc="upper left")
    axes[0].set_ylabel("density")
    figure.savefig(options.output, dpi=110)
    print(f"the picture is {options.output}")


if __name__ == "__main__":
    main()
