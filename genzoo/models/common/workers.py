"""Callbacks on several workers: what is written is written once.

Each worker runs all of `fit`, and saving needs all of them, since chains are
gathered. They would write the same files, make and remove the same folders at
the same time. So the chief's callbacks write, and those of the others do what
they do in a folder that is thrown away.
"""

import os
import shutil
import tempfile
from typing import Any

import keras

from genzoo.runtime import distribute

_LOGGERS = (
    keras.callbacks.CSVLogger,
    keras.callbacks.RemoteMonitor,
    keras.callbacks.TensorBoard,
)
_BACKUP = (
    "backup_dir",
    "_weights_path",
    "_training_metadata_path",
    "_prev_weights_path",
    "_prev_training_metadata_path",
)


class Aside:
    """Callbacks of one of several workers; the chief's are as they were.

    Args:
        where: who asks, for messages.
        strategy: of the model.
        callbacks: of a `fit`.

    Attributes:
        callbacks: those that this worker runs; loggers are the chief's alone.
    """

    def __init__(self, where: str, strategy: Any, callbacks: list):
        self.where = where
        self.strategy = strategy
        self.callbacks = callbacks
        self._folder: str | None = None
        self._own: list[tuple[Any, str, Any]] = []
        if distribute.is_chief(strategy):
            return
        self.callbacks = [c for c in callbacks if not isinstance(c, _LOGGERS)]
        self._folder = tempfile.mkdtemp(prefix="genzoo-worker-")
        self._move(keras.callbacks.ModelCheckpoint, "filepath")

    def begin(self, place: tuple[int, ...]) -> None:
        """Called once backups are read, by all from one folder.

        Args:
            place: where this worker goes on.

        Raises:
            ValueError: if others go on elsewhere.
        """
        places = distribute.gathered(self.strategy, place)
        if (places != places[0]).any():
            told = ", ".join(str(tuple(map(int, p))) for p in places)
            raise ValueError(
                f"{self.where}: workers do not begin at one place; (epoch, "
                f"batch, draws) of each: {told}. A backup must be in a folder "
                "that all workers see, and all load the same weights before "
                "fit."
            )
        if self._folder is not None:
            self._move(keras.callbacks.BackupAndRestore, *_BACKUP)

    def end(self) -> None:
        """Give callbacks their own places back."""
        for callback, name, value in reversed(self._own):
            setattr(callback, name, value)
        self._own.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _move(self, kind, *names):
        for number, callback in enumerate(self.callbacks):
            if not isinstance(callback, kind):
                continue
            folder = os.path.join(str(self._folder), str(number))
            for name in names:
                old = getattr(callback, name)
                self._own.append((callback, name, old))
                new = os.path.join(folder, os.path.basename(str(old)))
                setattr(callback, name, new)
