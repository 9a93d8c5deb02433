"""Measures of the adversarial preset of a table.

Each is of 2,000 rows of seed 0, by default; other seeds show its error.
"""

import functools
from collections.abc import Mapping

import numpy as np

from genzoo import datasets, metrics
from genzoo.models import GAN
from genzoo.types import Array

COUNT = 2000
NUMBERS = (
    "bill_length_mm",
    "bill_depth_mm",
    "flipper_length_mm",
    "body_mass_g",
)


@functools.cache
def table() -> datasets.Table:
    """The table whose vectors the preset draws; its card has it, too."""
    train, _ = datasets.penguins.load_data()
    return datasets.Table(train, categorical=["year"])


@functools.lru_cache(maxsize=1)
def _drawn(gan, seed):
    return known(table().sample(gan, COUNT, seed=seed))


def known(rows: Mapping) -> tuple[Array, Array]:
    """(the four numbers, the species) of the rows that have both."""
    numbers = np.stack([np.asarray(rows[n], float) for n in NUMBERS], axis=1)
    is_known = np.isfinite(numbers).all(axis=1)
    return numbers[is_known], np.asarray(rows["species"])[is_known]


def of_species(learned: tuple[Array, Array], part: int) -> float:
    """The share of penguins whose species follows from the four numbers.

    By linear discriminants, of one covariance for all species.

    Args:
        learned: numbers and species that the rule is learned from.
        part: 0 for training, 1 for test penguins.
    """
    x, species = learned
    names, kind = np.unique(species, return_inverse=True)
    means = np.stack([x[kind == k].mean(axis=0) for k in range(len(names))])
    inverse = np.linalg.inv(np.cov((x - means[kind]).T))
    level = np.log(np.bincount(kind) / len(kind))
    level -= 0.5 * np.einsum("ki,ij,kj->k", means, inverse, means)
    asked, true = known(datasets.penguins.load_data()[part])
    found = names[(asked @ inverse @ means.T + level).argmax(axis=1)]
    return float(np.mean(found == true))


def species_accuracy(gan: GAN, seed: int = 0) -> float:
    """Of test penguins, by a rule that was learned from samples."""
    return of_species(_drawn(gan, seed), 1)


def largest_shift(gan: GAN, seed: int = 0) -> float:
    """The largest shift of a number's mean in a species, in its deviations."""
    x, species = _drawn(gan, seed)
    true, kinds = known(datasets.penguins.load_data()[0])
    shifts = [
        (x[species == k].mean(axis=0) - true[kinds == k].mean(axis=0))
        / true[kinds == k].std(axis=0)
        for k in np.unique(kinds)
    ]
    return float(np.abs(shifts).max())


def smallest_spread(gan: GAN, seed: int = 0) -> float:
    """The smallest ratio of standard deviations, of samples over penguins.

    In any direction of the four numbers, within a species.
    """
    x, species = _drawn(gan, seed)
    true, kinds = known(datasets.penguins.load_data()[0])
    found = []
    for kind in np.unique(kinds):
        axes = np.linalg.cholesky(np.linalg.inv(np.cov(true[kinds == kind].T)))
        ratios = np.linalg.eigvalsh(np.cov((x[species == kind] @ axes).T))
        found.append(np.sqrt(ratios.min()))
    return float(min(found))


def classifier_accuracy(gan: GAN, seed: int = 0) -> float:
    """Of a classifier that tells samples from penguins; 0.5: it cannot."""
    true = np.concatenate(
        [table().encode(part) for part in datasets.penguins.load_data()]
    )
    metric = metrics.ClassifierTwoSample()
    # As rows: a vector of the model has no ones and zeros for categories.
    rows = table().sample(gan, len(true), seed=seed)
    metric.update_state(true, table().encode(rows))
    return float(metric.result()["accuracy"])


SLOW: set = set()
MEASURES = {
    "gan_penguins": {
        "species_accuracy": species_accuracy,
        "largest_shift": largest_shift,
        "smallest_spread": smallest_spread,
        "classifier_accuracy": classifier_accuracy,
    }
}
