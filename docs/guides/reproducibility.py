# %% [markdown]
# # Reproducibility
#
# Everything that makes a run what it is, is a weight: chains, optimizer, offsets,
# the counter of draws. A save, a new process and two more epochs equal four epochs
# **bit for bit**.

# %%
import tempfile
from pathlib import Path

import keras
import numpy as np

import genzoo as gz

(x, _), _ = gz.datasets.digits.load_data()
x = (x.reshape(-1, 64) > 7).astype("float32")


def started():
    """An untrained RBM."""
    rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(8), seed=0)
    rbm.compile(keras.optimizers.SGD(0.05))
    return rbm


whole = started()
whole.fit(x, batch_size=50, epochs=4, verbose=0)

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "rbm.keras"
    first = started()
    first.fit(x, batch_size=50, epochs=2, verbose=0)
    first.save(path)
    again = keras.models.load_model(path)
again.fit(x, batch_size=50, initial_epoch=2, epochs=4, verbose=0)
print("the same kernel:", np.array_equal(whole.kernel, again.kernel))
print("the same draws: ", np.array_equal(whole.sample(5), again.sample(5)))

# %% tags=["check"]
assert np.array_equal(whole.kernel, again.kernel)

# %% [markdown]
# With the default optimizer, whose rate falls over a `fit`, use Keras's
# `BackupAndRestore`, which resumes as exactly, at any batch with `save_freq=n`.
#
# ## Draws
#
# `sample(n, seed=s)` is a function of weights and seed. Without a seed it takes the
# next of the model's own draws, which are part of what is saved.

# %%
one, two = whole.sample(8, seed=3), whole.sample(8, seed=3)
print(np.array_equal(one, two), np.array_equal(one, whole.sample(8, seed=4)))

# %% tags=["check"]
assert np.array_equal(one, two)

# %% [markdown]
# Same seed, same draws, also with `jit_compile=True`: XLA draws the same numbers, and
# rounds sums in another way. Bit for bit it is on one machine with one setting. From a `tf.data.Dataset` a training goes on bit for bit if
# its order follows from seeds. What other callbacks remember, such as
# `EarlyStopping`, begins anew.
