# %% [markdown]
# # Serving
#
# `export` writes a SavedModel that needs TensorFlow and nothing of genzoo.

# %%
import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

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
# ## TensorFlow Serving
#
# It reads the folder as it is, and answers requests of named inputs:
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
# ## A service of your own
#
# Python's standard library and TensorFlow do for a few users whom you trust: the
# path names the endpoint, the body its inputs. It does not limit `n` or `steps`, nor
# does it ask who calls: put it behind a server that does.

# %%
service = """
import http.server, json, sys
import tensorflow as tf

folder, host, port = sys.argv[1:]
model = tf.saved_model.load(folder)

class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        try:
            size = int(self.headers["Content-Length"])
            given = json.loads(self.rfile.read(size))
            call = model.signatures[self.path.strip("/")]
            specs = call.structured_input_signature[1].items()
            inputs = {k: tf.constant(given[k], s.dtype) for k, s in specs}
            (output,) = call(**inputs).values()
            status, answer = 200, {"outputs": output.numpy().tolist()}
        except (KeyError, TypeError, ValueError, tf.errors.OpError) as error:
            status, answer = 400, {"error": repr(error)}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

server = http.server.ThreadingHTTPServer((host, int(port)), Service)
print(server.server_port, flush=True)
server.serve_forever()
"""
script = Path(folder).parent / "service.py"
size = script.write_text(service.lstrip())

# %% [markdown]
# Started here on a port that is free, and asked once:

# %%
command = [sys.executable, script, folder, "127.0.0.1", "0"]
process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
try:
    port = process.stdout.readline().strip()
    body = json.dumps({"n": 16, "seed": [0, 0], "steps": 1000}).encode()
    with urllib.request.urlopen(
        f"http://127.0.0.1:{port}/sample", body
    ) as answer:
        drawn = np.array(json.load(answer)["outputs"])
finally:
    process.terminate()
    process.wait()
print(drawn.shape, "as the model draws:", np.array_equal(drawn, x))

# %% tags=["check"]
assert np.array_equal(drawn, x)

# %% [markdown]
# ## In a container
#
# The image needs TensorFlow, the folder and the script: nothing of genzoo. Beside
# `service.py` and the folder `1` a `Containerfile`:
#
# ```dockerfile
# FROM docker.io/library/python:3.12-slim
# RUN pip install --no-cache-dir "tensorflow>=2.21,<2.22"
# COPY service.py /srv/service.py
# COPY 1 /srv/1
# USER nobody
# EXPOSE 8000
# CMD ["python", "/srv/service.py", "/srv/1", "0.0.0.0", "8000"]
# ```
#
# ```sh
# podman build -t digits . && podman run --rm -p 127.0.0.1:8000:8000 digits &
# curl http://localhost:8000/energy -d "{\"x\": [[$(yes 0, | head -63 | tr -d '\n')0]]}"
# ```
#
# ## ONNX and LiteRT
#
# A file holds one endpoint, which draws nothing itself: of a Gibbs sweep the uniform
# numbers are inputs. ONNX needs the extra `onnx`, and its file no TensorFlow to run.

# %%
import onnxruntime

energy, sweep = f"{folder}/energy.onnx", f"{folder}/sweep.onnx"
digits.export(energy, format="onnx", endpoint="energy")
digits.export(sweep, format="onnx", endpoint="gibbs")
digits.export(f"{folder}/energy.tflite", format="litert", endpoint="energy")

(found,) = onnxruntime.InferenceSession(energy).run(None, {"x": x})
gap = np.abs(found - digits.energy(x)).max()
session = onnxruntime.InferenceSession(sweep)
takes = {given.name: given.shape for given in session.get_inputs()}
print(f"energies differ by at most {gap:.0e}; a sweep takes {takes}")

# %% tags=["check"]
assert gap < 1e-4
