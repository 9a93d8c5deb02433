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
        ValueError: for what is not a `keras.metrics.Metric` or its name.
    """

    def __init__(self, metrics: Any = None):
        if metrics is None:
            metrics = []
        elif not isinstance(metrics, (list, tuple)):
            metrics = [metrics]
        self.metrics = [_as_metric(metric) for metric in metrics]
        self.is_evaluating = False

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
                for name, value in result.items():
                    values[f"{metric.name}_{name}"] = value
            else:
                values[metric.name] = result
        return values

    def serialize(self) -> list[dict[str, Any]]:
        """Their configurations."""
        serialize = keras.saving.serialize_keras_object
        return [serialize(metric) for metric in self.metrics]


def _as_metric(identifier):
    metric = identifier
    if not isinstance(identifier, keras.metrics.Metric):
        metric = keras.metrics.get(identifier)
    if not isinstance(metric, keras.metrics.Metric):
        raise ValueError(
            "compile: metrics must be keras.metrics.Metric objects, whose "
            f"update_state gets (data, samples); received {identifier!r}."
        )
    return metric
