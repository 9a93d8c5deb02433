"""Files of the playground: the models that its pages load.

Small Boltzmann machines as JSON, GANs as ONNX files, gzipped.
"""

import gzip
import json
import tempfile
from pathlib import Path

import keras
import numpy as np
import onnx
from pages import DRAWN

import genzoo as gz

MADE = Path(__file__).parent / "_generated" / "playground" / "models"
# Binary digits of the test set, to begin with: one of each class.
EXAMPLES = 10


def machine(name):
    """Weights and log Z of an RBM preset of units 0 and 1, as plain data."""
    model = gz.from_preset(name)
    return {
        "examples": examples(),
        "kernel": _numbers(model.kernel),
        "visible": _numbers(model.visible.bias),
        "hidden": _numbers(model.hidden.bias),
        "logPartition": gz.zoo.card(name)["log_partition"]["value"],
    }


def _numbers(array):
    """To nine digits, as many as a float32 has."""
    array = keras.ops.convert_to_numpy(array)
    return [float(f"{number:.9g}") for number in array.ravel()]


def examples():
    """Digits of the test set, each a text of 64 bits."""
    (_, _), (x, y) = gz.datasets.digits.load_data()
    bits = x.reshape(-1, 64) > 7
    first = [np.flatnonzero(y == digit)[1] for digit in range(EXAMPLES)]
    return ["".join(map(str, bits[row].astype(int))) for row in first]


def network(model):
    """A GAN's generator as the bytes of an ONNX file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "generator.onnx")
        model.export(path, format="onnx", verbose=False)
        return path.read_bytes()


def directions(written, latents, count=8):
    """Orthonormal directions of z that the first layer stretches most.

    Reference:
        Shen and Zhou, "Closed-form factorization of latent semantics in
        GANs", CVPR 2021.
    """
    graph = onnx.load_from_string(written).graph
    first = next(node for node in graph.node if node.op_type == "MatMul")
    held = {tensor.name: tensor for tensor in graph.initializer}
    kernel = onnx.numpy_helper.to_array(held[first.input[1]])
    # Below the rows of z are those of the class.
    found, _, _ = np.linalg.svd(kernel[:latents], full_matrices=False)
    return found[:, :count].T


def drawn(model, count=3):
    """Latents, labels if there are, and the pixels that they give in Python."""
    function, (latents, *labels) = model.portable_endpoints()["serve"]
    rng = np.random.default_rng(0)
    z = rng.normal(size=(count, latents.shape[1])).astype("float32")
    asked = rng.integers(10, size=count).astype("int32") if labels else None
    given = [z] if asked is None else [z, asked]
    pixels = function(*map(keras.ops.convert_to_tensor, given))
    return {
        "latents": [_numbers(row) for row in z],
        "labels": None if asked is None else asked.tolist(),
        "pixels": [_numbers(row) for row in pixels],
    }


def main():
    """All of them."""
    MADE.mkdir(parents=True, exist_ok=True)
    checks = {}
    for name in DRAWN:
        model = gz.from_preset(name)
        if isinstance(model, gz.RBM):
            _write(f"{name}.json", machine(name))
            continue
        written = network(model)
        packed = gzip.compress(written, 9, mtime=0)
        (MADE / f"{name}.onnx.gz").write_bytes(packed)
        if name == "gan_mnist_conditional":
            found = directions(written, model.latent_shape[0])
            _write("directions.json", [_numbers(row) for row in found])
        checks[name] = drawn(model)
    # For docs/browser.py.
    _write("checks.json", checks)
    for path in sorted(MADE.iterdir()):
        print(f"{path.name:40} {path.stat().st_size:9,} bytes")


def _write(name, held):
    (MADE / name).write_text(json.dumps(held, separators=(",", ":")))


if __name__ == "__main__":
    main()
