# %% [markdown]
# # Data as you have them
#
# Arrays, `scipy.sparse` matrices, pandas and polars frames, `tf.data`,
# `keras.utils.PyDataset`, generators, PyTorch loaders, dicts of which one entry
# fits. Errors say what to do.

# %%
import numpy as np
import tensorflow as tf

import genzoo as gz

(x, _), _ = gz.datasets.digits.load_data()
x = (x.reshape(-1, 64) > 7).astype("float32")


def fitted(data, **options):
    """An RBM after two epochs."""
    rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(8), seed=0)
    rbm.compile()
    rbm.fit(data, epochs=2, verbose=0, **options)
    return rbm


dataset = tf.data.Dataset.from_tensor_slices(x).shuffle(1500, seed=0).batch(50)
print(f"{fitted(dataset).log_prob(x).mean():.1f} nats by tf.data")
print(f"{fitted(x, batch_size=50).log_prob(x).mean():.1f} nats by an array")

# %% [markdown]
# What does not fit is refused in words that say the remedy:

# %%
for wrong in (2 * x - 1, 255 * x):
    try:
        fitted(wrong)
    except ValueError as error:
        print(error, end="\n\n")

# %% tags=["check"]
for wrong in (2 * x - 1, 255 * x):
    try:
        fitted(wrong)
    except ValueError:
        continue
    raise AssertionError("Values that are no bits were taken.")

# %% [markdown]
# ## Tables
#
# Numbers, categories, dates and gaps become vectors for any model, and samples
# become tables again:

# %%
rng = np.random.default_rng(0)
frame = {
    "kind": rng.choice(["guest", "collector"], 400, p=[0.9, 0.1]),
    "age": np.where(rng.random(400) < 0.1, np.nan, rng.integers(18, 80, 400)),
}
table = gz.datasets.Table(frame)
gan = gz.GAN(*gz.networks.tabular(table), seed=0)
gan.compile(steps_per_execution=10)
gan.fit(table.encode(frame), epochs=2, verbose=0)
drawn = table.sample(gan, 5, seed=0, where={"kind": "collector"})
print(drawn["kind"])

# %% tags=["check"]
assert list(drawn["kind"]) == ["collector"] * 5
