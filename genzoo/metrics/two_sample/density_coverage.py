"""Density and coverage of generated samples."""

import keras

from genzoo.metrics.two_sample.kept_samples_metric import KeptSamplesMetric
from genzoo.metrics.two_sample.manifold_overlap import manifold_overlap


@keras.saving.register_keras_serializable("genzoo")
class DensityCoverage(KeptSamplesMetric):
    """How densely samples lie where the data are, and how much they cover.

    `result` is a dict: `density`, the mean number of balls around the data
    that hold a generated sample, divided by k, from 0 without upper bound, 1
    for samples of the data's distribution; `coverage`, the share of these
    balls that hold a sample, from 0 to 1, 1 - 2^-k for equal numbers of
    samples of the data's distribution. See `manifold_overlap`.

    State: as `KeptSamplesMetric`. `result` needs 40 MB more.

    Args:
        features: as in `TwoSampleMetric`.
        neighbours: k.
        capacity: rows kept of each sample.
        seed: decides which are kept, of more.
        name: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: as `KeptSamplesMetric` does; by `result`, for k rows or
            less.

    Reference:
        Naeem et al., "Reliable fidelity and diversity metrics for generative
        models", ICML 2020.

    Example:
    >>> metric = genzoo.metrics.DensityCoverage()
    >>> metric.update_state(x_test, model.sample(len(x_test)))
    >>> metric.result()                # {"density": 0.9, "coverage": 0.8}
    """

    def __init__(
        self,
        features=None,
        neighbours=5,
        capacity=10_000,
        seed=0,
        name=None,
        dtype=None,
    ):
        super().__init__(features, capacity, seed, name=name, dtype=dtype)
        self.neighbours = neighbours

    def evaluate(self):
        """The dict of density and coverage."""
        samples = self.samples(least=self.neighbours + 1)
        overlap = manifold_overlap(*samples, self.neighbours, recall=False)
        return {"density": overlap.density, "coverage": overlap.coverage}

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "neighbours": self.neighbours}
