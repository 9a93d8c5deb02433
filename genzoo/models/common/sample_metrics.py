"""Metrics that compare data with samples of the model."""

from typing import Any

import keras
import tensorflow as tf


class SampleMetrics:
    """Metrics whose `update_state` gets (data, samples), in `evaluate` alone.

    Kept out of sight of Keras's own, which would be asked for their results
    during training, when they have none. Results are found once, eagerly,
    after the last batch: some compare all pairs.

    Args:
        metrics: a metric, a list of them, or None.

    Raises:
        ValueError: for what is not a `keras.metrics.Metric` of two samples,
            or two of one name.
    """

    def __init__(self, metrics: Any = None):
        if metrics is None:
            metrics = []
        elif not isinstance(metrics, (list, tuple)):
            metrics = [metrics]
        self.metrics = [_as_metric(metric) for metric in metrics]
        names = [metric.name for metric in self.metrics]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"compile: two metrics are called {name!r}, one name for "
                    "two numbers. Pass name= to one of them."
                )
        self.is_evaluating = False
        # Of a metric whose result is a dict.
        self._fields = {
            metric.name: tuple(getattr(metric, "fields", ()))
            for metric in self.metrics
        }

    def update(self, x: tf.Tensor, samples: tf.Tensor) -> None:
        """Take a batch of each into account."""
        for metric in self.metrics:
            metric.update_state(x, samples)

    def results(self) -> dict[str, Any]:
        """The values by name; those of a metric of several, by theirs."""
        values = {}
        for metric in self.metrics:
            result = metric.result()
            if isinstance(result, dict):
                self._fields[metric.name] = tuple(result)
                for name, value in result.items():
                    values[f"{metric.name}_{name}"] = value
            else:
                values[metric.name] = result
        return values

    def names(self) -> list[str]:
        """Those of `results`, as far as they are known before them."""
        return [
            f"{name}_{field}" if field else name
            for name, fields in self._fields.items()
            for field in fields or ("",)
        ]

    def serialize(self) -> list[dict[str, Any]]:
        """Their configurations."""
        serialize = keras.saving.serialize_keras_object
        return [serialize(metric) for metric in self.metrics]


def _as_metric(identifier):
    metric = identifier
    if isinstance(identifier, type):
        metric = identifier()
    if isinstance(metric, str) or _pairs_rows(metric):
        raise ValueError(
            f"compile: metrics: {identifier!r} holds each row of the data "
            "against one row of the samples, which has nothing to do with "
            "it. Take a metric of two samples, such as "
            "genzoo.metrics.FrechetDistance(), or a keras.metrics.Metric of "
            "your own whose update_state gets (data, samples)."
        )
    if not isinstance(metric, keras.metrics.Metric):
        raise ValueError(
            "compile: metrics must be keras.metrics.Metric objects, whose "
            f"update_state gets (data, samples); received {identifier!r}."
        )
    return metric


def _pairs_rows(metric):
    """Whether it takes batches in by Keras's code, of (y_true, y_pred)."""
    for kind in type(metric).__mro__:
        if "update_state" in vars(kind):
            return kind.__module__.partition(".")[0] == "keras"
    return False
