"""What a user meets first: the import."""

import os
import subprocess
import sys

import pytest


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        capture_output=True,
        text=True,
    )


def test_import_costs_little_on_top_of_keras(tmp_path):
    # The first thing that genzoo imports is Keras: what follows is its own.
    # Each fork of the process imports genzoo for the first time, all but the
    # first from bytecode, as users do.
    code = """
import gc, os, sys, time
import keras
gc.freeze()
sys.dont_write_bytecode, sys.pycache_prefix = False, os.environ["FOLDER"]
for _ in range(4):
    if os.fork() == 0:
        start = time.process_time()
        import genzoo
        cost = time.process_time() - start
        print(cost, "tensorflow_probability" in sys.modules, flush=True)
        os._exit(0)
    assert os.wait()[1] == 0
"""
    result = run(code, KERAS_BACKEND="tensorflow", FOLDER=str(tmp_path))
    assert result.returncode == 0, result.stderr
    seconds, probability_imported = zip(
        *(line.split() for line in result.stdout.splitlines()), strict=True
    )
    assert set(probability_imported) == {"False"}
    assert min(map(float, seconds)) <= 0.15


@pytest.mark.parametrize("backend", ["jax", "numpy", "torch"])
def test_another_backend_gives_one_clear_error(backend):
    # Where the backend's own packages are missing Keras fails to import, and
    # its error would send the user off to install them.
    result = run("import genzoo", KERAS_BACKEND=backend)
    assert result.returncode == 1
    error = result.stderr.strip().splitlines()[-1]
    assert error.startswith("ImportError: genzoo needs Keras's TensorFlow")
    assert "KERAS_BACKEND=tensorflow" in error
