"""A save that is killed or fails at any step leaves the old file or the new."""

import errno
import os
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import genzoo as gz
from genzoo.runtime import atomic, random
from genzoo.zoo import files


class Killed(BaseException):
    """What ends a process: nothing is tidied up behind it."""


@pytest.fixture(scope="module")
def models():
    """Two that differ in a weight."""
    found = []
    for seed in (0, 1):
        rbm = gz.RBM(gz.units.Bernoulli(4), gz.units.Bernoulli(2), seed=seed)
        rbm.compile()
        rbm.adapt(np.eye(4, dtype="uint8"))
        found.append(rbm)
    return found


class Steps:
    """Counts what a save asks of the system, and ends it at one of these."""

    def __init__(self, monkeypatch, last, error):
        self.count, self.last, self.error = 0, last, error
        for owner, name in (
            (os, "fsync"),
            (Path, "replace"),
            (Path, "chmod"),
            (Path, "write_bytes"),
            (h5py.Group, "create_dataset"),
        ):
            real = getattr(owner, name)
            monkeypatch.setattr(owner, name, self._counted(real, name))
        if error is Killed:
            monkeypatch.setattr(atomic, "_remove", lambda path: None)

    def _counted(self, real, name):
        calls = 0

        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            # One of many arrays stands for all.
            if name == "create_dataset" and calls != 3:
                return real(*arguments, **options)
            self.count += 1
            if self.count == self.last:
                if name == "write_bytes":
                    # Half of it.
                    path, content = arguments
                    with open(path, "wb") as file:
                        file.write(content[: len(content) // 2])
                if self.error is Killed:
                    raise Killed
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments, **options)

        return call


def _kernel(path):
    loaded = keras.saving.load_model(path)
    return loaded.kernel.numpy()


def _loaded_weights(path):
    rbm = gz.RBM(gz.units.Bernoulli(4), gz.units.Bernoulli(2), seed=9)
    rbm.compile()
    rbm.load_weights(path)
    return rbm.kernel.numpy()


WAYS = {
    "save": (
        "m.keras",
        lambda model, path: model.save(path),
        _kernel,
    ),
    "save_weights": (
        "m.weights.h5",
        lambda model, path: model.save_weights(path),
        _loaded_weights,
    ),
    "save_to_preset": (
        "preset",
        lambda model, path: model.save_to_preset(path),
        lambda path: gz.from_preset(path).kernel.numpy(),
    ),
}


@pytest.mark.parametrize("error", [Killed, OSError])
@pytest.mark.parametrize("way", WAYS)
def test_save_is_whole_or_not_there(way, error, models, tmp_path):
    name, save, read = WAYS[way]
    path = tmp_path / name
    old, new = models
    are_new, last = [], 0
    while True:
        last += 1
        save(old, path)
        with pytest.MonkeyPatch.context() as patch:
            steps = Steps(patch, last, error)
            try:
                save(new, path)
            except error:
                pass
        if steps.count < last:
            break
        found = read(path)
        are_new.append(np.array_equal(found, new.kernel.numpy()))
        assert are_new[-1] or np.array_equal(found, old.kernel.numpy())
        if error is OSError and not are_new[-1]:
            assert [p.name for p in tmp_path.iterdir()] == [name]
    # First the old one, then the new. (A mode that is not set is no error.)
    assert are_new == sorted(are_new) or error is OSError
    assert not are_new[0]
    assert are_new[-1]
    # What the killed left behind is gone.
    save(new, path)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    if path.is_dir():
        assert {p.name for p in path.iterdir()} == set(files.MOST_BYTES) - {
            files.TENSORS
        }


def test_other_files_modes_and_links_stay(models, tmp_path):
    real = tmp_path / "real.keras"
    models[0].save(real)
    real.chmod(0o640)
    (tmp_path / "link.keras").symlink_to(real)
    models[1].save(tmp_path / "link.keras")
    assert (tmp_path / "link.keras").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert np.array_equal(_kernel(real), models[1].kernel.numpy())
    models[0].save_to_preset(tmp_path / "preset")
    (tmp_path / "preset" / "README.md").write_text("mine")
    models[1].save_to_preset(tmp_path / "preset")
    assert (tmp_path / "preset" / "README.md").read_text() == "mine"
    models[0].save(tmp_path / "folder", zipped=False)
    models[1].save(tmp_path / "folder", zipped=False)
    assert np.array_equal(_kernel(tmp_path / "folder"), _kernel(real))
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda content: content[:2044], "truncated or damaged"),
        (lambda content: b"", "truncated or damaged"),
        (lambda content: b"PK" + content[2:100], "truncated or damaged"),
    ],
)
@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
def test_truncated_file_is_called_so(name, content, message, models, tmp_path):
    path, model = tmp_path / name, models[0]
    (model.save if name == "m.keras" else model.save_weights)(path)
    path.write_bytes(content(path.read_bytes()))
    with pytest.raises(ValueError, match=message) as raised:
        model.load_weights(path)
    # At which BackupAndRestore takes the save before.
    assert isinstance(raised.value, OSError)


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
def test_no_flipped_bit_becomes_another_weight(name, models, tmp_path):
    path, model = tmp_path / name, models[0]
    (model.save if name == "m.keras" else model.save_weights)(path)
    good, before = path.read_bytes(), [v.numpy() for v in model.variables]
    rng = np.random.default_rng(5)
    refused = 0
    for place in rng.integers(len(good), size=10):
        bad = bytearray(good)
        bad[place] ^= 1 << rng.integers(8)
        path.write_bytes(bad)
        try:
            model.load_weights(path)
        except ValueError as error:
            refused += "truncated or damaged" in str(error)
        for one, variable in zip(before, model.variables, strict=True):
            np.testing.assert_array_equal(one, variable.numpy())
    # All bytes of HDF5 are summed; in a zip archive some tell nothing.
    assert refused == 10 if name.endswith("h5") else refused > 4


def test_weights_without_a_sum_are_read(models, tmp_path):
    """As versions wrote them that had none."""
    path = tmp_path / "m.weights.h5"
    models[0].save_weights(path)
    content = path.read_bytes()
    path.write_bytes(content[: -len(atomic.seal(b""))])
    models[0].load_weights(path)


def test_weights_of_another_model_change_nothing(models, tmp_path):
    other = gz.RBM(gz.units.Bernoulli(4), gz.units.Bernoulli(3), seed=0)
    other.compile()
    other.save_weights(tmp_path / "o.weights.h5")
    before = [v.numpy() for v in models[0].variables]
    with pytest.raises(ValueError, match="could not be loaded"):
        models[0].load_weights(tmp_path / "o.weights.h5")
    for one, variable in zip(before, models[0].variables, strict=True):
        np.testing.assert_array_equal(one, variable.numpy())


def test_forked_child_says_why_it_would_wait(models):
    """TensorFlow has begun here; the child only asks whether it may go on."""
    pid = os.fork()
    if pid == 0:
        code = 0
        for ask in (lambda: models[0].sample(1), lambda: random.as_seed(0)):
            try:
                ask()
            except RuntimeError as error:
                code += "forked" in str(error)
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2
    models[0].sample(1)
