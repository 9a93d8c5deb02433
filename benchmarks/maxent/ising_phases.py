"""What three models generate after 10,000 configurations of a phase.

Runs the fits of `examples/ising_phases.py` with several seeds, and writes how
far energy and |magnetisation| per site are from the truth.

    python -m benchmarks.maxent.ising_phases [--seeds 2]
"""

import time

import genzoo as gz
from benchmarks import common
from recipes import sources


def rows(found):
    models = {k: found[k] for k in ("MaxEnt", "Boltzmann machine", "RBM")}

    def worst(phases, key):
        runs = [row for runs in phases.values() for row in runs]
        return f"{max(abs(row[key]) for row in runs):.1f} %"

    return [
        common.row(
            "16x16 Ising, T = 1.8, 2.27 and 3, fitted on 10,000 "
            "configurations: largest error of energy and of mean absolute "
            "magnetisation of what is generated",
            ", ".join(
                f"{name} {worst(phases, 'energy')} and "
                f"{worst(phases, 'magnetisation')}"
                for name, phases in models.items()
            ),
        ),
    ]


def main():
    options = common.options(__doc__, seeds=2)
    example = sources.example("ising_phases")
    result = {}
    for temperature in example.PHASES:
        for seed in range(options.seeds):
            # Not the seeds of the other temperatures: their draws are shared.
            first = round(1000 * temperature) + 10 * seed
            x, other = (
                gz.datasets.ising(example.SHAPE, temperature, n, draw)
                for n, draw in ((10_000, first), (20_000, first + 1))
            )
            truth = example.measure(other, temperature)
            for name, fit in example.MODELS.items():
                start = time.process_time()
                made = example.generate(fit(x, seed), first)
                found = example.measure(made, temperature)
                row = {
                    "CPU s": time.process_time() - start,
                    **{
                        key: float(100 * (getattr(found, key) / value - 1))
                        for key, value in truth._asdict().items()
                        if key != "correlation"
                    },
                }
                print(temperature, seed, name, row, flush=True)
                phases = result.setdefault(name, {})
                phases.setdefault(str(temperature), []).append(row)
    common.save(__file__, result, rows)


if __name__ == "__main__":
    main()
