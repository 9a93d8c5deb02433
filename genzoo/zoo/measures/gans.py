"""Measures of the adversarial presets.

Each is of 10,000 samples of seed 0, by default; other seeds show its error.
"""

import functools
from collections.abc import Callable

import numpy as np

from genzoo import datasets, metrics
from genzoo.datasets import decay
from genzoo.models import GAN
from genzoo.types import Array
from genzoo.zoo import presets
from genzoo.zoo.measures import digits

COUNT = 10_000
CONFIDENT = 0.9


# Digits ---------------------------------------------------------------------


@functools.cache
def _judge():
    return presets.from_preset("digit_features")


@functools.cache
def _test_features():
    images, _ = digits.mnist_test_digits()
    return features(images)


def features(images: Array) -> Array:
    """64 features of each image, by the preset `digit_features`."""
    return _judge().predict(images, batch_size=500, verbose=0)


def logits(images: Array) -> Array:
    """Ten logits of each image."""
    return np.concatenate(
        [_judge().classify(part) for part in np.array_split(images, 20)]
    )


def share_confident(found: Array) -> float:
    """The share of logits that give a class a probability of 0.9 or more."""
    odds = np.exp(found - found.max(1, keepdims=True))
    return np.mean(1 / odds.sum(1) >= CONFIDENT)


@functools.lru_cache(maxsize=1)
def _drawn(gan, seed):
    asked = np.arange(COUNT) % 10
    labels = {"labels": asked} if gan.is_conditional else {}
    images = gan.sample(COUNT, seed=seed, **labels)
    return images, logits(images), asked


def confident(gan: GAN, seed: int = 0) -> float:
    """The share of samples of a class with a probability of 0.9 or more."""
    return share_confident(_drawn(gan, seed)[1])


def class_kl(gan: GAN, seed: int = 0) -> float:
    """KL of the histogram of classes to uniform, nats."""
    _, found, _ = _drawn(gan, seed)
    share = np.bincount(found.argmax(1), minlength=10) / COUNT
    return np.sum(share * np.log(np.maximum(share, 1e-12) * 10))


def as_asked(gan: GAN, seed: int = 0) -> float:
    """The share of samples whose class is the one asked for."""
    _, found, asked = _drawn(gan, seed)
    return np.mean(found.argmax(1) == asked)


def _compared(gan, seed, metric):
    generated = features(_drawn(gan, seed)[0])
    for i in range(0, COUNT, 1000):
        part = slice(i, i + 1000)
        metric.update_state(_test_features()[part], generated[part])
    return metric.result()


def frechet(gan: GAN, seed: int = 0) -> float:
    """Frechet distance to MNIST's test digits, of 64 features."""
    return _compared(gan, seed, metrics.FrechetDistance())


def coverage(gan: GAN, seed: int = 0) -> float:
    """The share of test digits with a sample near, of 64 features."""
    return _compared(gan, seed, metrics.DensityCoverage())["coverage"]


# Mixtures -------------------------------------------------------------------


def of_modes(make: Callable, measure: str) -> Callable:
    """A measure of 10,000 samples beside the modes of a mixture."""

    def count(gan, seed=0):
        data = make(COUNT, seed=(seed, 1))
        metric = metrics.ModeCoverage(
            data.centres, radius=3 * data.sd, reference="uniform"
        )
        metric.update_state(data.x, gan.sample(COUNT, seed=seed))
        return metric.result()[measure]

    return count


# Events ---------------------------------------------------------------------


@functools.lru_cache(maxsize=1)
def _events(gan, seed):
    """True and generated events at the same energies."""
    true, energies = datasets.two_body_decay(COUNT, seed=(seed, 1))
    return true, gan.sample(COUNT, seed=seed, conditions=energies)


def mass_peak(gan: GAN, seed: int = 0) -> float:
    """The median of the invariant mass, GeV."""
    return np.median(decay.invariant_mass(_events(gan, seed)[1]))


def mass_half_width(gan: GAN, seed: int = 0) -> float:
    """Half of the central 68 per cent of the invariant mass, GeV."""
    mass = decay.invariant_mass(_events(gan, seed)[1])
    return np.subtract(*np.quantile(mass, [0.84, 0.16])) / 2


def correlation_error(gan: GAN, seed: int = 0) -> float:
    """The largest error of a correlation of two of the six momenta."""
    true, made = (np.corrcoef(x.T) for x in _events(gan, seed))
    return np.abs(true - made).max()


def classifier_accuracy(gan: GAN, seed: int = 0) -> float:
    """Of a classifier that tells generated from true events; 0.5: cannot."""
    metric = metrics.ClassifierTwoSample()
    scale = decay.MASS / 2
    metric.update_state(*(x / scale for x in _events(gan, seed)))
    return metric.result()["accuracy"]


_DIGITS = {
    "confident": confident,
    "class_kl": class_kl,
    "frechet": frechet,
    "coverage": coverage,
}
SLOW = {frechet, coverage}
MEASURES = {
    "gan_mnist": _DIGITS,
    "gan_mnist_conditional": {**_DIGITS, "as_asked": as_asked},
    **{
        f"gan_{name}": {
            measure: of_modes(make, measure)
            for measure in ("modes", "high_quality", "kl")
        }
        for name, make in (
            ("ring", datasets.gaussian_ring),
            ("grid", datasets.gaussian_grid),
        )
    },
    "gan_events": {
        "mass_peak": mass_peak,
        "mass_half_width": mass_half_width,
        "correlation_error": correlation_error,
        "classifier_accuracy": classifier_accuracy,
    },
}
