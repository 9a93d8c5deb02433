"""The preset of a neural energy in the plane."""

import matplotlib.pyplot as plt
import numpy as np

import genzoo as gz
from genzoo.zoo.measures import plane as measures
from recipes import cards

SEEDS = range(3)


def energy_grid(model=None):
    """25 narrow Gaussians by the defaults, beside `gan_grid`."""
    model = model or _trained()
    name = "energy_grid"
    model.keep_chains(0)
    model.log_partition("quadrature")
    found = [cards.measure(name, model, seed) for seed in SEEDS]
    values = found[0]
    gains = measures.gains(model)
    errors = {
        key: max(float(np.std([each[key] for each in found], ddof=1)), 1e-6)
        for key in values
    }
    errors["kl_of_data"] = float(gains.std() / np.sqrt(len(gains)))
    card = {
        "description": "neural energy of 25 Gaussians on a grid, in the plane",
        "data": "100,000 points of genzoo.datasets.gaussian_grid, seed 0; "
        "10,000 others for kl_of_data",
        "data_licence": "made by genzoo; Apache-2.0",
        "training": "20 epochs by the defaults: PCD with jumps, FallingAdam",
        "units": "kl_of_data: KL(data || model) in nats, log Z by quadrature; "
        "modes, high_quality: of 10,000 samples by chains, as of gan_grid; "
        "their stderr is the deviation over three seeds of the samples",
    }
    tolerances = {key: 6 * error for key, error in errors.items()}
    tolerances["kl_of_data"] = 2e-4
    cards.save(name, model, card, values, tolerances, errors)
    _draw(name, model)


def _trained():
    model = gz.EnergyModel(gz.spaces.Real(2), seed=0)
    model.compile(watch=False)
    model.fit(
        gz.datasets.gaussian_grid(100_000, seed=0).x, epochs=20, verbose=2
    )
    return model


def _draw(name, model):
    edge = np.linspace(-1.8, 1.8, 300)
    x = np.stack(np.meshgrid(edge, edge), axis=-1).reshape(-1, 2)
    log_p = model.log_prob(x).reshape(300, 300)
    figure, axes = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
    image = axes[0].pcolormesh(edge, edge, log_p, vmin=log_p.max() - 12)
    axes[0].set_title("log p(x), nats")
    figure.colorbar(image, ax=axes[0], shrink=0.8)
    axes[1].scatter(*model.sample(2000, seed=0).T, s=1)
    axes[1].set(title="2,000 samples", xlim=(-1.8, 1.8), ylim=(-1.8, 1.8))
    for axis in axes:
        axis.set_aspect("equal")
    path = cards.FOLDER / name / "samples.png"
    figure.savefig(path, dpi=80, metadata={"Software": None})
    plt.close(figure)


PRESETS = (energy_grid,)
