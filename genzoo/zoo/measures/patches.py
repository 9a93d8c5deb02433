"""Measures of the preset of patches of handwritten digits."""

import functools

import numpy as np

from genzoo import datasets
from genzoo.models import RBM
from genzoo.partition import LogPartition
from genzoo.types import Array
from genzoo.zoo.measures.annealing import log_partition_again

SIDE = 6
WIDTH = SIDE**2
# A patch is (ink - 7) / 6: ink is from 0 to 17, with mean 7 and deviation 6.
MEAN, SCALE = 7.0, 6.0


@functools.cache
def patches(part: int) -> Array:
    """The 6x6 patches of 8x8 digits, (images, 9, 36), part 0 or 1.

    The grey levels 0 to 16 are dequantised: ink is the level and a uniform
    number below 1. The mean log-density of the ink is then a lower bound on
    the mean log-probability of the levels (Theis, van den Oord and Bethge,
    "A note on the evaluation of generative models", ICLR 2016).
    """
    images, _ = datasets.digits.load_data()[part]
    ink = images + np.random.default_rng(part).random(images.shape)
    windows = np.lib.stride_tricks.sliding_window_view(
        ink, (SIDE, SIDE), axis=(1, 2)
    )
    windows = windows.reshape(len(ink), -1, WIDTH)
    return ((windows - MEAN) / SCALE).astype(np.float32)


def gaussian_log_prob(x: Array, mean: Array, covariance: Array) -> Array:
    """log p(ink) of a normal distribution of x, (images, 9), in nats."""
    root = np.linalg.cholesky(covariance)
    white = np.linalg.solve(root, (x - mean).reshape(-1, WIDTH).T)
    log_z = np.log(np.diag(root)).sum() + 0.5 * WIDTH * np.log(2 * np.pi)
    log_prob = -0.5 * (white**2).sum(axis=0) - log_z - WIDTH * np.log(SCALE)
    return log_prob.reshape(x.shape[:2])


def principal(covariance: Array, components: int) -> Array:
    """The covariance of probabilistic PCA (Tipping and Bishop 1999)."""
    values, vectors = np.linalg.eigh(covariance)
    rest = WIDTH - components
    values[:rest] = values[:rest].mean()
    return (vectors * values) @ vectors.T


def gaussian_of_patches(components: int | None = None) -> tuple[Array, Array]:
    """(mean, covariance) of the training patches.

    Args:
        components: of PCA; None for independent pixels, 36 for all.
    """
    x = patches(0).reshape(-1, WIDTH).astype(np.float64)
    covariance = np.cov(x.T)
    if components is None:
        covariance = np.diag(np.diag(covariance))
    elif components < WIDTH:
        covariance = principal(covariance, components)
    return x.mean(axis=0), covariance


def rbm_log_prob(rbm: RBM, part: int = 1) -> Array:
    """log p(ink) of all patches, (images, 9), by the log Z it knows."""
    x = patches(part)
    log_prob = rbm.log_prob(x.reshape(-1, WIDTH)) - WIDTH * np.log(SCALE)
    return log_prob.reshape(x.shape[:2])


def annealed_log_partition(rbm: RBM) -> LogPartition:
    """log Z by annealing both ways, a `LogPartition`."""
    return log_partition_again(rbm, chains=100, temperatures=3000)


def _log_z(rbm):
    return annealed_log_partition(rbm).value


SLOW = {_log_z}
MEASURES = {
    "gaussian_rbm_patches": {
        "log_likelihood_test": lambda rbm: rbm_log_prob(rbm).mean(),
        "log_likelihood_train": lambda rbm: rbm_log_prob(rbm, 0).mean(),
        "log_partition": _log_z,
    },
}
