"""Errors of 10 runs of AIS on each of three exact models, and the time.

python -m benchmarks.rbm.ais
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import common
from benchmarks.rbm import quality
from recipes import sources


def cost(path):
    """CPU-seconds of three runs on a model in a file."""
    import keras

    import genzoo  # noqa: F401

    rbm = keras.models.load_model(path)
    seconds = []
    for seed in range(3):
        start = time.process_time()
        rbm.log_partition("ais", reverse=False, seed=seed)
        seconds.append(time.process_time() - start)
    return seconds


def rows(found):
    models = found["models"].values()
    return [
        common.row(
            "AIS, 100 chains x 1,000 temperatures, on exact models: runs "
            "within 3 of their own standard errors",
            ", ".join(f"{row['within_3']} of 10" for row in models),
        ),
        common.row(
            "the same at 784x500, CPU-seconds, forward run, one thread",
            f"{min(found['784x500 CPU-seconds']):.2f}",
        ),
    ]


def main():
    common.options(__doc__)
    from genzoo.zoo.measures import boltzmann

    x, _ = sources.mnist()
    models = {
        "64x16 digits": quality.genzoo(
            boltzmann.binary_digits(0), 16, 0.1, 100, 100, 0
        ),
        "784x20 MNIST, rate 0.05": quality.genzoo(x, 20, 0.05, 128, 5, 0),
        "784x20 MNIST, rate 0.1": quality.genzoo(x, 20, 0.1, 128, 5, 0),
    }
    print("AIS, 100 chains x 1,000 temperatures: (estimate - exact) / stderr")
    result = {}
    for name, rbm in models.items():
        truth = rbm.log_partition("enumeration").value
        runs = [
            rbm.log_partition("ais", seed=seed, reverse=False)
            for seed in range(10)
        ]
        errors = [run.value - truth for run in runs]
        ratios = [e / r.stderr for e, r in zip(errors, runs, strict=True)]
        result[name] = {
            "exact": truth,
            "errors": errors,
            "stderrs": [run.stderr for run in runs],
            "within_3": int(np.sum(np.abs(ratios) <= 3)),
        }
        each = " ".join(f"{ratio:+.1f}" for ratio in ratios)
        print(f"  {name:24} {each}   ({result[name]['within_3']} within 3)")
    big = quality.genzoo(x, 500, 0.05, 128, 3, 0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.keras"
        big.save(path)
        seconds = common.elsewhere(cost, str(path))
    print(f"  784x500: {min(seconds):.2f} CPU-seconds, one thread")
    found = {"models": result, "784x500 CPU-seconds": seconds}
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
