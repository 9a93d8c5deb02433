# %% [markdown]
# # Scaling: more steps a call, more devices, more data
#
# In this order: `steps_per_execution` costs one word; several devices pay for large
# models; files larger than memory need nothing else at all.

# %%
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

# Two devices of one processor, so that this page runs anywhere.
cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
if not tf.config.get_logical_device_configuration(cpu):
    tf.config.set_logical_device_configuration(cpu, two)

import genzoo as gz

(x, _), _ = gz.datasets.digits.load_data()
x = (x.reshape(-1, 64) > 7).astype("float32")


def fitted(data=x, **options):
    """An RBM after two epochs."""
    rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(8), seed=0)
    rbm.compile(**options)
    rbm.fit(data, batch_size=50, epochs=2, verbose=0)
    return rbm


# %% [markdown]
# ## Many steps in one call
#
# `steps_per_execution=n` leaves out Python between n updates: 10 or more help small
# GANs, and 16 save an RBM about a tenth of its time. The result is the same, bit for
# bit; callbacks see every n-th batch.

# %%
one, ten = fitted(), fitted(steps_per_execution=10)
print("the same kernel:", np.array_equal(one.kernel, ten.kernel))

# %% tags=["check"]
assert np.array_equal(one.kernel, ten.kernel)

# %% [markdown]
# ## Several devices of one machine
#
# Under a strategy a *global* batch gives the update that one device gives, and every
# replica draws its own rows of the same random numbers: the result does not depend
# on how many there are, but for the order of sums. Persistent chains are shared out,
# so their number must be a multiple of that of the replicas.

# %%
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    shared = fitted()
gap = np.abs(shared.log_prob(x) - one.log_prob(x)).max()
print(
    f"{strategy.num_replicas_in_sync} replicas; largest difference {gap:.1e} nats"
)

# %% tags=["check"]
assert strategy.num_replicas_in_sync == 2
assert gap < 0.05

# %% [markdown]
# ## Several workers
#
# The same script runs on every machine; `TF_CONFIG` says which are there, and which
# one this is. Here both are processes of this one, and speak over loopback.

# %%
worker = """
import sys
import numpy as np
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()  # before all else
import genzoo as gz

x = np.load(sys.argv[1])
with strategy.scope():
    rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(8), seed=0)
    rbm.compile()
rbm.fit(x, batch_size=len(x), epochs=2, verbose=0)
if strategy.cluster_resolver.task_id == 0:
    np.save(sys.argv[2], rbm.kernel)
"""
folder = Path(tempfile.mkdtemp())
np.save(folder / "x.npy", x)
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
workers = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
for s in sockets:
    s.close()  # these ports are free
command = [
    sys.executable,
    "-c",
    worker,
    folder / "x.npy",
    folder / "kernel.npy",
]
processes = []
for index in range(2):
    task = {"type": "worker", "index": index}
    told = json.dumps({"cluster": {"worker": workers}, "task": task})
    processes.append(
        subprocess.Popen(
            command,
            env={**os.environ, "TF_CONFIG": told},
            stderr=subprocess.DEVNULL,
        )
    )
print("ended with", [process.wait(timeout=120) for process in processes])

alone = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(8), seed=0)
alone.compile()
alone.fit(x, batch_size=len(x), epochs=2, verbose=0)
gap = np.abs(np.load(folder / "kernel.npy") - alone.kernel).max()
print(f"largest difference of a kernel: {gap:.1e}")

# %% tags=["check"]
assert gap < 1e-5

# %% [markdown]
# Each worker is given all of the data, and takes its share. `fit` is called by all with
# the same callbacks: the first worker (the chief) logs and writes, the others take part
# without a file. Put a `BackupAndRestore` into a folder that all see: if a worker is
# lost, the others end with an `UnavailableError` within seconds, and all go on from the
# backup once they are started again, to the same weights. A save outside of `fit` needs
# all workers to call it. One batch an epoch is a batch of everything: with smaller ones, workers
# may be dealt rows in another order than one device takes them.
#
# ## Where it stops
#
# What replicas tell each other is their gradients, as many bytes as the model has
# weights, whatever the batch. Some rules also need every row of the batch: the jumps
# of an RBM's persistent chains between examples do. A strategy counts it:


# %%
class Counting(tf.distribute.ReductionToOneDevice):
    """Notes the bytes of whatever is reduced, when a graph is made."""

    heard = 0

    def reduce_implementation(self, op, value, destinations, options):
        """The sum or mean of the replicas' values."""
        own = getattr(value, "values", [value])[0]
        Counting.heard += own.shape.num_elements() * own.dtype.size
        return super().reduce_implementation(op, value, destinations, options)


strategy = tf.distribute.MirroredStrategy(
    ["CPU:0", "CPU:1"], cross_device_ops=Counting()
)
for jumps in (True, False):
    Counting.heard = 0
    rule = gz.losses.PersistentContrastiveDivergence(jumps=jumps)
    with strategy.scope():
        rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(8), seed=0)
        rbm.compile(loss=rule, watch=False)
    rbm.fit(x[:1000], batch_size=50, verbose=0)
    weights = sum(w.numpy().nbytes for w in rbm.trainable_weights)
    print(f"jumps={jumps}: {Counting.heard} bytes an update, weights {weights}")

# %% tags=["check"]
assert Counting.heard == weights + 4 * (8 + 1) == 2372

# %% [markdown]
# Of a global batch of B rows, by `benchmarks/reduced.py`:
#
# | model | weights | reduced in an update | rows | workers |
# |---|---|---|---|---|
# | RBM 784x500 | 1,573 kB | 1,575 kB + 5,136 B | 75 | 4 |
# | RBM 784x500, jumps=False | 1,573 kB | 1,575 kB | 81 | any |
# | deep 784-500-500 | 2,575 kB | 2,582 kB + 5,136 B | 51 | 10 |
# | pairs of 256 spins | 263 kB | 526 kB | 8 | any |
# | neural energy, 2 numbers | 200 kB | 402 kB + 8 B | 11 | 4,572 |
# | GAN mlp, 2 numbers | 269 kB | 269 kB | 26 | any |
# | GAN dcgan 28x28 | 1,128 kB | 1,128 kB | 3 | any |
#
# With fewer *rows* a replica than that, sending would take longer than computing; and
# with more *workers*, however large the batch. This is reckoned, not measured: from
# the seconds of one core for an update, and 1 GB/s between machines of one core. A
# faster device needs as many times more rows, a faster network fewer. So:
#
# - grow the batch with the number of replicas, or they only wait for each other;
# - large RBMs on several machines want `PersistentContrastiveDivergence(jumps=False)`,
#   if chains mix without;
# - a `MaxEnt` that learns from averages sums its data once, and needs no devices;
# - one machine's cores are used by TensorFlow without any strategy.
#
# What 2 and 4 replicas cost on this machine, where they cannot be quicker, is in the
# [benchmarks](../benchmarks.md), from `benchmarks/devices.py`: some milliseconds of an
# update for each, of which the sum of the gradients is the smaller part.

# %% [markdown]
# ## Data larger than memory
#
# A mapped file goes into `fit` like any array, and only what a batch needs is read:
# an epoch of 6 GiB runs in a process that is held to 2 GiB
# ([benchmarks](../benchmarks.md)). Bits as bytes take an eighth of int64.

# %%
path = folder / "large.npy"
part = np.lib.format.open_memmap(path, "w+", np.uint8, x.shape)
part[:] = x  # of a large file a piece at a time
part.flush()
mapped = fitted(np.load(path, mmap_mode="r"))
print("as from memory:", np.array_equal(mapped.kernel, one.kernel))

# %% tags=["check"]
assert np.array_equal(mapped.kernel, one.kernel)

# %% [markdown]
# From many files it is a `tf.data.Dataset` or a `keras.utils.PyDataset`, see
# [Data as you have them](data.md).
#
# Limits: `keras.distribution` does nothing on TensorFlow and is refused;
# `jit_compile=True` fails inside Keras on several mirrored replicas and is refused.
