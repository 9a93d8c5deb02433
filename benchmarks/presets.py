"""Seconds to load each preset and draw 64 samples, after the import.

    python benchmarks/preset_times.py

Each in a process of its own, by default arguments; the better of two runs.
"""

import argparse
import json
import time

import common

LABELS = {"gan_mnist_conditional": [7] * 64, "gan_events": [[200.0]] * 64}


def measure(name):
    """Wall seconds of one preset in this process."""
    import numpy as np

    import genzoo as gz

    began = time.perf_counter()
    model = gz.from_preset(name)
    labels = LABELS.get(name)
    given = {} if labels is None else {"labels": np.array(labels)}
    if name == "digit_features":
        model.predict(np.zeros((64, 28, 28, 1), "float32"), verbose=0)
    else:
        model.sample(64, seed=0, **given)
    return time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--one")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    import genzoo as gz

    found = {}
    for name in gz.list_presets():
        runs = [
            common.run(__file__, ["--one", name], environment={})
            for _ in range(2)
        ]
        found[name] = min(runs)
        print(f"{name:<28} {found[name]:.2f} s", flush=True)
    common.write("preset_times", {"wall s": found})


if __name__ == "__main__":
    main()
