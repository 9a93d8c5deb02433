"""What every model of the contract, and every preset, draws and learns.

python tests/golden.py     # write golden.npz anew, where a change is meant

A change of the house must not change a number: draws have addresses, and
sums an order. `golden.npz` was written before the house was rebuilt.
"""

import os
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import tensorflow as tf

# TensorFlow's own name.
_THREADS = "TF_NUM_INTRAOP_THREADS"
FILE = Path(__file__).with_name("golden.npz")


def arithmetic():
    """Some numbers whose last bits tell how this machine rounds.

    The last three are not of that kind: sums are divided among threads, and
    processors of other makers differ in functions that are not among these.
    """
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(130, 300)), tf.float32)
    images = tf.reshape(x[:128], (-1, 10, 10, 3))
    kernel = tf.reshape(x[0, :108], (3, 3, 3, 4))
    half = tf.cast(x[:, :130], tf.float16)
    few, narrow = (tf.cast(v, tf.float16) for v in (images[:16], kernel))
    with tf.GradientTape() as tape:
        tape.watch([few, narrow])
        value = tf.reduce_sum(tf.tanh(tf.nn.conv2d(few, narrow, 2, "SAME")))
    slopes = tape.gradient(value, [few, narrow])
    wide = tf.constant(rng.gamma(2.0, 3.0, 40))
    of_wide = [tf.math.lgamma(wide), tf.exp(wide), tf.math.log(wide)]
    return np.concatenate(
        [
            np.ravel(part).astype("float32")
            for part in (
                tf.matmul(x, x, transpose_b=True)[:7, :7],
                tf.reduce_sum(tf.exp(x), axis=0)[:30],
                tf.math.log(tf.sigmoid(x))[0, :30],
                tf.tanh(x)[1, :30],
                tf.nn.conv2d(images, kernel, 2, "SAME")[0, 0],
                tf.matmul(half, half)[0, :30],
                slopes[0][:4],
                slopes[1],
                tf.math.lgamma(tf.cast(wide, tf.float32)),
                # The last bits of what float32 does not hold.
                *(np.fmod(value.numpy() * 2.0**32, 1.0) for value in of_wide),
                [os.cpu_count(), os.environ.get(_THREADS, 0), _vendor()],
            )
        ]
    )


def _vendor():
    """A number of the processor's maker, 0 where that is not told."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return 0
    names = [line for line in lines if line.startswith("vendor_id")]
    return zlib.crc32("".join(names[:1]).encode()) % 2**16


def of_run(run):
    """A dict of arrays: a contract case after two epochs, and its draws."""
    case, model = run.case, run.back_to(2)
    found = {"loss": run.losses}
    for i, weight in enumerate(_weights(model)):
        found[f"weight {i}"] = weight
    found["sample"] = case.sample(model, 7, seed=1)
    if hasattr(model, "log_partition") and not case.is_conditional:
        found["log Z"] = model.log_partition().value
        options = {"chains": 8, "temperatures": 9, "seed": 2}
        found["annealed"] = list(model.log_partition("ais", **options)[:2])
        found["energy"] = model(tf.constant(case.data[:5], "float32"))
    return {key: np.asarray(value) for key, value in found.items()}


def _weights(model):
    if hasattr(model, "generator"):
        networks = (
            model.generator,
            model.averaged_generator,
            model.discriminator,
        )
        return [w.numpy() for network in networks for w in network.weights]
    chains = [] if model.chains is None else [model.chains.read_all()]
    return [*(w.numpy() for w in model.parameters), *chains]


def of_preset(name):
    """A dict of one array: what a preset draws."""
    import genzoo as gz

    model = gz.from_preset(name)
    if not hasattr(model, "sample"):
        x = np.random.default_rng(0).uniform(-1, 1, (2, 28, 28, 1))
        return {"features": model.predict(x.astype("float32"), verbose=0)}
    if hasattr(model, "networks"):
        shape = model.conditions.shape
        given = {"conditions": np.full(shape, 200.0)} if shape else {}
        return {"sample": model.sample(4, seed=0, **given)}
    drawn = model.sample(4, seed=0, steps=20)
    # Lattices are drawn in their shape, or as a row.
    return {"sample": drawn.reshape(4, -1)}


def write():
    """Write the file."""
    import contract

    import genzoo as gz

    arrays = {"arithmetic": arithmetic()}
    for name in contract.MODELS:
        with tempfile.TemporaryDirectory() as folder:
            found = of_run(contract.Run(name, Path(folder)))
        for key, value in found.items():
            if value.dtype == np.float64 and "loss" in key:
                value = value.astype("float32")
            arrays[f"contract {name}: {key}"] = value
    for name in gz.list_presets():
        for key, value in of_preset(name).items():
            arrays[f"preset {name}: {key}"] = value
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    sys.path.insert(0, str(FILE.parent))
    import conftest  # noqa: F401  (two logical devices, as in the tests)

    write()
