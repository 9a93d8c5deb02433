# %% [markdown]
# # Mixed precision, and several devices
#
# ## `mixed_bfloat16`
#
# Keras's policy, or `dtype=` of one model. Products are taken in bfloat16; weights,
# energies and likelihoods stay in float32. What it saves on your processor, and
# what it costs in nats, is in the [benchmarks](../benchmarks.md).

# %%
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


def fitted(**options):
    """An RBM after two epochs."""
    rbm = gz.RBM(
        gz.units.Bernoulli(64), gz.units.Bernoulli(8), seed=0, **options
    )
    rbm.compile()
    rbm.fit(x, batch_size=50, epochs=2, verbose=0)
    return rbm


full, half = fitted(), fitted(dtype="mixed_bfloat16")
for rbm in (full, half):
    print(f"{rbm.dtype_policy.name:15} {rbm.log_prob(x).mean():.2f} nats")

# %% tags=["check"]
assert abs(full.log_prob(x).mean() - half.log_prob(x).mean()) < 0.5

# %% [markdown]
# ## `tf.distribute`
#
# Under a strategy a *global* batch gives the update that one device gives, and
# every replica draws its own rows of the same random numbers: the result does not
# depend on how many there are, but for the order of sums.

# %%
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    shared = fitted()
gap = np.abs(shared.log_prob(x) - full.log_prob(x)).max()
print(
    f"{strategy.num_replicas_in_sync} replicas; largest difference {gap:.1e} nats"
)

# %% tags=["check"]
assert strategy.num_replicas_in_sync == 2
assert gap < 0.05

# %% [markdown]
# Limits: `keras.distribution` does nothing on TensorFlow and is refused
# `jit_compile=True` fails inside Keras on several mirrored replicas and is refused
# a save by several workers needs all of them to call it.
