"""Adversarial presets; run by train_presets.py."""

import sys
import tempfile

import common
import matplotlib.pyplot as plt
import numpy as np
import preset_cards
from preset_cards import FOLDER

import genzoo as gz
from genzoo.datasets import decay
from genzoo.zoo.measures import gans

sys.path.insert(0, str(common.HERE.parent / "examples"))
SEEDS = range(1, 5)


def _measured(name, gan):
    """The card's numbers, with what other seeds of the samples say."""
    found = {}
    for measure, function in gans.MEASURES[name].items():
        value = float(function(gan))
        others = [float(function(gan, seed)) for seed in SEEDS]
        error = max(float(np.std([value, *others], ddof=1)), 1e-6)
        # The same samples again differ by rounding alone.
        tolerance = min(error, abs(value) / 2)
        found[measure] = {
            "value": value,
            "tolerance": tolerance,
            "stderr": error,
        }
        print(f"{name}: {measure} {value:.5f} +- {error:.5f}", flush=True)
    return found


_CARD = {"licence": "Apache-2.0", "seed": 0}
_STDERR = "stderr is the standard deviation over five seeds of the samples"


# Digits ---------------------------------------------------------------------


def gan_mnist(trained=None):
    """DCGAN without labels."""
    _digits("gan_mnist", False, trained)


def gan_mnist_conditional(trained=None):
    """DCGAN with a projection discriminator."""
    _digits("gan_mnist_conditional", True, trained)


def _digits(name, conditional, trained):
    import gan_mnist as example

    kind = "labels" if conditional else "no labels"
    (x, y), (x_test, _) = common.mnist_images()
    gan = trained or example.train(x, y if conditional else None)
    # The clusters' classes would make it larger than 2 MB.
    dtype = None if conditional else "float16"
    with tempfile.TemporaryDirectory() as folder:
        gan.save_to_preset(folder, dtype=dtype)
        gan = gz.from_preset(folder)
    real = gans.features(x_test)
    generated = gans.features(x[: gans.COUNT])
    floor = {}
    for measure, metric in (
        ("frechet", gz.metrics.FrechetDistance()),
        ("coverage", gz.metrics.DensityCoverage()),
    ):
        for i in range(0, gans.COUNT, 1000):
            metric.update_state(real[i : i + 1000], generated[i : i + 1000])
        result = metric.result()
        floor[measure] = float(
            result["coverage"] if measure == "coverage" else result
        )
    card = {
        **_CARD,
        "description": "handwritten digits"
        + (", each of the class asked for" if conditional else ", no labels")
        + ", 28 x 28, DCGAN",
        "data": "MNIST (LeCun, Cortes and Burges), 60,000 training images in "
        "[-1, 1]; compared with its 10,000 test images",
        "data_licence": "CC BY-SA 3.0, as it is usually stated for MNIST",
        "command": f"python benchmarks/train_presets.py {name}",
        "training": f"{example.EPOCHS[kind]} epochs of batches of "
        f"{example.BATCH}, non-saturating loss, R1 and R2 of 1.0 on an eighth "
        "of the batch, Adam from 2e-3 by a cosine, beta_1 0, beta_2 0.99, "
        "average 0.999"
        + ("" if conditional else f"; {example.CLUSTERS} clusters as classes"),
        "judge": "the preset digit_features; Frechet distance and coverage "
        "are of its 64 features",
        "real_against_real": {
            **floor,
            "method": "10,000 training digits in place of samples",
        },
        "units": f"class_kl in nats; {_STDERR}",
        "measured": _measured(name, gan),
    }
    if dtype:
        card["precision"] = f"{dtype} in the file, also of what is measured"
    gan.save_to_preset(FOLDER / name, card, dtype)
    labels = {"labels": np.arange(100) % 10} if conditional else {}
    images = gan.sample(100, seed=0, **labels)[..., 0]
    preset_cards.picture(name, images, rows=10, scale=2, low=-1)


# Mixtures -------------------------------------------------------------------


def gan_ring():
    """Eight Gaussians on a ring."""
    _mixture("ring")


def gan_grid():
    """25 Gaussians on a grid."""
    _mixture("grid")


def _mixture(kind):
    import gan_modes

    name = f"gan_{kind}"
    gan, data = gan_modes.train(kind, seed=0)
    card = {
        **_CARD,
        "description": f"{len(data.centres)} Gaussians on a {kind}, in the "
        "plane",
        "data": f"100,000 points of genzoo.datasets.gaussian_{kind}, seed 0",
        "data_licence": "made by genzoo; Apache-2.0",
        "command": f"python benchmarks/train_presets.py {name}",
        "training": f"{gan_modes.STEPS[kind]:,} steps of batches of "
        f"{gan_modes.BATCH}, non-saturating loss, R1 and R2 of 0.02 on a "
        "quarter of the batch, Adam from 2e-3 by a cosine, beta_1 0, "
        "beta_2 0.99, average 0.999",
        "all_modes": len(data.centres),
        "units": "high_quality: within three standard deviations of a "
        f"centre; kl of the histogram of modes to uniform, nats; {_STDERR}",
        "measured": _measured(name, gan),
    }
    gan.save_to_preset(FOLDER / name, card)
    _scatter(name, data.x, gan.sample(5000, seed=0))


def _scatter(name, data, samples):
    figure, axes = plt.subplots(1, 2, figsize=(6, 3), layout="constrained")
    for axis, x, title in zip(
        axes, (data, samples), ("data", name), strict=True
    ):
        axis.scatter(*x[:5000].T, s=2, alpha=0.4, lw=0)
        axis.set(xticks=[], yticks=[], aspect="equal", title=title)
    _save(figure, name)


def _save(figure, name):
    path = FOLDER / name / "samples.png"
    figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)


# Events ---------------------------------------------------------------------


def gan_events():
    """Two leptons of a resonance, given the energy of the beam."""
    import gan_events as example

    gan = example.train(epochs=example.EPOCHS, seed=0)
    true, energies = gz.datasets.two_body_decay(gans.COUNT, seed=(0, 1))
    mass = decay.invariant_mass(true)
    card = {
        **_CARD,
        "description": "six momenta in GeV of two leptons from a resonance "
        "like the Z, given the energy of the beam in GeV, 150 to 300",
        "data": "102,400 events of genzoo.datasets.two_body_decay, seed (0, 0)",
        "data_licence": "made by genzoo; Apache-2.0",
        "command": "python benchmarks/train_presets.py gan_events",
        "training": f"{example.EPOCHS} epochs of 400 batches of 256, "
        "non-saturating loss, R1 and R2 of 0.8 / GeV^2 on a quarter of the "
        "batch, Adam from 2e-3 by a cosine, beta_1 0, beta_2 0.99, average "
        "0.999",
        "true": {
            "mass_peak": float(np.median(mass)),
            "mass_half_width": float(
                np.subtract(*np.quantile(mass, [0.84, 0.16])) / 2
            ),
            "classifier_accuracy": 0.5,
            "method": "10,000 events of the simulation, seed (0, 1)",
        },
        "units": "GeV: median, and half of the central 68 per cent of the "
        "invariant mass; largest difference of a correlation of two momenta; "
        "accuracy of a classifier of generated against true events; " + _STDERR,
        "measured": _measured("gan_events", gan),
    }
    gan.save_to_preset(FOLDER / "gan_events", card)
    made = gan.sample(gans.COUNT, seed=0, labels=energies)
    figure, axes = plt.subplots(1, 2, figsize=(6, 3), layout="constrained")
    for axis, observable, ends, title in (
        (axes[0], decay.invariant_mass, (75, 107), "invariant mass / GeV"),
        (axes[1], decay.opening_angle, (0.5, 3.1), "opening angle / rad"),
    ):
        bins = np.linspace(*ends, 41)
        axis.hist(observable(true), bins, alpha=0.3, label="true")
        axis.hist(observable(made), bins, histtype="step", label="GAN")
        axis.set(xlabel=title, yticks=[])
    axes[0].legend(frameon=False)
    _save(figure, "gan_events")


PRESETS = (gan_mnist, gan_mnist_conditional, gan_ring, gan_grid, gan_events)
