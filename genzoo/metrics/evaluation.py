"""One table for all models: rows are models, columns are measures."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from genzoo.checks import refuse, whole
from genzoo.metrics.numerics.estimate import CanSample, Estimate
from genzoo.types import ArrayLike

DATA, INDEPENDENT = "train against test", "independent pixels"


class GenerativeTable:
    """The table of `evaluate_generative`.

    Attributes:
        rows: dict from a model's name to a dict from a measure's name to an
            `Estimate(value, stderr)`.
        samples: dict from a model's name to the first samples drawn of it.

    Example:
    >>> rows = {"rbm": {"distance": genzoo.metrics.Estimate(1.0, 0.1)}}
    >>> table = genzoo.metrics.GenerativeTable(rows, samples={})
    >>> print(table)
          distance
    rbm  1.00 ± 0.10
    """

    def __init__(
        self,
        rows: dict[str, dict[str, Estimate]],
        samples: dict[str, np.ndarray],
    ):
        self.rows = rows
        self.samples = samples

    @property
    def columns(self) -> list[str]:
        """The names of the measures."""
        return list(next(iter(self.rows.values())))

    def __str__(self) -> str:
        """The table as text."""
        lines = [["", *self.columns]]
        for name, row in self.rows.items():
            lines.append([name, *(_told(value) for value in row.values())])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if number == 0 else cell.rjust(width)
                for number, (cell, width) in enumerate(
                    zip(line, widths, strict=True)
                )
            ).rstrip()
            for line in lines
        )

    def to_json(self, path: str | Path | None = None) -> str:
        """The numbers as json text, also written to `path` if given."""
        rows = {
            name: {
                key: {"value": value.value, "stderr": value.stderr}
                for key, value in row.items()
            }
            for name, row in self.rows.items()
        }
        text = json.dumps(rows, indent=2)
        if path is not None:
            Path(path).write_text(text + "\n")
        return text

    def draw(self, path: str | Path) -> None:
        """A picture: one panel a measure, one bar with its error a model.

        Raises:
            ImportError: without matplotlib, the extra `plot`.
        """
        from matplotlib.figure import Figure

        count = len(self.columns)
        columns = min(count, 4)
        lines = math.ceil(count / columns)
        names = list(self.rows)
        figure = Figure(
            (3.2 * columns + 1.5, (0.35 * len(names) + 0.8) * lines),
            layout="constrained",
        )
        axes = figure.subplots(lines, columns, squeeze=False, sharey=True)
        places = range(len(names))
        for axis, column in zip(axes.flat, self.columns, strict=False):
            found = [self.rows[name][column] for name in names]
            grey = DATA, INDEPENDENT
            colours = ["0.6" if n in grey else "C0" for n in names]
            axis.barh(
                places,
                [value.value for value in found],
                xerr=[value.stderr for value in found],
                color=colours,
            )
            axis.set_title(column, fontsize=9)
            axis.set_yticks(places, names)
            axis.tick_params(labelsize=8)
        axes[0, 0].invert_yaxis()
        for axis in list(axes.flat)[count:]:
            axis.axis("off")
        figure.savefig(path, dpi=110)


def evaluate_generative(
    models: Mapping[str, CanSample | ArrayLike],
    x_train: ArrayLike,
    x_test: ArrayLike,
    metrics: Sequence[keras.metrics.Metric],
    n: int | None = None,
    repeats: int = 3,
    seed: int = 0,
) -> GenerativeTable:
    """Compare samples of several models with held-out data.

    Each model is sampled `repeats` times; each set of samples is compared
    with the same test data by each metric. The numbers are means over the
    repetitions, with the standard error that these show. Two rows are added:
    "train against test", training data in place of samples, which nobody can
    beat but by learning the test data, and "independent pixels", each
    component drawn on its own from the training data, which everybody must
    beat.

    Args:
        models: dict from names to models with `sample(n, seed=...)`, or to
            arrays of samples, of which random parts are taken.
        x_train: array of training data.
        x_test: array of held-out data, of the same shape but for the rows.
        metrics: list of two-sample `keras.metrics.Metric`s.
        n: samples in each repetition; by default as many as test data, or
            half of the training data where these are fewer.
        repeats: repetitions, at least 2.
        seed: of all draws.

    Returns:
        A `GenerativeTable`.

    Raises:
        ValueError: for data or models that do not fit together.

    Example:
    >>> x = np.random.default_rng(0).normal(size=(300, 2))
    >>> table = genzoo.metrics.evaluate_generative(
    ...     {"far": x[:100] + 5.0}, x[:200], x[200:],
    ...     [genzoo.metrics.FrechetDistance(name="distance")])
    >>> list(table.rows)
    ['train against test', 'independent pixels', 'far']
    >>> round(table.rows["far"]["distance"].value)
    50
    """
    if not isinstance(models, Mapping):
        refuse(models, "evaluate_generative: models", "a dict of them by name")
    if not isinstance(metrics, Sequence):
        refuse(metrics, "evaluate_generative: metrics", "a list")
    for name, model in models.items():
        if not hasattr(model, "sample") and not np.ndim(model):
            refuse(
                model,
                f"evaluate_generative: models[{name!r}]",
                "a model with sample(n, seed=), or an array of samples",
            )
    x_train, x_test = np.asarray(x_train), np.asarray(x_test)
    if x_train.shape[1:] != x_test.shape[1:] or not len(x_test):
        raise ValueError(
            "evaluate_generative: x_train and x_test must have the same shape "
            f"but for the rows; received {x_train.shape} and {x_test.shape}."
        )
    whole(2)(repeats, "evaluate_generative: repeats")
    if not metrics:
        raise ValueError(
            "evaluate_generative: metrics must be a list of one or more "
            f"two-sample metrics; received {metrics!r}. Take for example "
            "[genzoo.metrics.FrechetDistance()]."
        )
    for metric in metrics:
        if not isinstance(metric, keras.metrics.Metric):
            raise ValueError(
                "evaluate_generative: metrics must be keras.metrics.Metric "
                f"objects; received {metric!r}."
            )
    if n is None:
        # Of the training data a new part in each repetition.
        n = min(len(x_test), max(1, len(x_train) // 2))
    sources: dict[str, Any] = {
        DATA: x_train,
        INDEPENDENT: _Independent(x_train),
        **models,
    }
    rows: dict[str, dict[str, Estimate]] = {}
    kept: dict[str, np.ndarray] = {}
    for name, source in sources.items():
        found = []
        for number in range(repeats):
            samples = _draw(name, source, n, (seed, number))
            if samples.shape[1:] != x_test.shape[1:]:
                raise ValueError(
                    f"evaluate_generative: samples of {name!r} have shape "
                    f"{samples.shape[1:]}, the data {x_test.shape[1:]}."
                )
            kept.setdefault(name, samples)
            found.append(_measure(metrics, x_test, samples))
        rows[name] = {
            key: _estimate([values[key] for values in found])
            for key in found[0]
        }
    return GenerativeTable(rows, kept)


class _Independent:
    """Every component drawn on its own from the training data."""

    def __init__(self, x):
        self.x = x.reshape(len(x), -1)
        self.shape = x.shape[1:]

    def sample(self, n, seed):
        rng = np.random.default_rng(seed)
        chosen = rng.integers(0, len(self.x), (n, self.x.shape[1]))
        drawn = np.take_along_axis(self.x, chosen, axis=0)
        return drawn.reshape(n, *self.shape)


def _draw(name, source, n, seed):
    if hasattr(source, "sample"):
        found = source.sample(n, seed=seed)
        parts = getattr(source, "parts", None)
        # Of several arrays the rows of `parts.join` are compared.
        return np.asarray(found if parts is None else parts.join(found))
    source = np.asarray(source)
    if len(source) < n:
        raise ValueError(
            f"evaluate_generative: {name!r} has {len(source)} rows; {n} are "
            "compared. Pass n."
        )
    return source[np.random.default_rng(seed).permutation(len(source))[:n]]


def _measure(metrics, real, samples):
    values = {}
    for metric in metrics:
        metric.reset_state()
        for first in range(0, max(len(real), len(samples)), 1000):
            part = slice(first, first + 1000)
            metric.update_state(real[part], samples[part])
        result = metric.result()
        metric.reset_state()
        if not isinstance(result, dict):
            result = {"": result}
        for key, value in result.items():
            name = f"{metric.name} {key}".strip().replace("_", " ")
            values[name] = float(value)
    return values


def _estimate(values):
    stderr = np.std(values, ddof=1) / math.sqrt(len(values))
    return Estimate(float(np.mean(values)), float(stderr))


def _told(estimate):
    """A number with its error, to the digits that the error allows."""
    value, stderr = estimate
    if not stderr or not math.isfinite(stderr):
        return f"{value:.3g}"
    digits = min(6, max(0, 1 - math.floor(math.log10(stderr))))
    return f"{value:.{digits}f} ± {stderr:.{digits}f}"
