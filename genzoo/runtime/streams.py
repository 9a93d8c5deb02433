"""Batches from Python: generators, `keras.utils.PyDataset`, data loaders."""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.runtime import data, random

# Numbers of a source without an end that are looked at before training.
MOST = 2**24


class Stream(keras.callbacks.Callback):
    """A source of batches that is not of TensorFlow, as a `tf.data.Dataset`.

    Before training, data are looked at: they are checked, and averages are
    taken. What gives its batches once, such as a generator, is kept in
    memory until `begin`, up to `most` numbers, and then given again.

    As a callback it tells a `PyDataset` of the epochs.

    Args:
        where: who asks, for messages.
        source: an iterable of batches.
        wide: whether float64 is kept.
        most: how many numbers of a source without an end are looked at.

    Attributes:
        dataset: the batches, numbers in float32, or in float64 if wide.

    Raises:
        ValueError: if there is no batch, or the first is not numeric.
    """

    def __init__(
        self, where: str, source: Any, wide: bool = False, most: float = MOST
    ):
        super().__init__()
        self.where = where
        self.source = source
        self.dtype = np.dtype("float64" if wide else "float32")
        self.most = most
        self.is_paged = isinstance(source, keras.utils.PyDataset)
        self.batches: Any = None if self.is_paged else iter(source)
        self.is_once = self.batches is source
        self.length = source.num_batches if self.is_paged else None
        self.has_begun = False
        self._kept: deque = deque()
        self._passes = 0
        self._lock = threading.Lock()
        with data.told_plainly(where, dict):
            first = next(self._looked_at(), None)
        if first is None:
            raise ValueError(f"{where}: x is empty: it gives no batch.")
        self._shapes = tf.nest.map_structure(lambda part: part.shape[1:], first)
        self._dtypes = tf.nest.map_structure(lambda part: part.dtype, first)
        self.dataset = tf.data.Dataset.from_generator(
            self._one_pass,
            output_signature=tf.nest.map_structure(
                lambda part: tf.TensorSpec((None, *part.shape[1:]), part.dtype),
                first,
            ),
        )
        if self.length is not None:
            length = tf.data.experimental.assert_cardinality(self.length)
            self.dataset = self.dataset.apply(length)

    def begin(self) -> None:
        """From now on batches are learned from, each once."""
        with self._lock:
            self.has_begun = True

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Tell a `PyDataset`."""
        if self.is_paged:
            self.source.on_epoch_begin()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Tell a `PyDataset`."""
        if self.is_paged:
            self.source.on_epoch_end()

    def _one_pass(self) -> Iterator:
        if self.has_begun and self.is_once:
            return self._rest()
        return self._looked_at()

    def _all(self) -> Iterator:
        """The batches as they come."""
        if not self.is_paged:
            return iter(self.source)
        numbers: Any = itertools.count()
        if self.length is not None:
            numbers = range(self.length)
        return (self.source[number] for number in numbers)

    def _looked_at(self) -> Iterator:
        """The batches of a pass that may not be the last."""
        if not self.is_once:
            is_new = not self.has_begun and self.is_paged
            count, is_endless = 0, self.length is None and is_new
            for batch in self._all():
                found = self._as_arrays(batch)
                count += _size(found)
                yield found
                if is_endless and count >= self.most:
                    return
            return
        for place in itertools.count():
            # A pass that was left may still read ahead.
            with self._lock:
                if self.has_begun:
                    return
                if place == len(self._kept):
                    count = sum(map(_size, self._kept))
                    batch = next(self.batches, None)
                    if batch is None or count >= self.most:
                        if batch is not None:
                            self.batches = itertools.chain(
                                [batch], self.batches
                            )
                        return
                    self._kept.append(self._as_arrays(batch))
                found = self._kept[place]
            yield found

    def _rest(self) -> Iterator:
        """What has not been learned from."""
        count = 0
        while True:
            with self._lock:
                if self._kept:
                    found = self._kept.popleft()
                else:
                    batch = next(self.batches, None)
                    found = None if batch is None else self._as_arrays(batch)
            if found is None:
                break
            count += 1
            yield found
        if count == 0:
            raise ValueError(
                f"{data.TOLD}the generator has ended: it gives its batches "
                "once. Give one without an end with steps_per_epoch (for "
                "held-out data validation_steps), a keras.utils.PyDataset, or "
                "tf.data.Dataset.from_generator(function, ...)."
            )

    # One batch --------------------------------------------------------------

    def _as_arrays(self, batch: Any) -> Any:
        """A batch as an array or a dict of arrays, or a tuple of such."""
        is_list = isinstance(batch, list)
        if is_list and batch and all(hasattr(b, "detach") for b in batch):
            # As PyTorch's loaders give the parts of a batch.
            batch = tuple(batch)
        if isinstance(batch, tuple):
            parts = [part for part in batch if part is not None]
            found: Any = tuple(
                self._as_part(part, f"part {number}")
                for number, part in enumerate(parts)
            )
            found = found[0] if len(found) == 1 else found
        else:
            found = self._as_part(batch)
        if not hasattr(self, "_shapes"):
            return found
        return self._alike(found)

    def _as_part(self, part: Any, name: str = "x") -> Any:
        """An array, or a dict or a tuple of them."""
        if _is_several(part):
            return tuple(
                self._as_array(one, f"{name}, part {number}")
                for number, one in enumerate(part)
            )
        if not isinstance(part, Mapping):
            return self._as_array(part, name)
        return {
            str(key): self._as_array(value, key) for key, value in part.items()
        }

    def _as_array(self, part: Any, name: Any = "x") -> np.ndarray:
        try:
            found = data.as_array(part, self.dtype == np.float64)
        except ValueError as error:
            raise ValueError(f"{data.TOLD}{name}: {error}") from None
        if found.ndim == 0:
            raise ValueError(
                f"{data.TOLD}{name} is a single number, {found}; each batch "
                "must be an array of examples in rows."
            )
        found = found[:]
        # Labels are whole, whatever the first batch of examples is.
        is_label = found.dtype.kind in "iu" and found.ndim == 1
        return found.astype("int64" if is_label else self.dtype)

    def _alike(self, found: Any) -> Any:
        """The batch, if it looks like the first one."""
        try:
            tf.nest.assert_same_structure(self._dtypes, found)
        except (ValueError, TypeError):
            raise ValueError(
                f"{data.TOLD}a batch has other parts than the first: "
                f"{_described(found)}."
            ) from None
        shapes = tf.nest.map_structure(lambda part: part.shape[1:], found)
        if shapes != self._shapes:
            raise ValueError(
                f"{data.TOLD}a batch has rows of shape {shapes}; those of the "
                f"first have {self._shapes}."
            )

        def cast(part, dtype):
            same = part.astype(dtype)
            if not np.array_equal(same, part, equal_nan=dtype.kind == "f"):
                raise ValueError(
                    f"{data.TOLD}a batch has {part.dtype} numbers, the first "
                    f"had {dtype}. Give all the same dtype."
                )
            return same

        return tf.nest.map_structure(cast, found, self._dtypes)


class Redrawn(keras.utils.PyDataset):
    """Batches of what is drawn given the rows of an array, anew by epoch.

    Order and draws follow from how much the learner has learned, and so are
    the same where a training goes on from a save.

    Args:
        x: checked examples.
        batch_size: rows of a batch; the last may be shorter.
        draws: the `DrawCounter` of the model that learns from them.
        draw: function of rows of x and a `Seed` to an array.
        weight: of each row, which then stands beside what is drawn.
    """

    def __init__(
        self,
        x: Any,
        batch_size: int,
        draws: random.DrawCounter,
        draw: Callable[[Any, random.Seed], np.ndarray],
        weight: np.ndarray | None = None,
    ):
        super().__init__()
        self.x = x
        self.batch_size = batch_size
        self.draws = draws
        self.draw = draw
        self.weight = weight
        self.on_epoch_begin()

    def on_epoch_begin(self) -> None:
        """Take the key of the epoch."""
        key = self.draws.epoch_key()
        self.seed = random.as_seed(key)
        self.order = random.permutation(len(self.x), key)

    @property
    def num_batches(self) -> int:
        """Of an epoch."""
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, number: int) -> Any:
        first = number * self.batch_size
        rows = self.order[first : first + self.batch_size]
        drawn = self.draw(self.x[rows], self.seed.at_row(first))
        return drawn if self.weight is None else (drawn, self.weight[rows])


def _is_several(part):
    """Whether it is a tuple of arrays, or a list of them as of PyTorch."""
    if isinstance(part, list) and not all(hasattr(p, "detach") for p in part):
        return False
    has_rows = isinstance(part, (list, tuple)) and len(part) > 0
    return has_rows and all(len(getattr(p, "shape", ())) for p in part)


def _size(found):
    return sum(part.size for part in tf.nest.flatten(found))


def _described(found):
    if isinstance(found, dict):
        return f"a dict of {sorted(found)}"
    return f"{len(found)} of them" if isinstance(found, tuple) else "one array"
