"""A preset is served where genzoo is not installed.

    python examples/serve.py
    python examples/serve.py --preset gan_mnist_conditional

Exports the preset to served/NAME/1, where TensorFlow Serving would look for
it, and starts a process with TensorFlow and NumPy that cannot import genzoo or
Keras. It answers the request that TensorFlow Serving would get, and draws the
answer: serve.png. The samples are those that the model draws here for the same
seed, bit for bit.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

ROWS, COLUMNS = 10, 10


def main():
    """Export, ask, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="rbm_digits_8x8")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", default="served")
    parser.add_argument("--output", default="serve.png")
    options = parser.parse_args()
    import genzoo as gz

    name = Path(options.preset).name
    folder = Path(options.folder, name)
    model = gz.from_preset(options.preset)
    model.export(folder / "1")
    served = gz.load_exported(folder / "1")
    print(served)

    n = ROWS * COLUMNS
    given = {"steps": 1000, "labels": [i % COLUMNS for i in range(n)]}
    takes = served.endpoints["sample"]
    given = {key: value for key, value in given.items() if key in takes}
    inputs = {"n": n, "seed": [options.seed, 0], **given}
    request = json.dumps({"signature_name": "sample", "inputs": inputs})
    (folder / "request.json").write_text(request)
    print(f"POST /v1/models/{name}:predict {request[:100]}")
    command = [sys.executable, __file__, "--serve", folder, options.output]
    subprocess.run(command, check=True)

    answer = np.load(folder / "answer.npy")
    expected = model.sample(n, seed=options.seed, **given)
    np.testing.assert_array_equal(answer, expected)
    print(f"{n} samples, equal to those drawn here; see {options.output}")


def serve(folder, output):
    """Answer a request as TensorFlow Serving does, without genzoo."""
    sys.modules["genzoo"] = sys.modules["keras"] = None
    import tensorflow as tf

    model = tf.saved_model.load(str(Path(folder, "1")))
    request = json.loads(Path(folder, "request.json").read_text())
    function = model.signatures[request["signature_name"]]
    specs = function.structured_input_signature[1]
    (answer,) = function(
        **{
            name: tf.constant(value, specs[name].dtype)
            for name, value in request["inputs"].items()
        }
    ).values()
    np.save(Path(folder, "answer.npy"), answer)
    card = json.loads(tf.io.read_file(model.card.asset_path).numpy())
    draw(output, answer.numpy(), f"{card['description']}, without genzoo")


def draw(path, samples, title):
    """A grid of images."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    side = round(np.sqrt(samples[0].size))
    if side**2 != samples[0].size or side < 8:
        raise SystemExit(f"no square images: shape {samples.shape[1:]}")
    images = samples.reshape(ROWS, COLUMNS, side, side).astype(float)
    low, high = images.min(), images.max()
    # White between two images.
    images = np.pad(
        images, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan
    )
    figure, axis = plt.subplots(figsize=(5, 5.2), layout="constrained")
    axis.imshow(
        np.block([list(row) for row in images]),
        cmap="gray_r",
        vmin=low,
        vmax=high,
    )
    axis.set_title(title, fontsize=9)
    axis.axis("off")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main()
