"""What the benchmarks share: data, peers, one thread, json."""

import json
import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE / ".venv-peers"
BROKEN_DEPENDENCIES = ("maxentropy",)
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
}


def load_mnist():
    """MNIST as Keras's loader gives it, or from the file named by MNIST_NPZ.

    The file has the layout of `keras.datasets.mnist`.
    """
    import numpy as np

    path = os.environ.get("MNIST_NPZ")
    if not path:
        import keras

        return keras.datasets.mnist.load_data()
    with np.load(path, allow_pickle=False) as file:
        train = file["x_train"], file["y_train"]
        return train, (file["x_test"], file["y_test"])


def mnist():
    """(x_train, x_test), 0 and 1, threshold 127, uint8, (n, 784)."""
    (x, _), (x_test, _) = load_mnist()
    return [(x.reshape(-1, 784) > 127).astype("uint8") for x in (x, x_test)]


def mnist_images():
    """((x, y), (x_test, y_test)), images in [-1, 1], (n, 28, 28, 1)."""
    return tuple(
        ((x[..., None] / 127.5 - 1).astype("float32"), y)
        for x, y in load_mnist()
    )


def peer_python(*packages):
    """The interpreter of an environment with peers, made if missing.

    Args:
        packages: names of the PyPI packages wanted; scikit-learn by default.
    """
    packages = packages or ("scikit-learn",)
    python = PEERS / "bin" / "python"
    if not python.exists():
        venv.create(PEERS, with_pip=True)
    pip = [python, "-m", "pip"]
    shown = subprocess.run([*pip, "show", "-q", *packages], capture_output=True)
    if shown.returncode or shown.stderr:
        broken = [p for p in packages if p in BROKEN_DEPENDENCIES]
        others = [p for p in packages if p not in BROKEN_DEPENDENCIES]
        subprocess.run([*pip, "install", "-q", *others], check=True)
        if broken:
            # Their own list of dependencies cannot be installed any more.
            subprocess.run(
                [*pip, "install", "-q", "--no-deps", *broken], check=True
            )
    return str(python)


def run(script, arguments, python=sys.executable, environment=ONE_THREAD):
    """The json that another process prints as its last line."""
    result = subprocess.run(
        [python, str(script), *map(str, arguments)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def written(name):
    """What the json of this name holds so far, a dict."""
    path = HERE / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write(name, result):
    """Write a result with the machine's description beside the scripts."""
    import importlib.metadata as metadata

    result["machine"] = {
        "processor": _processor(),
        "python": platform.python_version(),
        **{p: metadata.version(p) for p in ("tensorflow", "keras", "numpy")},
    }
    path = HERE / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written to {path}")


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [
        line.split(":")[1].strip() for line in lines if "model name" in line
    ]
    return f"{len(names)} x {names[0]}"
