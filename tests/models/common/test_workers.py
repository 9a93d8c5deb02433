import os

import keras
import numpy as np
import pytest

from genzoo.models.common import workers
from genzoo.runtime import distribute

BACKUP = keras.callbacks.BackupAndRestore
CHECKPOINT = keras.callbacks.ModelCheckpoint


@pytest.fixture
def second(monkeypatch):
    """This process is the second of two workers, which begin at one place."""
    places = [(1, 2, 3)] * 2
    monkeypatch.setattr(distribute, "is_multi_worker", lambda strategy: True)
    monkeypatch.setattr(distribute, "is_chief", lambda strategy: False)
    monkeypatch.setattr(
        distribute, "gathered", lambda strategy, own: np.array(places)
    )
    return places


def callbacks():
    return [
        BACKUP("backup"),
        keras.callbacks.CSVLogger("log.csv"),
        CHECKPOINT("saved/{epoch}.keras"),
        keras.callbacks.TensorBoard("logs"),
        keras.callbacks.EarlyStopping("loss"),
    ]


def test_the_chief_keeps_its_callbacks_as_they_are(second, monkeypatch):
    monkeypatch.setattr(distribute, "is_chief", lambda strategy: True)
    given = callbacks()
    aside = workers.Aside("RBM.fit", None, given)
    aside.begin((1, 2, 3))
    assert aside.callbacks is given
    assert given[0].backup_dir == "backup"
    aside.end()


def test_a_second_worker_reads_backups_and_writes_aside(second):
    given = callbacks()
    aside = workers.Aside("RBM.fit", None, given)
    kinds = [type(callback).__name__ for callback in aside.callbacks]
    assert kinds == ["BackupAndRestore", "ModelCheckpoint", "EarlyStopping"]
    backup, checkpoint, _ = aside.callbacks
    # It is read where all see it.
    assert backup.backup_dir == "backup"
    assert checkpoint.filepath.endswith("{epoch}.keras")
    aside.begin((1, 2, 3))
    paths = [backup.backup_dir, backup._weights_path, checkpoint.filepath]
    folder = os.path.dirname(os.path.dirname(paths[1]))
    assert os.path.isdir(folder)
    assert all(path.startswith(folder) for path in paths)
    aside.end()
    assert not os.path.exists(folder)
    assert backup.backup_dir == "backup"
    assert backup._weights_path == os.path.join("backup", "latest.weights.h5")
    assert checkpoint.filepath == "saved/{epoch}.keras"


def test_workers_that_begin_at_two_places_are_told(second):
    second[0] = (0, 0, 0)
    aside = workers.Aside("RBM.fit", None, callbacks())
    with pytest.raises(
        ValueError, match=r"RBM.fit: .*\(0, 0, 0\), \(1, 2, 3\).*workers see"
    ):
        aside.begin((1, 2, 3))
    aside.end()
