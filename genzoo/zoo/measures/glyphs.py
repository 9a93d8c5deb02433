"""Measures of the presets of glyphs, the letters A to J of free fonts."""

import functools

import numpy as np

from genzoo import datasets, metrics
from genzoo.models import GAN, RBM, DeepBoltzmannMachine
from genzoo.partition import LogPartition
from genzoo.types import Array
from genzoo.zoo.measures import mnist
from genzoo.zoo.measures.annealing import log_partition_again

CHAINS, TEMPERATURES = 200, 10_000
SAMPLES, SWEEPS = 500, 200


# The judge ------------------------------------------------------------------


class Judge:
    """A classifier of glyphs by a formula, which needs no file of weights.

    The filters of its one layer are patches of the training images, whitened.
    What they find above a threshold, of either sign, is averaged over 4 x 4
    parts of the image, which makes 1,024 numbers; ridge regression of the
    labels on these, in closed form, classifies.

    Args:
        images: uint8, (n, 32, 32).
        labels: 0 to 9, (n,).

    Attributes:
        axes: the 64 leading principal axes of the features.

    Reference:
        Coates, Lee and Ng, "An analysis of single-layer networks in
        unsupervised feature learning", 2011.

    Example:
    >>> from genzoo.zoo.measures import glyphs
    >>> (images, labels), _ = genzoo.datasets.glyphs.load_data()
    >>> judge = glyphs.Judge(images[::9], labels[::9])
    >>> bool((judge.classify(images[1::9]) == labels[1::9]).mean() > 0.9)
    True
    """

    side, stride, count, parts = 7, 2, 32, 4
    threshold, ridge = 0.5, 3e-3

    def __init__(self, images: Array, labels: Array):
        patches = self._patches(images, np.random.default_rng(0))
        self.mean = patches.mean(0)
        values, vectors = np.linalg.eigh(np.cov((patches - self.mean).T))
        whitening = vectors / np.sqrt(values + 0.05) @ vectors.T
        filters = (patches[: self.count] - self.mean) @ whitening
        filters /= np.linalg.norm(filters, axis=1, keepdims=True)
        self.filters = (whitening @ filters.T).astype(np.float32)
        found = self._found(images)
        self.centre, self.scale = found.mean(0), found.std(0) + 1e-3
        found = (found - self.centre) / self.scale
        products = found.T.astype(float) @ found
        penalty = self.ridge * len(found) * np.eye(len(products))
        targets = found.T @ (np.eye(10)[labels] - 0.1)
        self.weights = np.linalg.solve(products + penalty, targets)
        self.axes = np.linalg.eigh(products)[1][:, :-65:-1]

    def features(self, images: Array) -> Array:
        """The 64 principal components of each image's features."""
        return self._standardised(images) @ self.axes

    def classify(self, images: Array) -> Array:
        """The label of each image, 0 to 9."""
        return (self._standardised(images) @ self.weights).argmax(1)

    def _patches(self, images, rng):
        chosen = rng.integers(len(images), size=(20_000, 1, 1))
        last = images.shape[1] - self.side + 1
        rows, columns = rng.integers(last, size=(2, *chosen.shape))
        grid = np.arange(self.side)
        patches = images[chosen, rows + grid[:, None], columns + grid]
        patches = patches.reshape(len(chosen), -1) / np.float32(255)
        # Others are all paper, or all ink.
        return patches[patches.std(1) > 0.1]

    def _standardised(self, images):
        return (self._found(images) - self.centre) / self.scale

    def _found(self, images):
        some = range(0, len(images), 250)
        return np.concatenate([self._pooled(images[i : i + 250]) for i in some])

    def _pooled(self, images):
        windows = np.lib.stride_tricks.sliding_window_view(
            np.float32(images) / 255, (self.side, self.side), axis=(1, 2)
        )[:, :: self.stride, :: self.stride]
        n, places = windows.shape[:2]
        flat = windows.reshape(-1, self.side**2) - self.mean.astype(np.float32)
        response = flat @ self.filters
        found = np.concatenate([response, -response], axis=1)
        found = np.maximum(found - self.threshold, 0)
        found = found.reshape(n, places, places, -1)
        ends = np.linspace(0, places, self.parts + 1).astype(int)
        parts = [slice(*pair) for pair in zip(ends, ends[1:], strict=False)]
        cells = [found[:, a, b].mean((1, 2)) for a in parts for b in parts]
        return np.concatenate(cells, axis=1)


@functools.cache
def judge() -> Judge:
    """The judge, by the training glyphs."""
    return Judge(*datasets.glyphs.load_data()[0])


def accuracy() -> float:
    """The judge's, of test glyphs."""
    _, (images, labels) = datasets.glyphs.load_data()
    return np.mean(judge().classify(images) == labels)


# Grey letters ---------------------------------------------------------------


def scaled(images: Array) -> Array:
    """Bytes as float32 numbers in [-1, 1], with a channel."""
    return (images[..., None] / 127.5 - 1).astype("float32")


@functools.lru_cache(maxsize=1)
def _drawn(gan, seed):
    """As many of each letter as there are training glyphs, as bytes."""
    (_, labels), _ = datasets.glyphs.load_data()
    images = gan.sample(len(labels), seed=seed, labels=labels)
    return np.rint((images[..., 0] + 1) * 127.5).astype("uint8"), labels


def as_asked(gan: GAN, seed: int = 0) -> float:
    """The share of samples that the judge takes for the letter asked for."""
    images, labels = _drawn(gan, seed)
    return np.mean(judge().classify(images) == labels)


def _compared(gan, seed, metric):
    _, (real, _) = datasets.glyphs.load_data()
    generated, _ = _drawn(gan, seed)
    metric.update_state(*map(judge().features, (real, generated)))
    return metric.result()


def frechet(gan: GAN, seed: int = 0) -> float:
    """Frechet distance to the test glyphs, of 64 features."""
    return _compared(gan, seed, metrics.FrechetDistance())


def coverage(gan: GAN, seed: int = 0) -> float:
    """The share of test glyphs with a sample near, of 64 features."""
    return _compared(gan, seed, metrics.DensityCoverage())["coverage"]


def nearest(images: Array, others: Array) -> Array:
    """The rms difference of each image to the most similar other one."""
    a, b = (x.reshape(len(x), -1) / np.float32(255) for x in (images, others))
    squares = (b**2).sum(1) - 2 * a @ b.T
    found = squares.min(1) + (a**2).sum(1)
    return np.sqrt(np.maximum(found, 0) / a.shape[1])


def novelty(gan: GAN, seed: int = 0) -> float:
    """How far a sample is from the training glyphs, in test glyphs' units.

    The median of `nearest` over samples, divided by that over test glyphs;
    0 for a model that has the training glyphs by heart.
    """
    (known, _), (test, _) = datasets.glyphs.load_data()
    made, real = (nearest(x, known) for x in (_drawn(gan, seed)[0], test))
    return np.median(made) / np.median(real)


# Black and white letters ----------------------------------------------------


def binary_glyphs(part: int) -> Array:
    """Training (0) or test (1) glyphs, pixels above 127, (n, 1024)."""
    images, _ = datasets.glyphs.load_data()[part]
    return (images.reshape(len(images), -1) > 127).astype("uint8")


@functools.lru_cache(maxsize=1)
def _annealed(rbm):
    return rbm.log_partition("ais", chains=CHAINS, temperatures=TEMPERATURES)


def log_likelihood_ais(rbm: RBM) -> float:
    """Mean of the test glyphs, nats; log Z by annealing forwards."""
    return -np.mean(rbm.energy(binary_glyphs(1))) - _annealed(rbm).value


def log_likelihood_conservative(rbm: RBM) -> float:
    """The same with the larger log Z of both directions."""
    found = _annealed(rbm)
    largest = max(found.value, found.upper)
    return -np.mean(rbm.energy(binary_glyphs(1))) - largest


@functools.lru_cache(maxsize=1)
def _letters(model, seed):
    x = model.sample(SAMPLES, seed=seed, steps=SWEEPS)
    images = (255 * x.reshape(-1, 32, 32)).astype("uint8")
    return np.bincount(judge().classify(images), minlength=10) / SAMPLES


def rarest_letter(model: RBM | DeepBoltzmannMachine, seed: int = 0) -> float:
    """The share of samples in the letter that has the fewest."""
    return _letters(model, seed).min()


def bound_train(model: DeepBoltzmannMachine) -> float:
    """A bound of log p by mean field, of training glyphs, nats."""
    return model.bound(binary_glyphs(0)).mean()


def bound_test(model: DeepBoltzmannMachine) -> float:
    """A bound of log p by mean field, of test glyphs, nats."""
    return model.bound(binary_glyphs(1)).mean()


def annealed_log_partition(model: DeepBoltzmannMachine) -> LogPartition:
    """log Z by 100 chains of 2,000 temperatures, both ways."""
    return log_partition_again(model, chains=100, temperatures=2000)


def _log_partition(model):
    return annealed_log_partition(model).value


SLOW = {
    frechet,
    coverage,
    log_likelihood_ais,
    log_likelihood_conservative,
    _log_partition,
}
MEASURES = {
    "dbm_glyphs": {
        "bound_train": bound_train,
        "bound_test": bound_test,
        "log_partition_annealed": _log_partition,
        "rarest_letter": rarest_letter,
    },
    "gan_glyphs": {
        "as_asked": as_asked,
        "frechet": frechet,
        "coverage": coverage,
        "novelty": novelty,
    },
    "rbm_glyphs": {
        "log_likelihood_ais": log_likelihood_ais,
        "log_likelihood_conservative": log_likelihood_conservative,
        "log_partition": mnist.log_partition,
        "rarest_letter": rarest_letter,
    },
}
