"""The preset of the XY model."""

import matplotlib.pyplot as plt
import numpy as np

import genzoo as gz
from genzoo.zoo.measures import angles as measures
from recipes import cards

SHAPE, TEMPERATURE = (8, 8), 1.0


def xy_maxent_8x8():
    """One coupling for all bonds of angles, above the transition."""
    name = "xy_maxent_8x8"
    x = gz.datasets.xy(SHAPE, TEMPERATURE, 4096, seed=0)
    model = gz.MaxEnt(
        gz.spaces.Angle(SHAPE), gz.features.CosineBonds(SHAPE), seed=0
    )
    model.compile(watch=False)
    model.fit(x, epochs=30, verbose=0)
    # As it will be loaded, without the few chains that all draws begin at.
    model.keep_chains(0)
    beside = heat_bath(8000, 300, seed=1)
    true = {"coupling": 1 / TEMPERATURE, "method": "1 / T"}
    for key, of_each in (
        ("mean_bond", measures.mean_bonds(beside)),
        ("magnetisation", measures.lengths(beside)),
    ):
        true[key] = float(of_each.mean())
        true[f"{key}_stderr"] = float(of_each.std() / np.sqrt(len(beside)))
    true["method"] += "; 8,000 configurations of a heat bath by NumPy, seed 1"
    values = cards.measure(name, model)
    drawn = measures.drawn(model)
    bonds = 2 * x[0].size * measures.mean_bonds(x)
    errors = {
        "coupling": float(1 / bonds.std() / np.sqrt(len(x))),
        "mean_bond_of_samples": _error(measures.mean_bonds(drawn)),
        "magnetisation_of_samples": _error(measures.lengths(drawn)),
    }
    card = {
        "description": "maximum entropy with one coupling: XY model of angles, "
        "8 x 8",
        "data": f"{len(x):,} independent configurations of genzoo.datasets.xy, "
        "8 x 8, periodic, at T = 1, seed 0",
        "data_licence": "made by genzoo; Apache-2.0",
        "training": "from the average of the bonds, 30 epochs of persistent "
        "chains; stderr of the coupling from the bonds' variance in the data",
        "true": true,
    }
    # Rounding sends chains elsewhere on another machine.
    tolerances = {key: 6 * error for key, error in errors.items()}
    tolerances["coupling"] = 1e-9
    cards.save(name, model, card, values, tolerances, errors)
    draw(cards.FOLDER / name / "samples.png", drawn[:10])
    print("true", true, errors)


def heat_bath(n, sweeps, seed):
    """Angles drawn given their neighbours, every other site at once.

    Of genzoo there is nothing in it: von Mises numbers are NumPy's.
    """
    rng = np.random.default_rng(seed)
    x = rng.uniform(-np.pi, np.pi, (n, *SHAPE))
    colours = np.indices(SHAPE).sum(axis=0) % 2
    for _ in range(sweeps):
        for colour in (0, 1):
            here, arrows = colours == colour, np.exp(1j * x)
            field = sum(
                np.roll(arrows, step, axis)
                for step in (-1, 1)
                for axis in (1, 2)
            )[:, here]
            x[:, here] = rng.vonmises(
                np.angle(field), np.abs(field) / TEMPERATURE
            )
    return x


def draw(path, x):
    """Ten configurations, an arrow and a colour for each angle."""
    figure, axes = plt.subplots(2, 5, figsize=(10, 4.2), layout="constrained")
    for axis, angles in zip(axes.flat, x, strict=True):
        axis.imshow(angles, cmap="hsv", vmin=-np.pi, vmax=np.pi, alpha=0.6)
        axis.quiver(
            np.cos(angles),
            np.sin(angles),
            pivot="middle",
            scale=11,
            width=0.012,
        )
        axis.axis("off")
    figure.savefig(path, dpi=70, metadata={"Software": None})
    plt.close(figure)


def _error(values):
    return float(values.std() / np.sqrt(len(values)))


PRESETS = (xy_maxent_8x8,)
