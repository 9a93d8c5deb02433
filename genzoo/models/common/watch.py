"""-<log p> while a model learns, whatever it learns by."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.partition.log_partition import RECORD_LENGTH, LogPartition
from genzoo.runtime import batch, distribute
from genzoo.runtime import data as pipelines
from genzoo.spaces import Space
from genzoo.types import Array

# What is known of log Z, and of which weights.
KNOWN_LENGTH = RECORD_LENGTH + 1
# Terms of a sum that takes less time than the epoch before it.
_FEW_TERMS = 2**20
# Of annealing: its chains, and how many temperatures at least and at most.
CHAINS = 128
_LEAST, _MOST = 80, 1000
# For a search that takes all examples at once, in many epochs of one step.
_SEARCH = 20
# Of how many examples likelihoods are found at the end of each epoch, and of
# how many at once; then where each row has a sum of its own.
_FOLLOWED = (2**13, 2**10), (2**11, 2**7)
# How steeply rows count for less that were seen before.
_FADES = 7
# How long ago, in epochs, rows were seen in their mean.
LAG = 1 / (_FADES + 2)
# Sweeps of one chain for each row that was learned from.
_SHARE = 0.3
# Rows have so many numbers at most.
_NUMBERS = 2**22
# Below the baseline by so many nats, and by so many for each column, a model
# may be for want of a few more steps.
_SLACK, _BY_COLUMN = 0.2, 0.05
# Held-out rows, of which a model may know less by so much for each column.
_NOISE_BY_COLUMN = 0.01
# The bins of whole numbers without end grow by this factor.
_GROWTH = 1.3
# A level that was not seen counts as if so many examples had it.
_UNSEEN = 0.5


class Watch(keras.layers.Layer):
    """What is known of log Z while the weights move.

    The logs' `loss` is `<E(x) - E0> + level` at the end of an epoch, where E0
    is the energy of a point in the midst of the data and `level = log Z + E0`:
    both move far less than E and log Z, whose common part is arbitrary.

    Attributes:
        record: weight, a `LogPartition` and the weights that it belongs to.
        level: weight, log Z + E0 at these weights.
    """

    def __init__(self, **kwargs):
        super().__init__(trainable=False, dtype="float64", **kwargs)
        self.record = distribute.mirrored_weight(
            self, "record", (KNOWN_LENGTH,)
        )
        self.level = distribute.mirrored_weight(self, "level", ())
        self.built = True

    def known(self, of: int) -> LogPartition | None:
        """log Z, if it was found for these weights."""
        *record, found_of = self.record.numpy()
        return LogPartition.from_record(record) if found_of == of else None

    def keep(self, found: LogPartition, of: int) -> None:
        """Remember log Z of some weights."""
        self.record.assign([*found.to_record(), of])


class Recent(keras.metrics.Mean):
    """A mean over the rows that were seen last.

    Row i of n counts (i / n)^7, so that half of the mean is of the last tenth:
    what weights have moved since then is little.

    Attributes:
        rows: how many were seen.
        rows_before: in the epoch before.
    """

    def __init__(self, name: str):
        super().__init__(name=name)
        self.rows = self.add_variable((), "zeros", name="rows")
        self.rows_before = self.add_variable((), "zeros", name="rows_before")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Let values count for so many rows."""
        before = tf.convert_to_tensor(self.rows.value)
        rows = before + ops.cast(sample_weight, before.dtype)
        # Rows may count for nothing.
        faded = tf.math.divide_no_nan(before, rows) ** _FADES
        for weight in (self.total, self.count):
            weight.assign(tf.convert_to_tensor(weight.value) * faded)
        super().update_state(values, sample_weight=sample_weight)
        self.rows.assign(rows)

    def is_late(self) -> tf.Tensor:
        """Whether half of an epoch is over: what comes before hardly counts."""
        return 2 * self.rows.value >= self.rows_before.value

    def reset_state(self) -> None:
        """Forget all rows."""
        # Keras resets more often than epochs begin.
        is_new = self.rows.value > 0
        before = tf.where(is_new, self.rows.value, self.rows_before.value)
        super().reset_state()
        self.rows_before.assign(before)
        self.rows.assign(0)


class Followed:
    """Some examples of an array, evenly taken: `loss` is theirs.

    Args:
        data: what a pipeline carries of the array, a nest of rows.
        is_dear: whether it takes long to find: fewer are taken then, in
            batches of one size.
    """

    def __init__(self, data: Any, is_dear: bool):
        self.data = data
        self.is_dear = is_dear
        first = tf.nest.flatten(data)[0]
        most, at_once = _FOLLOWED[is_dear]
        count = min(len(first), most)
        self._size = pipelines.rows_at_once(first, at_once)
        if is_dear:
            # Of one size: a few are left out.
            self._size = count // -(-count // self._size)
            count -= count % self._size
        self._places = np.arange(count) * len(first) // count

    def spec(self) -> Any:
        """Of a batch, where all have one size."""
        return tf.nest.map_structure(
            tf.type_spec_from_value, next(self.parts())[1]
        )

    def parts(self) -> Iterator[tuple[int, Any]]:
        """(rows, their batch as a pipeline gives it)."""
        for at in range(0, len(self._places), self._size):
            places = self._places[at : at + self._size]
            yield len(places), self._at(places)

    def some(self, most: int) -> Any:
        """One batch of so many at most, evenly taken of these."""
        count = min(len(self._places), most)
        chosen = np.arange(count) * len(self._places) // count
        return self._at(self._places[chosen])

    def _at(self, places):
        return tf.nest.map_structure(
            lambda part: tf.convert_to_tensor(part[places]), self.data
        )


def sums(terms: float, rows: int, width: int) -> bool:
    """Whether a sum of so many terms is quick beside an epoch.

    Args:
        terms: of the sum.
        rows: of the epoch.
        width: of a row.
    """
    return terms <= max(_FEW_TERMS, rows * width // 4)


def temperatures(rows: int) -> int:
    """How many temperatures annealing may have after an epoch of rows.

    Of one row, where a search takes all examples in one step.
    """
    if rows == 1:
        return _SEARCH
    return int(np.clip(_SHARE * rows / CHAINS, _LEAST, _MOST))


class EachEpoch(keras.callbacks.Callback):
    """Finds log Z where an epoch begins.

    Args:
        look: finds it.
    """

    def __init__(self, look: Callable):
        super().__init__()
        self.look = look

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Unless it was found where the last one ended."""
        self.look()


# Columns, each alone: what a model of their dependence must beat.


def row_count(space: Space) -> int:
    """How many rows to look at."""
    return max(_NUMBERS // space.width, 2)


class Rows(NamedTuple):
    """Rows, and what each counts, one in the mean.

    Attributes:
        x: (n, width); of a column, (n,).
        share: (n,).
    """

    x: Array
    share: Array

    @classmethod
    def of(cls, x: Array, weight: Array | None = None) -> "Rows":
        """Those that count for something."""
        share = np.ones(len(x)) if weight is None else np.asarray(weight, float)
        x, share = x[share > 0], share[share > 0]
        return cls(x, share * (len(x) / max(share.sum(), 1e-300)))

    def columns(self) -> Iterator["Rows"]:
        """Each column, with the same shares."""
        return (Rows(column, self.share) for column in self.x.T)


def independent(
    x: Array,
    space: Space,
    weight: Array | None = None,
    held: Rows | None = None,
) -> float | None:
    """-<log q> of q(x) = prod_i q_i(x_i), in nats.

    Levels have frequencies, each row's without itself; whole numbers those of
    bins that grow; real numbers are normal, with their mean and variance. It
    is what little is known of any data, no best density of a column.

    Args:
        x: examples that q is fitted to, (n, width).
        space: where they lie.
        weight: of each row, (n,); None for equal ones.
        held: rows that q is asked for; by default the same.

    Returns:
        the mean over rows; None if a real column is constant, whose density
        has no bound, or if there are fewer than two rows.
    """
    rows = Rows.of(x, weight)
    if len(rows.x) < 2 or (held is not None and not len(held.x)):
        return None
    total = 0.0
    asked = rows.columns() if held is None else held.columns()
    for column, other, levels, is_whole in zip(
        rows.columns(), asked, space.levels, space.whole, strict=True
    ):
        if levels is not None:
            total += _of_levels(column, other, np.sort(levels), held is None)
        elif is_whole:
            total += _of_counts(column, other, held is None)
        else:
            own = _of_reals(column, other)
            if own is None:
                return None
            total += own
    return float(total)


def _of_reals(column, asked):
    values, share = column.x.astype(np.float64), column.share
    mean = np.mean(share * values)
    variance = np.mean(share * (values - mean) ** 2)
    if not variance > 0:
        return None
    square = np.mean(asked.share * (asked.x.astype(np.float64) - mean) ** 2)
    return 0.5 * (square / variance + np.log(2 * np.pi * variance))


def _of_levels(column, asked, levels, is_same):
    # To the nearest: rows may be float32 where levels are not.
    middles = 0.5 * (levels[1:] + levels[:-1])
    places = (np.searchsorted(middles, part.x) for part in (column, asked))
    return _of_bins(column, asked, places, np.ones(len(levels)), is_same)


def _of_counts(column, asked, is_same):
    ends, most = [0.0], max(column.x.max(), asked.x.max())
    while ends[-1] <= most:
        ends.append(max(ends[-1] + 1, np.floor(_GROWTH * ends[-1])))
    places = (
        np.searchsorted(ends, part.x, side="right") - 1
        for part in (column, asked)
    )
    return _of_bins(column, asked, places, np.diff(ends), is_same)


def _of_bins(column, asked, places, widths, is_same):
    """-<log q>, where a row counts for nothing in its own q."""
    there, here = (np.clip(p, 0, len(widths) - 1) for p in places)
    share = column.share
    own = share if is_same else 0.0
    found = np.bincount(there, share, len(widths))[here] - own + _UNSEEN
    whole = share.sum() - own + _UNSEEN * len(widths)
    return -np.mean(asked.share * np.log(found / (whole * widths[here])))


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
    x, weight = _known(rows, space)
    least = independent(x, space, weight)
    by_columns = _BY_COLUMN * space.width
    slack = _slack(by_columns, logs, int(np.argmin(losses)))
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


def warn_of_noise(
    where: str,
    rows: Any,
    held: Any,
    space: Space,
    history: keras.callbacks.History,
    callbacks: Iterable[keras.callbacks.Callback],
) -> None:
    """One warning, if held-out rows are told better by columns alone.

    Args:
        where: who asks, for the message.
        rows: some of the examples, or a `Batch`; with gaps nothing is said.
        held: some of those held out, as rows.
        space: where they lie.
        history: of all epochs, with the `val_loss` of such rows.
        callbacks: of the fit; some put the weights of an epoch back.
    """
    logs, epoch = history.history, -1
    losses, learned = logs.get("val_loss"), logs.get("loss")
    if not losses or not learned or len(losses) != len(learned):
        return
    if any(batch.seen(x) is not None for x in (rows, held)):
        return
    for callback in callbacks:
        if getattr(callback, "restore_best_weights", False):
            best = getattr(callback, "best_epoch", None)
            # Of an epoch of this fit: one may have watched what is not there.
            if best in history.epoch:
                epoch = history.epoch.index(best)
    x, weight = _known(rows, space)
    own = independent(x, space, weight)
    least = independent(x, space, weight, Rows.of(*_known(held, space)))
    # A model may not have come as far as columns yet: that is no noise.
    if own is None or least is None or learned[epoch] >= own:
        return
    slack = _slack(_NOISE_BY_COLUMN * space.width, logs, epoch)
    if losses[epoch] <= least + slack:
        return
    best = int(np.argmin(losses))
    warnings.warn(
        f"{where}: held-out rows have -<log p> = {losses[epoch]:.4g} nats "
        f"({losses[best]:.4g} after epoch {best + 1} of {len(losses)}), where "
        f"columns taken one by one, learned from the same rows, have "
        f"{least:.4g}: what the model knows beyond columns is the noise of "
        "these rows. End earlier, by keras.callbacks.EarlyStopping('val_loss', "
        "patience=5, restore_best_weights=True); or take fewer units, a "
        "penalty, or more rows.",
        stacklevel=6,
    )


def _known(rows, space):
    """(rows, what each counts) of a batch."""
    x = np.asarray(batch.examples(rows)).reshape(-1, space.width)
    own = batch.weight(rows)
    return x, None if own is None else np.asarray(own)


def _slack(by_columns, logs, epoch):
    stderrs = logs.get("log_partition_stderr")
    return _SLACK + by_columns + 3 * (stderrs[epoch] if stderrs else 0.0)
