"""Couplings of many spins: lattices at T = 2.8, 10,000 configurations each.

One epoch of pseudolikelihood by genzoo's defaults, one thread, in a process
of its own; without the watched likelihood, and by `--watched` with it, whose
log Z is annealed. What is learned stands beside what is true, whose couplings
are 1 / T between neighbours and zero elsewhere.

    python -m benchmarks.maxent.wide_ising [--watched]
"""

import resource
import time

from benchmarks import common

SHAPES = {500: (20, 25), 2000: (40, 50)}
TEMPERATURE, COUNT = 2.8, 10_000


def learn(spins, seed, watched):
    """What one epoch costs, and how far its couplings are from the truth."""
    import numpy as np

    import genzoo as gz

    shape = SHAPES[spins]
    x = gz.datasets.ising(shape, TEMPERATURE, COUNT, seed=seed)
    x = x.reshape(COUNT, -1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, wall = time.process_time(), time.perf_counter()
    model = gz.BoltzmannMachine(gz.spaces.Spin(spins), seed=0)
    model.compile(loss=gz.losses.Pseudolikelihood(), watch=watched)
    history = model.fit(x, verbose=0).history
    spent = time.process_time() - start, time.perf_counter() - wall
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sites = np.arange(spins).reshape(shape)
    near = np.zeros((spins, spins), bool)
    for axis in (0, 1):
        near[sites.ravel(), np.roll(sites, -1, axis).ravel()] = True
    near |= near.T
    upper = np.triu(np.ones_like(near), 1)
    bonds, others = near & upper, upper & ~near
    found = model.couplings
    weakest = found[bonds].min()
    return {
        "CPU s": spent[0],
        "seconds": spent[1],
        "gigabytes": after / 2**20,
        "gigabytes before": before / 2**20,
        "residual": history["residual"][-1],
        "J": float(np.mean(found[bonds])),
        "J error": float(
            np.sqrt(np.mean((found - near / TEMPERATURE)[upper] ** 2))
        ),
        "larger than a bond": int((found[others] >= weakest).sum()),
    }


def rows(found):
    table = []
    for spins, runs in found["alone"].items():
        worst = {name: max(run[name] for run in runs) for name in runs[0]}
        bond = sum(run["J"] for run in runs) / len(runs)
        watched = [run["CPU s"] for run in found["watched"].get(spins, [])]
        beside = f", {max(watched):.0f} s with watched `loss`" * bool(watched)
        table.append(
            common.row(
                f"{spins} spins of a lattice at T = {TEMPERATURE}, "
                f"{COUNT:,} configurations, {len(runs)} data sets, the worst: "
                "CPU-seconds and memory of a `fit` by pseudolikelihood; RMSE "
                "of J, others as strong as the weakest bond",
                f"{worst['CPU s']:.1f} s, {worst['gigabytes']:.2f} GB{beside}; "
                f"{worst['J error']:.4f}, {worst['larger than a bond']} "
                f"(mean bond {bond:.3f}, true {1 / TEMPERATURE:.3f})",
            )
        )
    return table


def main():
    options = common.options(__doc__, sets=3, watched=False)
    found = {"alone": {}, "watched": {}, **common.written(__file__)}
    for spins in SHAPES:
        runs = []
        for seed in range(options.sets):
            runs.append(common.elsewhere(learn, spins, seed, options.watched))
            print(spins, runs[-1], flush=True)
        found["watched" if options.watched else "alone"][str(spins)] = runs
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
