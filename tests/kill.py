"""Processes that are killed at random: `python -m tests.kill saves 100`.

`saves`: in a loop of saves over a good file, which must then be readable.
`fits`: in the middle of `fit`, again and again until it has ended; the end
must equal that of a run without a break, bit for bit.
`workers`: one of two processes that train one model; the other must end with
an error, and both go on from the backup to the same end.

Children are forked before TensorFlow has done anything, so that none of them
has to import it.
"""

import json
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

import genzoo as gz

EPOCHS = 3


def _rbm(seed):
    rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(3), seed=seed)
    rbm.compile()
    return rbm, {"x": _bits()}


def _boltzmann(seed):
    model = gz.BoltzmannMachine(gz.spaces.Spin(6), seed=seed)
    model.compile(loss="pcd", optimizer="adam")
    return model, {"x": 2.0 * _bits() - 1}


def _maxent(seed):
    model = gz.MaxEnt(gz.spaces.Real(2), gz.features.Moments(2), seed=seed)
    model.compile()
    return model, {"x": _points()}


def _gan(seed):
    layers = keras.layers
    z, x = keras.Input((2,)), keras.Input((2,))
    scored = layers.Dropout(0.5)(layers.Dense(4, "relu")(x))
    gan = gz.GAN(
        keras.Model(z, layers.Dense(2)(z)),
        keras.Model(x, layers.Dense(1)(scored)),
        seed=seed,
    )
    gan.compile()
    return gan, {"x": _points()}


def _energy(seed):
    model = gz.EnergyModel(gz.spaces.Real(2), seed=seed)
    model.compile()
    return model, {"x": _points()}


FAMILIES = {
    "rbm": _rbm,
    "boltzmann": _boltzmann,
    "maxent": _maxent,
    "gan": _gan,
    "energy": _energy,
}


def _bits():
    return np.random.default_rng(0).integers(0, 2, (200, 6)).astype("float32")


def _points():
    return np.random.default_rng(0).standard_normal((200, 2)).astype("float32")


def _child(function, *arguments):
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        function(*arguments)
        code = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}"[:500], flush=True)
    finally:
        os._exit(code)


def _ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _killed(pid, seconds):
    """Whether it was killed before it ended."""
    time.sleep(seconds)
    done, _ = os.waitpid(pid, os.WNOHANG)
    if done:
        return False
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


# Saves ----------------------------------------------------------------------


def _save_for_ever(folder):
    rbm = _rbm(0)[0]
    rbm.adapt(_bits())
    while True:
        rbm.save(folder / "m.keras")
        rbm.save_weights(folder / "m.weights.h5")
        rbm.save_to_preset(folder / "preset")
        (folder / "begun").touch()


def _read(folder):
    keras.saving.load_model(folder / "m.keras")
    rbm = _rbm(1)[0]
    rbm.load_weights(folder / "m.weights.h5")
    gz.from_preset(folder / "preset")


def saves(count):
    """How many of so many kills left files that are read."""
    good = 0
    chance = random.Random(0)
    for _ in range(count):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            pid = _child(_save_for_ever, folder)
            while not (folder / "begun").exists():
                time.sleep(0.01)
            _killed(pid, chance.random() * 0.3)
            good += _ended(_child(_read, folder)) == 0
    return good


# Fits -----------------------------------------------------------------------


def _fit(family, seed, folder, frequency, end):
    # By which networks begin.
    keras.utils.set_random_seed(seed)
    model, data = FAMILIES[family](seed)
    backup = keras.callbacks.BackupAndRestore(folder, save_freq=frequency)
    model.fit(
        **data,
        batch_size=8,
        epochs=EPOCHS,
        callbacks=[backup] if folder else [],
        verbose=0,
    )
    model.save_weights(end)


def _arrays(path):
    import h5py

    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return found


def _others(found, whole):
    """The first names of arrays that differ, or that one of both lacks."""
    lacking = found.keys() ^ whole.keys()
    return (
        sorted(lacking)[:5]
        or [
            name
            for name in whole
            if not np.array_equal(found[name], whole[name], equal_nan=True)
        ][:5]
    )


def fits(count):
    """(restarts whose end is equal, kills): over families and frequencies."""
    equal = kills = number = 0
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        wholes = {}
        for family in FAMILIES:
            path = root / f"{family}.weights.h5"
            backup = root / "unbroken"
            assert _ended(_child(_fit, family, 7, backup, 10**6, path)) == 0
            shutil.rmtree(backup, ignore_errors=True)
            wholes[family] = _arrays(path)
        while kills < count:
            family = list(FAMILIES)[number % len(FAMILIES)]
            frequency = (1, 3, "epoch")[number % 3]
            number += 1
            backup, end = root / "backup", root / "end.weights.h5"
            shutil.rmtree(backup, ignore_errors=True)
            seed, last = 7, 3
            while True:
                pid = _child(_fit, family, seed, backup, frequency, end)
                # Long enough for one of them to end, on a busy machine.
                if not _killed(pid, 1 + last * chance.random()):
                    break
                kills += 1
                last += 1
                # Before the first save it begins again, with its own seed.
                has_save = (backup / "latest.weights.h5").exists()
                seed = 99 if has_save else 7
            found = _arrays(end) if end.exists() else {}
            other = _others(found, wholes[family])
            print(number, family, frequency, kills, other, flush=True)
            equal += not other
            end.unlink(missing_ok=True)
    return equal, number, kills


# Workers --------------------------------------------------------------------


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def _work(family, cluster, index, folder, frequency):
    import tensorflow as tf

    task = {"type": "worker", "index": index}
    told = {"cluster": {"worker": cluster}, "task": task}
    os.environ["TF_CONFIG"] = json.dumps(told)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    keras.utils.set_random_seed(7)
    with strategy.scope():
        model, data = FAMILIES[family](7)
    seen = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: (folder / "begun").touch()
    )
    callbacks = [
        keras.callbacks.BackupAndRestore(
            folder / "backup", save_freq=frequency
        ),
        keras.callbacks.ModelCheckpoint(folder / "all" / "{epoch}.keras"),
        keras.callbacks.CSVLogger(folder / "log.csv"),
        seen,
    ]
    model.fit(
        **data, batch_size=20, epochs=EPOCHS, callbacks=callbacks, verbose=0
    )
    model.save_weights(folder / "end.weights.h5")


def _pair(family, folder, frequency):
    (folder / "begun").unlink(missing_ok=True)
    cluster = [f"127.0.0.1:{port}" for port in free_ports(2)]
    return [
        _child(_work, family, cluster, index, folder, frequency)
        for index in range(2)
    ]


def _waited(pid, most):
    """Its exit code, or None if it has not ended after so many seconds."""
    end = time.monotonic() + most
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _await(path):
    end = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.01)


def workers(count):
    """(runs whose end is equal, runs, kills, longest wait for the other)."""
    equal = kills = number = 0
    longest = 0.0
    chance = random.Random(2)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        wholes = {}
        while kills < count:
            family = list(FAMILIES)[number % len(FAMILIES)]
            if family not in wholes:
                folder = root / family
                folder.mkdir()
                codes = [_ended(p) for p in _pair(family, folder, 10**6)]
                assert codes == [0, 0], codes
                wholes[family] = _arrays(folder / "end.weights.h5")
            folder = root / f"{family}-{number}"
            folder.mkdir()
            while True:
                pids = _pair(family, folder, 2)
                _await(folder / "begun")
                time.sleep(3 * chance.random())
                victim, is_spared = chance.randrange(2), chance.random() < 0.4
                if is_spared or not _killed(pids.pop(victim), 0):
                    break
                kills += 1
                start = time.monotonic()
                # 0: it had nothing left to do.
                assert _waited(pids[0], 60) in (0, 1)
                longest = max(longest, time.monotonic() - start)
            assert {_waited(pid, 300) for pid in pids} == {0}
            found = _arrays(folder / "end.weights.h5")
            other = _others(found, wholes[family])
            number += 1
            equal += not other
            print(number, family, kills, f"{longest:.1f} s", other, flush=True)
    return equal, number, kills, longest


if __name__ == "__main__":
    tried = {"saves": saves, "fits": fits, "workers": workers}
    print(tried[sys.argv[1]](int(sys.argv[2])))
