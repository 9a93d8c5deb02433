"""A pinwheel, learned by a neural energy in three ways.

    python examples/neural_energies.py
    python examples/neural_energies.py --epochs 3

The same network learns the same points by persistent chains, by noise
contrast and by sliced score matching. Each has a density that is normalised
by quadrature, so that all three are compared in nats, on points that none has
seen. Score matching looks at slopes where data are: it does not see that arms
have equal weights, nor what lies far from all of them. Writes
neural_energies.png: the points, and for each rule the density with new points
drawn from it.
"""

import argparse

import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

ARMS, REACH = 5, 4.0
RULES = {
    "persistent chains": "pcd",
    "noise contrast": "nce",
    "sliced score matching": "sliced_score_matching",
}


def pinwheel(n, generator):
    """n points of five bent arms."""
    along = 1 + 0.3 * generator.standard_normal(n)
    across = 0.1 * generator.standard_normal(n)
    angle = 2 * np.pi * generator.integers(0, ARMS, n) / ARMS
    angle += 0.25 * np.exp(along)
    c, s = np.cos(angle), np.sin(angle)
    return 2 * np.stack([c * along - s * across, s * along + c * across], 1)


def main():
    """Learn, compare, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--output", default="neural_energies.png")
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    x, held_out = pinwheel(10_000, generator), pinwheel(10_000, generator)
    side = np.linspace(-REACH, REACH, 201)
    points = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)

    figure, axes = plt.subplots(1, 1 + len(RULES), figsize=(14, 3.8))
    axes[0].scatter(*held_out[:2000].T, s=2, color="black")
    axes[0].set_title("data")
    for axis, (name, loss) in zip(axes[1:], RULES.items(), strict=True):
        model = gz.EnergyModel(gz.spaces.Real(2), seed=0)
        model.compile(loss=loss, watch=False)
        model.fit(x, epochs=options.epochs, verbose=0)
        nats = model.log_prob(held_out).mean()
        print(f"{name}: {nats:.3f} nats")
        density = np.exp(model.log_prob(points)).reshape(201, 201)
        extent = [-REACH, REACH, -REACH, REACH]
        axis.imshow(density, extent=extent, origin="lower", cmap="viridis")
        drawn = model.sample(500, seed=0)
        axis.scatter(*drawn.T, s=2, color="white", alpha=0.6)
        axis.set_title(f"{name}: {nats:.2f} nats")
    for axis in axes:
        axis.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")
        axis.set(xticks=[], yticks=[])
    figure.tight_layout()
    figure.savefig(options.output, dpi=110)


if __name__ == "__main__":
    main()
