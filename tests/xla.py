"""Steps compiled by XLA beside those that are not: `python -m tests.xla`.

Every case of the contract learns one epoch twice, in batches of one size; names
of cases, as arguments, take these alone. Adam makes steps of gradients that are
nothing but rounding, so SGD takes its place. To compile takes ten times as long
as all else, so CI does it for two families only.

The multipliers of "maxent conditional" are not known by its data: see its loss.
"""

import sys
import time
from pathlib import Path

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import contract


def learned(case, is_compiled):
    """(weights and logs by name, CPU seconds) of an epoch."""
    keras.utils.set_random_seed(3)
    model = case.make(5)
    config = {**model.get_compile_config(), "jit_compile": is_compiled}
    for name, value in config.items():
        if name.endswith("optimizer") and "Adam" in str(value):
            sgd = keras.optimizers.SGD(0.05)
            config[name] = keras.saving.serialize_keras_object(sgd)
    model.compile_from_config(config)
    rows = len(case.data) // 20 * 20
    options = {"batch_size": case.batch_size, "verbose": 0, "shuffle": False}
    if case.labels is not None:
        options["y"] = case.labels[:rows]
    start = time.process_time()
    logs = model.fit(case.data[:rows], **options).history
    seconds = time.process_time() - start
    # A search may take a step more.
    found = {name: values[-1] for name, values in logs.items()}
    for number, variable in enumerate(model.weights):
        if variable.path == "watch/record":
            # A mark of the weights' last bits is in it.
            continue
        found[f"{number}: {variable.path}"] = variable.numpy()
    return found, seconds


def gap(one, other):
    """The largest difference of two arrays, by the size of the first."""
    one, other = (np.asarray(a, np.float64).ravel() for a in (one, other))
    # Not yet known: NaN, or infinite, in both.
    known = np.isfinite(one) | np.isfinite(other)
    apart = abs(one[known] - other[known])
    return float(
        max(apart / (1e-3 + abs(one[known]).max(initial=0)), default=0)
    )


def main():
    for name in sys.argv[1:] or contract.MODELS:
        case = contract.MODELS[name]
        (one, plain), (other, compiled) = (
            learned(case, is_compiled) for is_compiled in (False, True)
        )
        # Which names come first depends on how many layers were made before.
        gaps = {
            key: gap(a, b)
            for (key, a), b in zip(one.items(), other.values(), strict=True)
        }
        worst = max(gaps, key=gaps.get)
        print(
            f"{name:22} {gaps[worst]:.0e} ({worst}), "
            f"{plain:.1f} s, with XLA {compiled:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
