"""Columns of data, each alone: what a model of their dependence must beat."""

import warnings
from typing import Any

import numpy as np

from genzoo.runtime import batch
from genzoo.spaces import Space
from genzoo.types import Array

# Rows have so many numbers at most.
_MOST = 2**22
# Below the baseline by so many nats, and by so many for each column, a model
# may be for want of a few more steps.
_SLACK, _BY_COLUMN = 0.2, 0.05
# The bins of whole numbers without end grow by this factor.
_GROWTH = 1.3
# A level that was not seen counts as if so many examples had it.
_UNSEEN = 0.5


def row_count(space: Space) -> int:
    """How many rows to look at."""
    return max(_MOST // space.width, 2)


def independent(
    x: Array, space: Space, weight: Array | None = None
) -> float | None:
    """-<log q> of q(x) = prod_i q_i(x_i), fitted to the same rows, in nats.

    Levels have frequencies, each row's without itself; whole numbers those of
    bins that grow; real numbers are normal, with their mean and variance. It
    is what little is known of any data, no best density of a column.

    Args:
        x: examples, (n, width).
        space: where they lie.
        weight: of each row, (n,); None for equal ones.

    Returns:
        the mean over rows; None if a real column is constant, whose density
        has no bound, or if there are fewer than two rows.
    """
    share = np.ones(len(x)) if weight is None else np.asarray(weight, float)
    x, share = x[share > 0], share[share > 0]
    if len(x) < 2:
        return None
    share = share * (len(x) / share.sum())
    total = 0.0
    for column, levels, is_whole in zip(
        x.T, space.levels, space.whole, strict=True
    ):
        if levels is not None:
            total += _of_levels(np.searchsorted(levels, column), share, levels)
        elif is_whole:
            total += _of_counts(column.astype(np.float64), share)
        else:
            variance = _variance(column.astype(np.float64), share)
            if not variance > 0:
                return None
            total += 0.5 * (1 + np.log(2 * np.pi * variance))
    return float(total)


def _variance(column, share):
    mean = np.mean(share * column)
    return np.mean(share * (column - mean) ** 2)


def _of_levels(places, share, levels):
    return _of_bins(places, share, np.ones(len(levels)))


def _of_counts(column, share):
    ends = [0.0]
    while ends[-1] <= column.max():
        ends.append(max(ends[-1] + 1, np.floor(_GROWTH * ends[-1])))
    places = np.searchsorted(ends, column, side="right") - 1
    return _of_bins(places, share, np.diff(ends))


def _of_bins(places, share, widths):
    """-<log q>, where a row counts for nothing in its own q."""
    places = np.clip(places, 0, len(widths) - 1)
    found = np.bincount(places, share, len(widths))[places] - share + _UNSEEN
    whole = share.sum() - share + _UNSEEN * len(widths)
    return -np.mean(share * np.log(found / (whole * widths[places])))


def warn_of_less(
    where: str, rows: Any, space: Space, logs: dict[str, list]
) -> None:
    """One warning, if a fit ends with less than columns tell alone.

    Args:
        where: who asks, for the message.
        rows: some of the examples, or a `Batch`; with gaps nothing is said.
        space: where they lie.
        logs: of all epochs, with the `loss` of such rows.
    """
    losses = logs.get("loss", [])
    if not losses or batch.seen(rows) is not None:
        return
    best = np.min(losses)
    stderr = logs.get("log_partition_stderr", [0.0])[int(np.argmin(losses))]
    x = np.asarray(batch.examples(rows)).reshape(-1, space.width)
    own = batch.weight(rows)
    least = independent(x, space, None if own is None else np.asarray(own))
    slack = _SLACK + _BY_COLUMN * space.width + 3 * stderr
    if least is None or best <= least + slack:
        return
    warnings.warn(
        f"{where}: after {len(losses)} epochs the data have -<log p> = "
        f"{best:.4g} nats, where columns taken one by one, by their "
        f"frequencies or as normal distributions, have {least:.4g}: the model "
        "knows less of the data than that. Fit for more epochs; if the loss "
        "hardly falls, these units or this energy do not suit the data. An "
        "EnergyModel begins at independent columns.",
        stacklevel=6,
    )
