"""Seconds to load each preset and draw 64 samples, after the import.

    python -m benchmarks.presets

Each in a process of its own, by default arguments; the better of two runs.
"""

import time

from benchmarks import common

GIVEN = {
    "gan_glyphs": {"labels": [7] * 64},
    "gan_mnist_conditional": {"labels": [7] * 64},
    "gan_events": {"conditions": [[200.0]] * 64},
}


def measure(name):
    """Wall seconds of one preset in this process."""
    import numpy as np

    import genzoo as gz

    began = time.perf_counter()
    model = gz.from_preset(name)
    if name == "digit_features":
        model.predict(np.zeros((64, 28, 28, 1), "float32"), verbose=0)
    else:
        model.sample(64, seed=0, **GIVEN.get(name, {}))
    return time.perf_counter() - began


def rows(found):
    name, slowest = max(found["wall s"].items(), key=lambda item: item[1])
    return [
        common.row(
            "presets, two threads: seconds to load one and draw 64, the "
            "slowest",
            f"{slowest:.1f} (`{name}`)",
        ),
    ]


def main():
    common.options(__doc__)
    import genzoo as gz

    found = {}
    for name in gz.list_presets():
        found[name] = min(
            common.elsewhere(measure, name, environment={}) for _ in range(2)
        )
        print(f"{name:<28} {found[name]:.2f} s", flush=True)
    common.save(__file__, {"wall s": found}, rows)


if __name__ == "__main__":
    main()
