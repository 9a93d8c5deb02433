"""Files of the playground: the models that its pages load.

Small Boltzmann machines as JSON, GANs as ONNX files, gzipped.
"""

import gzip
import json
import tempfile
from pathlib import Path

import keras
import numpy as np

import genzoo as gz

MADE = Path(__file__).parent / "_generated" / "playground" / "models"
BOLTZMANN = ("rbm_digits_8x8", "rbm_digits_8x8_adversarial")
GANS = ("gan_mnist", "gan_mnist_conditional")
# Binary digits of the test set, to begin with: one of each class.
EXAMPLES = 10


def machine(name):
    """Weights and log Z of an RBM preset of units 0 and 1, as plain data."""
    model = gz.from_preset(name)
    return {
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


def network(name):
    """A GAN preset's generator as the bytes of an ONNX file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{name}.onnx")
        gz.from_preset(name).export(path, format="onnx", verbose=False)
        return path.read_bytes()


def main():
    """All of them."""
    MADE.mkdir(parents=True, exist_ok=True)
    for name in BOLTZMANN:
        held = machine(name)
        if name == "rbm_digits_8x8":
            held["examples"] = examples()
        text = json.dumps(held, separators=(",", ":"))
        (MADE / f"{name}.json").write_text(text)
    for name in GANS:
        packed = gzip.compress(network(name), 9, mtime=0)
        (MADE / f"{name}.onnx.gz").write_bytes(packed)
    for path in sorted(MADE.iterdir()):
        print(f"{path.name:40} {path.stat().st_size:9,} bytes")


if __name__ == "__main__":
    main()
