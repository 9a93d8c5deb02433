"""Can a classifier tell data from samples?"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from genzoo.checks import list_of, number, positive_int
from genzoo.metrics.numerics.discriminator import fit_discriminator
from genzoo.metrics.two_sample.kept_samples_metric import KeptSamplesMetric
from genzoo.metrics.two_sample.two_sample_metric import Features
from genzoo.types import SeedLike


@keras.saving.register_keras_serializable("genzoo")
class ClassifierTwoSample(KeptSamplesMetric):
    """Accuracy of a classifier of data against samples, and its p-value.

    A small network is trained on one part of both samples and tested on the
    rest. `result` is a dict:

    - `accuracy`: the mean of its accuracies on data and on samples, 0.5 if it
      cannot tell them apart, which is where a GAN's discriminator should
      end, to 1.
    - `stderr`: its standard error.
    - `p_value`: the probability of so many data among the rows called data,
      or more, if both distributions are equal, by Fisher's exact test with
      half the weight of equal counts ("mid-p"), from 0 to 1.

    State: as `KeptSamplesMetric`; `result` needs three times as much, and
    seconds for 10,000 rows.

    Args:
        features: as in `TwoSampleMetric`.
        test_share: the part of the rows that is tested on.
        hidden: units of the hidden layers.
        epochs: passes over the training rows, at most; it stops by a held-out
            fifth of them.
        capacity: rows kept of each sample.
        seed: decides the network's start, the parts, and which rows are kept.
        name: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: as `KeptSamplesMetric` does; for a share not between 0 and
            1; by `result`, for less than ten rows.

    Reference:
        Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR
        2017; Lancaster, "Significance tests in discrete distributions", JASA
        56, 1961 (mid-p).

    Example:
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 500, 3))
    >>> metric = genzoo.metrics.ClassifierTwoSample(epochs=5)
    >>> metric.update_state(x, y + 5.0)
    >>> metric.result()["accuracy"] > 0.9
    True
    """

    fields = "accuracy", "stderr", "p_value"

    def __init__(
        self,
        features: Features = None,
        test_share: float = 0.5,
        hidden: Sequence[int] = (64, 64),
        epochs: int = 100,
        capacity: int = 10_000,
        seed: SeedLike = 0,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__(features, capacity, seed, name=name, dtype=dtype)
        owner = "ClassifierTwoSample"
        between = number(0, 1, "a number between 0 and 1", open_ends=True)
        self.test_share = between(test_share, f"{owner}: test_share")
        self.hidden = tuple(
            list_of(positive_int, least=0)(hidden, f"{owner}: hidden")
        )
        self.epochs = positive_int(epochs, f"{owner}: epochs")

    def evaluate(self) -> dict[str, float]:
        """The dict of accuracy, stderr and p_value."""
        samples = self.samples(least=10)
        generator = self.generator()
        train, test = [], []
        for rows in samples:
            order = generator.permutation(len(rows))
            size = min(
                max(2, round(self.test_share * len(rows))), len(rows) - 2
            )
            test.append(rows[order[:size]])
            train.append(rows[order[size:]])
        x, y = train
        log_ratio = fit_discriminator(
            x, y, generator, hidden=self.hidden, epochs=self.epochs
        )
        called = [int(np.count_nonzero(log_ratio(x) > 0)) for x in test]
        sizes = [len(x) for x in test]
        right = called[0] / sizes[0], 1 - called[1] / sizes[1]
        variance = sum(
            share * (1 - share) / size
            for share, size in zip(right, sizes, strict=True)
        )
        return {
            "accuracy": sum(right) / 2,
            "stderr": math.sqrt(variance) / 2,
            "p_value": fisher_mid_p(called, sizes),
        }

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "test_share": self.test_share,
            "hidden": list(self.hidden),
            "epochs": self.epochs,
        }


def fisher_mid_p(called: Sequence[int], sizes: Sequence[int]) -> float:
    """One-sided mid-p value that the first group is called more often.

    Args:
        called: (a, b), how many of each group were called.
        sizes: (n, m), of the groups.
    """
    total = sum(called)
    low, high = max(0, total - sizes[1]), min(sizes[0], total)
    counts = np.arange(low, high + 1)
    log_weights = np.array(
        [
            _log_choose(sizes[0], int(count))
            + _log_choose(sizes[1], total - int(count))
            for count in counts
        ]
    )
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    above = weights[counts > called[0]].sum()
    return float(min(above + weights[counts == called[0]].sum() / 2, 1.0))


def _log_choose(n, k):
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
