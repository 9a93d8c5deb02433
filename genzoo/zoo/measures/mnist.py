"""Measures of the RBM of binary MNIST digits."""

import functools
from collections.abc import Callable

import numpy as np

from genzoo.models import RBM
from genzoo.types import Array
from genzoo.zoo.measures import digits, gans

SAMPLES, SWEEPS = 500, 200
Digits = Callable[[], Array]


@functools.cache
def binary_test_digits() -> Array:
    """MNIST's test images, pixels above 127, (10000, 784)."""
    images, _ = digits.mnist_test_digits()
    return (images.reshape(len(images), -1) > 0).astype("uint8")


@functools.cache
def drawn_test_digits() -> Array:
    """MNIST's test images, each pixel 1 with its grey as probability."""
    images, _ = digits.mnist_test_digits()
    grey = (images.reshape(len(images), -1) + 1) / 2
    return np.random.default_rng(0).random(grey.shape) < grey


@functools.lru_cache(maxsize=1)
def _annealed(rbm):
    """log Z by 1,000 chains of 10,000 temperatures, both ways."""
    return rbm.log_partition("ais", chains=1000, temperatures=10_000)


@functools.lru_cache(maxsize=1)
def _unnormalised(rbm, test_digits):
    return -np.mean(rbm.energy(test_digits()))


def log_likelihood_ais(
    rbm: RBM, test_digits: Digits = binary_test_digits
) -> float:
    """Mean of the test images, nats; log Z by annealing forwards."""
    return _unnormalised(rbm, test_digits) - _annealed(rbm).value


def log_likelihood_conservative(
    rbm: RBM, test_digits: Digits = binary_test_digits
) -> float:
    """The same with the larger log Z of both directions."""
    found = _annealed(rbm)
    largest = max(found.value, found.upper)
    return _unnormalised(rbm, test_digits) - largest


def log_likelihood_ais_drawn(rbm: RBM) -> float:
    """`log_likelihood_ais` of `drawn_test_digits`."""
    return log_likelihood_ais(rbm, drawn_test_digits)


def log_likelihood_conservative_drawn(rbm: RBM) -> float:
    """`log_likelihood_conservative` of `drawn_test_digits`."""
    return log_likelihood_conservative(rbm, drawn_test_digits)


def log_partition(rbm: RBM) -> float:
    """log Z, nats, by 100 chains of 1,000 temperatures."""
    kept = rbm.known_log_partition.numpy()
    found = rbm.log_partition(
        "ais", chains=100, temperatures=1000, reverse=False
    )
    # The better one, which the preset came with.
    rbm.known_log_partition.assign(kept)
    return found.value


@functools.lru_cache(maxsize=1)
def _logits(rbm, seed=0):
    x = rbm.sample(SAMPLES, seed=seed, steps=SWEEPS)
    return gans.logits(2.0 * x.reshape(-1, 28, 28, 1) - 1)


def confident(rbm: RBM, seed: int = 0) -> float:
    """The share of samples of a class with a probability of 0.9 or more."""
    return gans.share_confident(_logits(rbm, seed))


def rarest_class(rbm: RBM, seed: int = 0) -> float:
    """The share of samples in the class that has the fewest."""
    found = _logits(rbm, seed).argmax(1)
    return np.bincount(found, minlength=10).min() / SAMPLES


_DRAWN = {
    "log_likelihood_ais": log_likelihood_ais_drawn,
    "log_likelihood_conservative": log_likelihood_conservative_drawn,
}
SLOW = {
    log_likelihood_ais,
    log_likelihood_conservative,
    *_DRAWN.values(),
}
_QUICK = {
    "log_partition": log_partition,
    "confident": confident,
    "rarest_class": rarest_class,
}
MEASURES = {
    "rbm_mnist_500": {
        "log_likelihood_ais": log_likelihood_ais,
        "log_likelihood_conservative": log_likelihood_conservative,
        **_QUICK,
    },
    "rbm_mnist_500_stochastic": {**_DRAWN, **_QUICK},
}
