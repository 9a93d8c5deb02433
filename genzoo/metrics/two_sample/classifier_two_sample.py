"""Can a classifier tell data from samples?"""

import math

import keras
import numpy as np

from genzoo.metrics.numerics.discriminator import fit_discriminator
from genzoo.metrics.two_sample.kept_samples_metric import KeptSamplesMetric


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
    >>> metric = genzoo.metrics.ClassifierTwoSample()
    >>> metric.update_state(x_test, model.sample(len(x_test)))
    >>> metric.result()     # {"accuracy": 0.6, "stderr": 0.01, "p_value": 0}
    """

    def __init__(
        self,
        features=None,
        test_share=0.5,
        hidden=(64, 64),
        epochs=100,
        capacity=10_000,
        seed=0,
        name=None,
        dtype=None,
    ):
        super().__init__(features, capacity, seed, name=name, dtype=dtype)
        if not 0 < test_share < 1:
            raise ValueError(
                "ClassifierTwoSample: test_share must be between 0 and 1; "
                f"received {test_share!r}."
            )
        self.test_share = test_share
        self.hidden = tuple(hidden)
        self.epochs = epochs

    def evaluate(self):
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
        log_ratio = fit_discriminator(
            *train, generator, hidden=self.hidden, epochs=self.epochs
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

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "test_share": self.test_share,
            "hidden": list(self.hidden),
            "epochs": self.epochs,
        }


def fisher_mid_p(called, sizes):
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
