"""Precision and recall of generated samples."""

import keras

from genzoo.metrics.two_sample.kept_samples_metric import KeptSamplesMetric
from genzoo.metrics.two_sample.manifold_overlap import manifold_overlap


@keras.saving.register_keras_serializable("genzoo")
class PrecisionRecall(KeptSamplesMetric):
    """Are samples like data (precision), and are all data reached (recall)?

    `result` is a dict: `precision`, the share of generated samples in the
    union of balls around the data that reach to their k-th neighbours, and
    `recall`, the other way round; see `manifold_overlap`. From 0 to 1, and
    for samples of the data's own distribution below 1, the more the higher
    the dimension: compare with "train against test".

    State: as `KeptSamplesMetric`. `result` needs 40 MB more.

    Args:
        features: as in `TwoSampleMetric`.
        neighbours: k; the authors take 3, `prdc` 5.
        capacity: rows kept of each sample.
        seed: decides which are kept, of more.
        name: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: as `KeptSamplesMetric` does; by `result`, for k rows or
            less.

    Reference:
        Kynkäänniemi et al., "Improved precision and recall metric for
        assessing generative models", NeurIPS 2019.

    Example:
    >>> metric = genzoo.metrics.PrecisionRecall(neighbours=5)
    >>> metric.update_state(x_test, model.sample(len(x_test)))
    >>> metric.result()                # {"precision": 0.8, "recall": 0.7}
    """

    def __init__(
        self,
        features=None,
        neighbours=3,
        capacity=10_000,
        seed=0,
        name=None,
        dtype=None,
    ):
        super().__init__(features, capacity, seed, name=name, dtype=dtype)
        self.neighbours = neighbours

    def evaluate(self):
        """The dict of precision and recall."""
        samples = self.samples(least=self.neighbours + 1)
        overlap = manifold_overlap(*samples, self.neighbours)
        return {"precision": overlap.precision, "recall": overlap.recall}

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "neighbours": self.neighbours}
