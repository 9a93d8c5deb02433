"""Training that goes on where a save was made, at any batch.

A save holds the place: the epoch, how many batches of it were learned from,
what had been drawn when it began, from which its order follows, and the
means of its logs; and the states by which Keras's own layers draw, such as
`Dropout`, which Keras does not save.
"""

import contextlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from genzoo.models.common import workers
from genzoo.runtime import distribute

_PLACE, _SEEDS, _MEANS = "place", "layer_seeds", "epoch_means"


class Place(NamedTuple):
    """Where a training is.

    Attributes:
        epoch: its number.
        batch: how many batches of it were learned from.
        begun: how many draws had been made when it began.
        batches: of an epoch, or -1 if that is not known.
    """

    epoch: int
    batch: int
    begun: int
    batches: int


def layer_seeds(model: keras.Model) -> list[keras.Variable]:
    """The states by which layers of Keras draw, in their order."""
    return [
        generator.state
        for layer in model._flatten_layers()
        for generator in layer._seed_generators
    ]


def _means(model):
    return [v for metric in model.metrics for v in metric.variables]


def write(model: keras.Model, place: Place | None, store: Any) -> None:
    """Put what a save holds beside the model's own weights."""
    if place is not None:
        store[_PLACE] = np.array(place, np.int64)
        if place.batch:
            means = [np.ravel(v.numpy()) for v in _means(model)]
            store[_MEANS] = np.concatenate([[], *means]).astype(np.float64)
    seeds = layer_seeds(model)
    if seeds:
        store[_SEEDS] = np.stack([seed.numpy() for seed in seeds])


class Saved(NamedTuple):
    """What was read of a save beside weights."""

    place: Place | None
    means: np.ndarray | None


def read(model: keras.Model, store: Mapping) -> tuple[dict[str, Any], Saved]:
    """(the model's own weights, what else there is); layers get their seeds.

    Saves of versions that did not keep them lack them.
    """
    found = {name: store[name][...] for name in store.keys()}
    place, means, seeds = (
        found.pop(name, None) for name in (_PLACE, _MEANS, _SEEDS)
    )
    known = layer_seeds(model)
    if seeds is not None and len(seeds) == len(known):
        for seed, value in zip(known, seeds, strict=True):
            seed.assign(value)
    at = None if place is None else Place(*map(int, place))
    return found, Saved(at, means)


def going_on(saved: Saved | None, plan: Mapping[str, Any]) -> Place | None:
    """Where a fit goes on that was told of the epoch of a save, if it does.

    Args:
        saved: of the file that was loaded last, if nothing was trained since.
        plan: the arguments of Keras's `fit`.
    """
    place = None if saved is None else saved.place
    if place is None or place.epoch != plan.get("initial_epoch"):
        return None
    return place


def batches_done(saved: Saved | None, plan: Mapping[str, Any]) -> int:
    """How many batches of the first epoch of a fit were made before."""
    place = going_on(saved, plan)
    return 0 if place is None else place.batch


class Progress:
    """Where the present `fit` is, and where it goes on.

    Args:
        model: that is trained; its `draws` count.
        plan: the arguments of Keras's `fit`.
        saved: of the file that was loaded last, if nothing was trained since.
        is_array: whether the order of x is the model's own.

    Attributes:
        place: where training is.
        is_midway: whether the epoch that begins goes on in its middle.
    """

    def __init__(
        self,
        model: Any,
        plan: Mapping[str, Any],
        saved: Saved | None,
        is_array: bool,
    ):
        self.model = model
        self.saved = saved
        self.place: Place | None = None
        self.is_midway = False
        self.aside: workers.Aside | None = None
        self._going_on = going_on(saved, plan)
        self._is_array = is_array
        self._epochs: Any = None
        self._skips: Callable | None = None
        self._kept: np.ndarray | None = None

    def around(self, callbacks: list) -> list:
        """Callbacks, between two that note where training is."""
        for callback in callbacks:
            if isinstance(callback, keras.callbacks.BackupAndRestore):
                _mend_backup(callback)
        strategy = self.model.distribute_strategy
        if distribute.is_multi_worker(strategy):
            where = self.model._where("fit")
            self.aside = workers.Aside(where, strategy, callbacks)
            callbacks = self.aside.callbacks
        by_batch = any(map(_sees_batches, callbacks))
        first = _ByBatch(self) if by_batch else _ByEpoch(self)
        return [first, *callbacks, _Resumption(self)]

    def take(self, epochs: Any) -> None:
        """Have Keras's iterator over epochs begin where training goes on."""
        if self._epochs is not None:
            return
        self._epochs = epochs
        whole = epochs._enumerate_iterator

        def enumerated() -> Iterator:
            if self._skips is None:
                return whole()
            skips, self._skips = self._skips, None
            return skips(whole)

        epochs._enumerate_iterator = enumerated

    @property
    def batches(self) -> int:
        """Of an epoch, or -1; a search makes one step in each."""
        known = 1 if self._epochs is None else self._epochs.num_batches
        return -1 if known is None else int(known)

    def begin(self) -> None:
        """Forget what was loaded before, so that what is loaded now shows."""
        self.model._saved = None
        if self._going_on is not None:
            self._check(self._going_on)

    def resume(self) -> None:
        """Go on where the save was made that was loaded, if one was."""
        saved, place = self.saved, self._going_on
        if self.model._saved is not None:
            saved, self.model._saved = self.model._saved, None
            place = saved.place
        if saved is None or place is None:
            self._warn_of(saved)
            return
        self._check(place)
        if place.batches == 1 and place.batch:
            place = Place(place.epoch + 1, 0, place.begun, 1)
        self.model._initial_epoch = place.epoch
        past = 0 if self._is_array else place.epoch
        if place.batch or past:
            self._skips = lambda whole: self._rest(whole, place.batch, past)
        if place.batch:
            self.is_midway = True
            self.model.draws.begun = place.begun
            self._kept = saved.means
            self.place = place

    def check_workers(self) -> None:
        """See to it that all workers begin at one place."""
        if self.aside is None:
            return
        place = self.place or Place(self.model._initial_epoch or 0, 0, 0, 0)
        draws = self.model.draws.trained
        self.aside.begin((place.epoch, place.batch, int(draws)))

    def _check(self, place):
        known = -1 not in (self.batches, place.batches)
        if place.batch and known and self.batches != place.batches:
            raise ValueError(
                f"{self.model._where('fit')}: the training that is to go on "
                f"was saved after batch {place.batch} of {place.batches} in "
                f"epoch {place.epoch + 1}, and this one has {self.batches} in "
                "an epoch. Give the same data and batch_size, or remove the "
                "backup."
            )

    def _warn_of(self, saved):
        if saved is not None and saved.place is not None and saved.place.batch:
            epoch = saved.place.epoch
            warnings.warn(
                f"{self.model._where('fit')}: the model was saved in the "
                f"middle of epoch {epoch + 1}; a new epoch begins. To go on "
                "exactly where the save was made, pass "
                f"initial_epoch={epoch} with the same data.",
                stacklevel=2,
            )

    def _rest(self, whole, done, past):
        """The steps of an epoch behind those that were made before."""
        epochs = self._epochs
        length = epochs.data_adapter.num_batches
        base = 0
        if past and epochs.steps_per_epoch is not None:
            # One iterator serves several epochs.
            past, base = 0, past * epochs.steps_per_epoch
            if length:
                past, base = divmod(base, length)
        # Each iterator of a shuffled dataset takes the next order; Keras makes
        # a second one where it knows that an epoch has ended.
        for _ in range(past * (1 if length is None else 2)):
            iter(epochs._get_iterator())
        is_over = done >= self.batches > -1
        is_first = True
        for begin, end, iterator in whole():
            if is_first:
                is_first = False
                epochs._steps_seen += base
                for _ in range(base + done):
                    next(iterator)
            if end >= done and not is_over:
                yield begin, end, iterator

    def begin_epoch(self, epoch: int) -> None:
        """Note that an epoch begins, unless it goes on."""
        if not self.is_midway:
            trained = self.model.draws.trained
            self.place = Place(epoch, 0, trained, self.batches)

    def epoch_has_begun(self) -> None:
        """Called once all callbacks know of it."""
        self.model.draws.begun = None
        if self.is_midway:
            self.is_midway = False
            _put_means(self.model, self._kept)

    def end_batch(self, batch: int) -> None:
        """Note that so many batches were learned from."""
        if self.place is not None:
            # The last of several steps at once may be past the end.
            most = batch + 1 if self.batches == -1 else self.batches
            self.place = self.place._replace(batch=min(batch + 1, most))

    def end_epoch(self, epoch: int) -> None:
        """The next begins where this one ends."""
        trained = self.model.draws.trained
        self.place = Place(epoch + 1, 0, trained, self.batches)

    def end(self) -> None:
        """Called when training has ended, in whichever way."""
        self.model.draws.begun = None
        # Keras would begin later trainings there too.
        self.model._initial_epoch = None
        if self.aside is not None:
            self.aside.end()


def _put_means(model, kept):
    variables = _means(model)
    sizes = [int(np.prod(v.shape)) for v in variables]
    if kept is None or len(kept) != sum(sizes):
        return
    parts = np.split(kept, np.cumsum(sizes)[:-1]) if sizes else []
    for variable, part in zip(variables, parts, strict=True):
        variable.assign(part.reshape(variable.shape))


def _sees_batches(callback):
    """Whether it overrides what Keras calls after a batch."""
    return any(
        getattr(getattr(callback, name, None), "__func__", None)
        is not getattr(keras.callbacks.Callback, name)
        for name in ("on_batch_end", "on_train_batch_end")
    )


def _mend_backup(callback: keras.callbacks.BackupAndRestore) -> None:
    """Remove what a kill left of a note that Keras would stumble over.

    Where a training goes on is in the weights' file; without one, the note
    is of a backup that was being removed.
    """
    note = callback._training_metadata_path
    if not os.path.isfile(note):
        return
    try:
        with open(note, encoding="utf-8") as file:
            is_good = "epoch" in json.load(file)
    except (ValueError, TypeError, FileNotFoundError):
        is_good = False
    if not is_good or not os.path.exists(callback._weights_path):
        # Another worker may have done so.
        with contextlib.suppress(FileNotFoundError):
            os.remove(note)


class _ByEpoch(keras.callbacks.Callback):
    """First of the callbacks: what it notes, others save."""

    def __init__(self, progress: Progress):
        super().__init__()
        self.progress = progress

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.progress.begin()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.progress.begin_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.progress.end_epoch(epoch)


class _ByBatch(_ByEpoch):
    """The same where others see batches; to see them takes time."""

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.progress.end_batch(batch)


class _Resumption(keras.callbacks.Callback):
    """Last of the callbacks: others may have loaded a save."""

    def __init__(self, progress: Progress):
        super().__init__()
        self.progress = progress

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.progress.resume()
        self.progress.check_workers()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.progress.epoch_has_begun()
