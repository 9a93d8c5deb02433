"""A divergence of the distributions of an observable, as a metric."""

from typing import Any

import keras
import numpy as np

from genzoo import checks
from genzoo.metrics.divergences.binned import Bins, binned_divergence
from genzoo.metrics.numerics.histogram_formulas import FORMULAS
from genzoo.metrics.two_sample.kept_samples_metric import KeptSamplesMetric
from genzoo.metrics.two_sample.two_sample_metric import Features
from genzoo.types import SeedLike


@keras.saving.register_keras_serializable("genzoo")
class BinnedDivergence(KeptSamplesMetric):
    """A divergence of the histograms of one to three observables, in nats.

    `result` is a dict of `value`, corrected for its bias, and `stderr`, by
    bootstrap; see `genzoo.metrics.binned_divergence`. Corrected, it scatters
    about zero for equal distributions. The data are the second distribution:
    "kl" is KL(data || samples), "reverse_kl" KL(samples || data).

    State: as `KeptSamplesMetric`, of the observables alone.

    Args:
        observable: a function or Keras model from a batch of samples to
            (batch,) or (batch, d) numbers, d up to 3, such as energy or
            magnetisation; the samples themselves by default.
        divergence: "jensen_shannon", "kl", "reverse_kl" or
            "total_variation".
        bins: "auto", numbers, or lists of edges.
        capacity: rows kept of each sample.
        seed: decides the bootstrap, and which rows are kept, of more.
        name: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: as `KeptSamplesMetric` and `binned_divergence` do.

    Reference:
        See `genzoo.metrics.binned_divergence`.

    Example:
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 500, 3))
    >>> metric = genzoo.metrics.BinnedDivergence(lambda x: x[:, 0])
    >>> metric.update_state(x, y)
    >>> found = metric.result()
    >>> abs(found["value"]) < 4 * found["stderr"]
    True
    """

    fields = "value", "stderr"

    def __init__(
        self,
        observable: Features = None,
        divergence: str = "jensen_shannon",
        bins: Bins = "auto",
        capacity: int = 10_000,
        seed: SeedLike = 0,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__(observable, capacity, seed, name=name, dtype=dtype)
        self.divergence = checks.one_of(*FORMULAS)(
            divergence, "BinnedDivergence: divergence"
        )
        if isinstance(bins, str):
            checks.one_of("auto")(bins, "BinnedDivergence: bins")
        elif not hasattr(bins, "__len__"):
            checks.positive_int(bins, "BinnedDivergence: bins")
        self.bins = bins

    def evaluate(self) -> dict[str, float]:
        """The dict of value and stderr."""
        real, generated = self.samples()
        estimate = binned_divergence(
            real, generated, self.divergence, self.bins, seed=self.generator()
        )
        return {"value": estimate.value, "stderr": estimate.stderr}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config()
        config["observable"] = config.pop("features")
        bins: Any = self.bins
        if isinstance(bins, (list, tuple, np.ndarray)):
            bins = [np.asarray(part).tolist() for part in bins]
        return {**config, "divergence": self.divergence, "bins": bins}
