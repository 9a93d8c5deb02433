"""Metrics that compare data with samples of the model."""

from collections.abc import Mapping
from typing import Any, Protocol

import keras
import tensorflow as tf


class CanName(Protocol):
    """What knows the parts of examples of several arrays."""

    spaces: dict[str, Any]

    def named(self, rows: Any) -> dict[str, Any]:
        """The parts of rows, by name."""


class SampleMetrics:
    """Metrics whose `update_state` gets (data, samples), in `evaluate` alone.

    Kept out of sight of Keras's own, which would be asked for their results
    during training, when they have none. Results are found once, eagerly,
    after the last batch: some compare all pairs.

    Args:
        metrics: a metric, a list of them, or None; of examples of several
            arrays also a dict of such by the name of a part, whose metrics
            see that part, and have its name before theirs.
        parts: of the examples, if they are several arrays.

    Raises:
        ValueError: for what is not a `keras.metrics.Metric` of two samples,
            two of one name, or parts that examples do not have.
    """

    def __init__(self, metrics: Any = None, parts: CanName | None = None):
        given = metrics if isinstance(metrics, Mapping) else {"": metrics}
        known = [] if parts is None else list(parts.spaces)
        for key in given:
            if isinstance(metrics, Mapping) and key not in known:
                raise ValueError(
                    f"compile: metrics has the key {key!r}; examples have "
                    f"{f'the parts {known}' if known else 'no parts'}. Pass "
                    "a list of metrics, or a dict of lists by part."
                )
        self._parts, self._is_dict = parts, isinstance(metrics, Mapping)
        found = [
            (part, _as_metric(metric))
            for part, some in given.items()
            for metric in _as_list(some)
        ]
        # The part that each sees, or none.
        self._seen = [part for part, _ in found]
        self.metrics = [metric for _, metric in found]
        names = self._names = [
            f"{part}_{metric.name}" if part else metric.name
            for part, metric in found
        ]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"compile: two metrics are called {name!r}, one name for "
                    "two numbers. Pass name= to one of them."
                )
        self.is_evaluating = False
        # Of a metric whose result is a dict.
        self._fields = {
            name: tuple(getattr(metric, "fields", ()))
            for name, metric in zip(names, self.metrics, strict=True)
        }

    def update(self, x: tf.Tensor, samples: tf.Tensor) -> None:
        """Take a batch of each into account."""
        both: dict[str, tuple] = {"": (x, samples)}
        if self._is_dict and self._parts is not None:
            own, other = self._parts.named(x), self._parts.named(samples)
            both = {name: (own[name], other[name]) for name in own}
        for part, metric in zip(self._seen, self.metrics, strict=True):
            metric.update_state(*both[part])

    def results(self) -> dict[str, Any]:
        """The values by name; those of a metric of several, by theirs."""
        values = {}
        for title, metric in zip(self._names, self.metrics, strict=True):
            result = metric.result()
            if isinstance(result, dict):
                self._fields[title] = tuple(result)
                for name, value in result.items():
                    values[f"{title}_{name}"] = value
            else:
                values[title] = result
        return values

    def names(self) -> list[str]:
        """Those of `results`, as far as they are known before them."""
        return [
            f"{name}_{field}" if field else name
            for name, fields in self._fields.items()
            for field in fields or ("",)
        ]

    def serialize(self) -> Any:
        """Their configurations, as they were given."""
        serialize = keras.saving.serialize_keras_object
        found: dict[str, list] = {part: [] for part in self._seen}
        for part, metric in zip(self._seen, self.metrics, strict=True):
            found[part].append(serialize(metric))
        return found if self._is_dict else found.get("", [])


def _as_list(metrics):
    if metrics is None:
        return []
    return metrics if isinstance(metrics, (list, tuple)) else [metrics]


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
