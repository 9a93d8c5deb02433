"""Adversarial presets."""

import tempfile

import keras
import matplotlib.pyplot as plt
import numpy as np

import genzoo as gz
from genzoo.datasets import decay
from genzoo.zoo.measures import gans
from recipes import cards, sources
from recipes.mnist import LICENCE, MNIST

SEEDS = range(5)
STDERR = "stderr is the standard deviation over five seeds of the samples"
EXAMPLES, BATCH = 100_000, 256
STEPS = {"ring": 20_000, "grid": 40_000}


def save(name, gan, card, dtype=None, least=None):
    """With errors of the numbers from five seeds of the samples.

    Tolerances are at least those of the dict least.
    """
    found = [cards.measure(name, gan, seed) for seed in SEEDS]
    values, errors, tolerances = found[0], {}, {}
    for key, value in values.items():
        spread = np.std([each[key] for each in found], ddof=1)
        errors[key] = max(float(spread), 1e-6)
        # The same samples again differ by rounding alone.
        tolerances[key] = min(errors[key], abs(value) / 2)
        tolerances[key] = max(tolerances[key], (least or {}).get(key, 0.0))
    cards.save(name, gan, card, values, tolerances, errors, dtype)


def _draw(figure, name):
    path = cards.FOLDER / name / "samples.png"
    figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)


# Digits ---------------------------------------------------------------------


class RealDigits:
    """Images in place of a model's samples, for the measures of digits."""

    is_conditional = False

    def __init__(self, images):
        self.images = images

    def sample(self, n, seed=0):
        """The first n images."""
        return self.images[:n]


def gan_mnist(trained=None):
    """DCGAN without labels."""
    _digits("gan_mnist", False, trained)


def gan_mnist_conditional(trained=None):
    """DCGAN with a projection discriminator."""
    _digits("gan_mnist_conditional", True, trained)


def _digits(name, conditional, trained):
    example = sources.example("gan_mnist")
    kind = "labels" if conditional else "no labels"
    (x, y), _ = sources.mnist_images()
    gan = trained or example.train(x, y if conditional else None)
    # The clusters' classes would make it larger than 2 MB.
    dtype = None if conditional else "float16"
    with tempfile.TemporaryDirectory() as folder:
        gan.save_to_preset(folder, dtype=dtype)
        gan = gz.from_preset(folder)
    real = RealDigits(x)
    card = {
        "description": "handwritten digits"
        + (", each of the class asked for" if conditional else ", no labels")
        + ", 28 x 28, DCGAN",
        "data": f"{MNIST}, 60,000 training images in [-1, 1]; compared with "
        "its 10,000 test images",
        "data_licence": LICENCE,
        "training": f"{example.EPOCHS[kind]} epochs of batches of "
        f"{example.BATCH}, non-saturating loss, R1 and R2 of 1.0 on an eighth "
        "of the batch, Adam from 2e-3 by a cosine, beta_1 0, beta_2 0.99, "
        "average 0.999"
        + ("" if conditional else f"; {example.CLUSTERS} clusters as classes"),
        "judge": "the preset digit_features; Frechet distance and coverage "
        "are of its 64 features",
        "real_against_real": {
            "frechet": float(gans.frechet(real)),
            "coverage": float(gans.coverage(real)),
            "method": "10,000 training digits in place of samples",
        },
        "units": f"class_kl in nats; {STDERR}",
    }
    if dtype:
        card["precision"] = f"{dtype} in the file, also of what is measured"
    save(name, gan, card, dtype)
    labels = {"labels": np.arange(100) % 10} if conditional else {}
    images = gan.sample(100, seed=0, **labels)[..., 0]
    cards.picture(name, images, rows=10, scale=2, low=-1)


# Mixtures -------------------------------------------------------------------


def gan_ring():
    """Eight Gaussians on a ring."""
    _mixture("ring")


def gan_grid():
    """25 Gaussians on a grid."""
    _mixture("grid")


def train_mixture(kind, seed):
    """(a GAN trained on a ring or a grid, its data)."""
    make = getattr(gz.datasets, f"gaussian_{kind}")
    data = make(EXAMPLES, seed=seed)
    keras.utils.set_random_seed(seed)
    gan = gz.GAN(*gz.networks.mlp(latent=2, output=2), seed=seed)
    epochs = -(-STEPS[kind] * BATCH // EXAMPLES)
    gan.compile(steps_per_execution=50)
    gan.fit(data.x, batch_size=BATCH, epochs=epochs, verbose=0)
    return gan, data


def _mixture(kind):
    name = f"gan_{kind}"
    gan, data = train_mixture(kind, seed=0)
    card = {
        "description": f"{len(data.centres)} Gaussians on a {kind}, in the "
        "plane",
        "data": f"100,000 points of genzoo.datasets.gaussian_{kind}, seed 0",
        "data_licence": "made by genzoo; Apache-2.0",
        "training": f"{STEPS[kind]:,} steps of batches of {BATCH}, "
        "non-saturating loss, R1 and R2 of 0.02 on a quarter of the batch, "
        "Adam from 2e-3 by a cosine, beta_1 0, beta_2 0.99, average 0.999",
        "all_modes": len(data.centres),
        "units": "high_quality: within three standard deviations of a "
        f"centre; kl of the histogram of modes to uniform, nats; {STDERR}",
    }
    save(name, gan, card)
    figure, axes = plt.subplots(1, 2, figsize=(6, 3), layout="constrained")
    for axis, x, title in zip(
        axes, (data.x, gan.sample(5000, seed=0)), ("data", name), strict=True
    ):
        axis.scatter(*x[:5000].T, s=2, alpha=0.4, lw=0)
        axis.set(xticks=[], yticks=[], aspect="equal", title=title)
    _draw(figure, name)


# Events ---------------------------------------------------------------------


def gan_events():
    """Two leptons of a resonance, given the energy of the beam."""
    example = sources.example("gan_events")
    gan = example.train(epochs=example.EPOCHS, seed=0)
    true, energies = gz.datasets.two_body_decay(gans.COUNT, seed=(0, 1))
    mass = decay.invariant_mass(true)
    card = {
        "description": "six momenta in GeV of two leptons from a resonance "
        "like the Z, given the energy of the beam in GeV, 150 to 300",
        "data": "102,400 events of genzoo.datasets.two_body_decay, seed (0, 0)",
        "data_licence": "made by genzoo; Apache-2.0",
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
        "accuracy of a classifier of generated against true events; " + STDERR,
    }
    save("gan_events", gan, card)
    made = gan.sample(gans.COUNT, seed=0, conditions=energies)
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
    _draw(figure, "gan_events")


PRESETS = (gan_mnist, gan_mnist_conditional, gan_ring, gan_grid, gan_events)
