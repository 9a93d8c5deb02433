"""Attempted spin flips per CPU-second, 64 x 64 at Tc, one thread; physics.

Metropolis with the energy measured after each sweep (genzoo also measures the
magnetisation), genzoo against mcising. Contenders take turns in processes of
their own, round after round, and the best round of each counts: a
neighbour's load only ever adds time. XLA's compilation is told apart.

    python -m benchmarks.maxent.ising_sampling [--rounds 3]
"""

import math
import time

from benchmarks import common

SIDE = 64
CRITICAL = 2 / math.log(1 + math.sqrt(2))
FLIPS = 4e8


def genzoo(lattices, every):
    from genzoo.samplers import ising

    # The first run, which is short, is compiled too.
    ising._MOST_SECONDS = 0.0

    def run(sweeps, seed):
        return ising.simulate(
            (SIDE, SIDE), CRITICAL, sweeps, lattices, seed, every=every
        )

    start = time.process_time()
    run(every, 0)
    compiled = time.process_time() - start
    sweeps = _sweeps(lattices, every)
    start = time.process_time()
    found = run(sweeps, 1).energy.mean()
    seconds = time.process_time() - start
    return _result(lattices * sweeps, seconds, found, compiled)


def mcising(lattices, every):
    from mcising import IsingSimulation

    simulation = IsingSimulation(SIDE, 1.0, 0.0, 0.0, 0.0, 1, "metropolis")
    simulation.sweep(1, temperature=CRITICAL)
    sweeps = _sweeps(lattices, every)
    start = time.process_time()
    energies = []
    for _ in range(sweeps // every):
        simulation.sweep(every, temperature=CRITICAL)
        energies.append(simulation.energy())
    seconds = time.process_time() - start
    return _result(sweeps, seconds, sum(energies) / len(energies), 0.0)


def _sweeps(lattices, every):
    sweeps = int(FLIPS / SIDE**2 / lattices)
    return max(sweeps // every, 1) * every


def _result(sweeps, seconds, energy, compiled):
    return {
        "million_flips_per_cpu_second": sweeps * SIDE**2 / seconds / 1e6,
        "energy": float(energy),
        "compile_cpu_seconds": compiled,
    }


def physics():
    """Averages over independent lattices, whose spread is their error."""
    import numpy as np

    from genzoo import partition
    from genzoo.samplers import ising

    def facts(exact, values, **more):
        # A lattice's average over time is one independent value.
        values = values.mean(axis=0)
        stderr = values.std(ddof=1) / math.sqrt(len(values))
        return {
            "measured": values.mean(),
            "stderr": stderr,
            "exact": exact,
            "standard_errors_apart": (values.mean() - exact) / stderr,
            **more,
        }

    table = {}
    for temperature in (2.0, 3.0):
        # L = 128: at both temperatures many correlation lengths.
        run = ising.simulate(
            (128, 128), temperature, 3000, 128, 1, "metropolis"
        )
        energy, m = run.energy[500:], run.magnetisation[500:]
        name = f"T = {temperature}, 128 x 128, "
        table[name + "energy"] = facts(
            partition.onsager_energy(temperature), energy, asked=5e-4
        )
        if temperature < CRITICAL:
            table[name + "|magnetisation|"] = facts(
                partition.onsager_magnetisation(temperature),
                np.abs(m),
                asked=1e-3,
            )
        else:
            # |m| of a finite lattice is not 0 on average, m is.
            table[name + "magnetisation"] = facts(0.0, m, asked=1e-3)
    # At the critical temperature sweeps alone forget too slowly: clusters.
    run = ising.simulate((SIDE, SIDE), CRITICAL, 1500, 128, 2, "hybrid")
    table[f"Tc, {SIDE} x {SIDE}, energy"] = facts(
        partition.torus_energy((SIDE, SIDE), CRITICAL), run.energy[100:]
    )
    return table


CONTENDERS = {
    "genzoo, 1 lattice": (genzoo, 1, 1),
    "genzoo, 32 lattices": (genzoo, 32, 1),
    "genzoo, 128 lattices": (genzoo, 128, 1),
    "genzoo, 1 lattice, measured every 10": (genzoo, 1, 10),
    "genzoo, 32 lattices, measured every 10": (genzoo, 32, 10),
    "mcising": (mcising, 1, 1),
    "mcising, measured every 10": (mcising, 1, 10),
}


def rows(found):
    best = found["best"]
    peer, physics = best["mcising"], found["physics"]
    off = [
        abs(row["measured"] - row["exact"])
        for row in physics.values()
        if "asked" in row
    ]
    critical = physics["Tc, 64 x 64, energy"]["standard_errors_apart"]
    return [
        common.row(
            "Ising 64x64 at Tc, energy measured each sweep: million flips a "
            "CPU-s, 1, 32 and 128 lattices",
            ", ".join(
                f"{best[name]:.0f} ({best[name] / peer:.1f} x)"
                for name, (who, _, every) in CONTENDERS.items()
                if who is genzoo and every == 1
            ),
            f"mcising {peer:.0f}",
        ),
        common.row(
            "energy and magnetisation against Onsager, T = 2 and 3: largest "
            "difference; energy at Tc: standard errors from Kaufman's",
            f"{max(off):.5f}; {abs(critical):.1f}",
        ),
    ]


def main():
    options = common.options(__doc__, rounds=3)
    rounds = {name: [] for name in CONTENDERS}
    for _ in range(options.rounds):
        for name, (run, *numbers) in CONTENDERS.items():
            peers = ["mcising"] if run is mcising else []
            found = common.elsewhere(run, *numbers, peers=peers)
            rounds[name].append(found)
    speed = {
        name: max(r["million_flips_per_cpu_second"] for r in results)
        for name, results in rounds.items()
    }
    print(f"{'million flips per CPU-second':40} {'best':>6} {'ratio':>6}")
    for name, value in speed.items():
        # Like for like: with the energy as often.
        sparse = name.endswith("every 10")
        peer = "mcising, measured every 10" if sparse else "mcising"
        print(f"{name:40} {value:6.0f} {value / speed[peer]:6.2f}")
    table = common.elsewhere(physics)
    print(f"{'':36} {'measured':>9} {'exact':>9} {'error':>8} {'asked':>6}")
    for name, row in table.items():
        print(
            f"{name:36} {row['measured']:9.5f} {row['exact']:9.5f} "
            f"{row['stderr']:8.5f} {row.get('asked', 3 * row['stderr']):6.4f}"
        )
    found = {"rounds": rounds, "best": speed, "physics": table}
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
