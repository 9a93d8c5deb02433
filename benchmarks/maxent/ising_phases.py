"""What three models generate after 10,000 configurations of a phase.

Runs the fits of `examples/ising_phases.py` with several seeds, and writes how
far energy and |magnetisation| per site are from the truth.

    python benchmarks/ising_phases.py [--seeds 2]
"""

import argparse
import runpy
import time

import common

import genzoo as gz

EXAMPLE = common.HERE.parent / "examples" / "ising_phases.py"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    example = runpy.run_path(str(EXAMPLE))
    measure, generate = example["measure"], example["generate"]
    result = {}
    for temperature in example["PHASES"]:
        for seed in range(options.seeds):
            # Not the seeds of the other temperatures: their draws are shared.
            first = round(1000 * temperature) + 10 * seed
            shape = example["SHAPE"]
            x = gz.datasets.ising(shape, temperature, 10000, first)
            other = gz.datasets.ising(shape, temperature, 20000, first + 1)
            truth = measure(other, temperature)
            for name, fit in example["MODELS"].items():
                start = time.process_time()
                found = measure(generate(fit(x, seed), first), temperature)
                row = {
                    "CPU s": time.process_time() - start,
                    **{
                        key: float(100 * (getattr(found, key) / value - 1))
                        for key, value in truth._asdict().items()
                        if key != "correlation"
                    },
                }
                print(temperature, seed, name, row, flush=True)
                rows = result.setdefault(name, {})
                rows.setdefault(str(temperature), []).append(row)
    common.write("ising_phases", result)


if __name__ == "__main__":
    main()
