# %% [markdown]
# # Serving
#
# `export` writes a SavedModel that needs TensorFlow and nothing of genzoo.

# %%
import tempfile

import numpy as np
import tensorflow as tf

import genzoo as gz

digits = gz.from_preset("rbm_digits_8x8")
digits.log_partition()  # kept with the weights, so that log_prob is served
folder = tempfile.mkdtemp() + "/digits/1"
digits.export(folder, verbose=False)

served = tf.saved_model.load(folder)
x = served.sample(16, [0, 0], 1000).numpy()
print("as the model draws:", np.array_equal(x, digits.sample(16, seed=0)))
print("energies:", served.energy(x[:3]).numpy().round(2))

# %% tags=["check"]
assert np.array_equal(x, digits.sample(16, seed=0))

# %% [markdown]
# Where genzoo is installed, `gz.load_exported(folder)` has the same methods as the
# model: `served.sample(16, seed=0)`, and `served.card`.
#
# | endpoint | gives |
# |---|---|
# | `serve(x)`, or `serve(z)`, `serve(z, labels)` of a GAN: the default | what `model(x)` gives: the energy of examples, G(z) of latents |
# | `sample(n, seed, steps)`, or `sample(n, seed)`, `sample(n, seed, labels)` of a GAN | what the method gives for the seed |
# | `energy(x)` | E(x) in nats |
# | `log_prob(x)` | nats, if `log_partition()` was called for these weights |
# | `gibbs(x, seed, steps)` | what `sample` gives from `start=x` |
# | `complete(x, mask, seed, steps)` | what `sample` gives for `given=x, mask=mask`, by chains |
# | `hidden_mean(x)` of an RBM, `score(x)` of a GAN | features, logits |
#
# ## Over HTTP
#
# TensorFlow Serving reads the folder as it is, and answers requests of named
# inputs:
#
# ```sh
# tensorflow_model_server --rest_api_port=8501 \
#   --model_name=digits --model_base_path=$PWD/served/digits &
# curl -X POST http://localhost:8501/v1/models/digits:predict -d '{
#   "signature_name": "sample",
#   "inputs": {"n": 16, "seed": [0, 0], "steps": 1000}
# }'
# ```
#
# The example [serve](../gallery/serve.md) does it with a process that cannot import
# genzoo.
#
# ## ONNX and LiteRT
#
# `digits.export("digits.tflite", format="litert")` and
# `digits.export("sweep.onnx", format="onnx", endpoint="gibbs")` (extra `onnx`) hold
# one endpoint, which draws nothing itself: the uniform numbers are inputs.
