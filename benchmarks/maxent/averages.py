"""Maximum entropy from bare numbers, beside maxentropy (PyPI).

A die, ten Ising spins, sixteen, two continuous cases, and log Z by three
ways. Contenders take turns in processes of their own, one thread each, and
the fastest round counts.

    python -m benchmarks.maxent.averages [--rounds 3]
"""

import itertools
import time

from benchmarks import common

DIE = [0.05435, 0.07877, 0.11416, 0.16545, 0.23977, 0.34749]
SPINS = 10


def clocked(function):
    """(result, wall seconds, CPU seconds)."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = function()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def pairwise_features(spins):
    """All states, and their spins and products, by NumPy."""
    import numpy as np

    states = np.array(list(itertools.product([-1.0, 1.0], repeat=spins)))
    first, second = np.triu_indices(spins, 1)
    return np.concatenate(
        [states, states[:, first] * states[:, second]], axis=1
    )


def ising_problem(spins, seed=0):
    """(features at all states, true multipliers, exact averages)."""
    import numpy as np

    features = pairwise_features(spins)
    rng = np.random.default_rng(seed)
    multipliers = 0.3 * rng.standard_normal(features.shape[1])
    weights = np.exp(features @ multipliers)
    return features, multipliers, weights @ features / weights.sum()


def genzoo():
    import numpy as np

    import genzoo as gz

    spaces, features = gz.spaces, gz.features
    result = {}

    die = gz.MaxEnt(spaces.Categorical(range(1, 7)), features.Moments(1))
    die.compile()
    times = []
    for number in range(12):
        die.multipliers = [0.0]
        # Averages that differ a little: else there would be less to check.
        mean = 4.5 + 1e-12 * number
        history, *spent = clocked(
            lambda mean=mean: die.fit(observations=[mean], verbose=0)
        )
        times.append(spent)
    result["die"] = {
        "warm fit wall ms": 1e3 * min(wall for wall, _ in times[1:]),
        "warm fit CPU ms": 1e3 * min(cpu for _, cpu in times[1:]),
        "steps": len(history.epoch),
        "residual": history.history["residual"][-1],
        "entropy": die.entropy(),
        "probabilities": die.prob(die.space.states()).tolist(),
    }

    _, true, observed = ising_problem(SPINS)
    parts = [features.Moments(1), features.Pairwise()]
    model = gz.MaxEnt(spaces.Spin(SPINS), parts)
    model.compile()
    times = []
    for number in range(6):
        model.multipliers = np.zeros(len(true))
        mean = observed * (1 + 1e-14 * number)
        history, *spent = clocked(
            lambda mean=mean: model.fit(observations=mean, verbose=0)
        )
        times.append(spent)
    result["ising10"] = {
        "warm fit CPU ms": 1e3 * min(cpu for _, cpu in times[1:]),
        "steps": len(history.epoch),
        "residual": history.history["residual"][-1],
        "multiplier error": float(np.abs(model.multipliers - true).max()),
    }

    _, true, observed = ising_problem(16)
    model = gz.MaxEnt(spaces.Spin(16), parts)
    model.compile()
    _, wall, cpu = clocked(lambda: model.fit(observations=observed, verbose=0))
    model.multipliers = np.zeros(len(true))
    mean = observed * (1 + 1e-14)
    history, _, warm = clocked(lambda: model.fit(observations=mean, verbose=0))
    result["ising16"] = {
        "first fit wall s": wall,
        "first fit CPU s": cpu,
        "warm fit CPU s": warm,
        "residual": history.history["residual"][-1],
        "multiplier error": float(np.abs(model.multipliers - true).max()),
    }

    for name, space, powers, observed, true in (
        ("gaussian", spaces.Real(), (1, 2), [1.0, 3.0], [0.5, -0.25]),
        (
            "exponential",
            spaces.Interval(0, 1),
            (1,),
            [0.3],
            [truncated_exponential(0.3)],
        ),
    ):
        model = gz.MaxEnt(space, features.Moments(*powers))
        model.compile()
        _, _, cpu = clocked(
            lambda model=model, observed=observed: model.fit(
                observations=observed, verbose=0
            )
        )
        result[name] = {
            "first fit CPU ms": 1e3 * cpu,
            "multiplier error": float(np.abs(model.multipliers - true).max()),
            "quadrature error": model.log_partition().stderr,
        }
    result["log Z"] = log_partitions(gz)
    return result


def truncated_exponential(mean):
    """The multiplier of x on [0, 1], by bisection of its exact mean."""
    import math

    low, high = -50.0, -1e-9
    for _ in range(200):
        middle = 0.5 * (low + high)
        # <x> = 1 / (1 - exp(-l)) - 1 / l
        found = -1 / math.expm1(-middle) - 1 / middle
        low, high = (middle, high) if found < mean else (low, middle)
    return 0.5 * (low + high)


def log_partitions(gz):
    """AIS against enumeration and the transfer matrix at n = 20."""
    import numpy as np

    rng = np.random.default_rng(1)
    glass = gz.BoltzmannMachine(gz.spaces.Spin(20), seed=0)
    coupling = 0.8 / np.sqrt(20) * rng.standard_normal((20, 20))
    coupling = np.triu(coupling, 1)
    glass.set_parameters(0.3 * rng.standard_normal(20), coupling + coupling.T)
    lattice = gz.MaxEnt(
        gz.spaces.Spin((4, 5)),
        [
            gz.features.LatticeBonds((4, 5)),
            gz.features.Moments(1, tied=True),
        ],
    )
    lattice.multipliers = [0.4, 0.1]
    rows = {}
    for name, model in (("glass", glass), ("lattice", lattice)):
        exact = model.log_partition("enumeration").value
        runs = [model.log_partition("ais", seed=seed) for seed in range(10)]
        rows[name] = {
            "enumeration": exact,
            "AIS": [run.value for run in runs],
            "stderr": [run.stderr for run in runs],
            "within": sum(
                abs(run.value - exact) <= max(0.01, 3 * run.stderr)
                for run in runs
            ),
        }
    rows["lattice"]["transfer matrix"] = float(
        gz.partition.transfer_matrix((4, 5), True, 0.4, 0.1)
    )
    return rows


def maxentropy():
    import maxentropy as peer
    import numpy as np

    result = {}
    times = []
    for _ in range(5):
        model = peer.MinDivergenceModel(
            [lambda x: x], list(range(1, 7)), algorithm="CG"
        )
        _, *spent = clocked(lambda m=model: m.fit(np.array([[4.5]])))
        times.append(spent)
    found = float(np.arange(1, 7) @ model.probdist())
    result["die"] = {
        "CPU ms": 1e3 * min(cpu for _, cpu in times),
        "residual": abs(found - 4.5),
    }
    features, true, observed = ising_problem(SPINS)
    times = []
    for _ in range(3):
        model = peer.MinDivergenceModel(
            features.T.copy(),
            list(range(len(features))),
            matrix_format="ndarray",
            algorithm="BFGS",
        )
        _, *spent = clocked(lambda m=model: m.fit(observed[None]))
        times.append(spent)
    result["ising10"] = {
        "CPU ms": 1e3 * min(cpu for _, cpu in times),
        "residual": float(
            np.abs(features.T @ model.probdist() - observed).max()
        ),
        "multiplier error": float(np.abs(model.params - true).max()),
    }
    return result


def best(rounds):
    """The least of each number among rounds of the same contender."""
    first = rounds[0]
    if isinstance(first, dict):
        return {key: best([r[key] for r in rounds]) for key in first}
    if isinstance(first, float):
        return min(rounds)
    return first


def rows(found):
    ours, theirs = found["genzoo"], found["maxentropy"]
    die, ten, sixteen = (ours[k] for k in ("die", "ising10", "ising16"))
    errors = [ours[k]["multiplier error"] for k in ("gaussian", "exponential")]
    log_z = ours["log Z"].values()
    return [
        common.row(
            "die with average 4.5: residual; warm `fit`",
            f"{die['residual']:.0e}; {die['warm fit wall ms']:.1f} ms",
            f"maxentropy {theirs['die']['residual']:.0e}; "
            f"{theirs['die']['CPU ms']:.1f} ms",
        ),
        common.row(
            "10 spins, 55 averages: residual; warm `fit`",
            f"{ten['residual']:.0e}; {ten['warm fit CPU ms']:.1f} ms",
            f"maxentropy {theirs['ising10']['residual']:.0e}; "
            f"{theirs['ising10']['CPU ms']:.0f} ms",
        ),
        common.row(
            "16 spins, 136 averages, 65,536 states: CPU-s of a `fit`, with "
            "the tracing of the first",
            f"{sixteen['warm fit CPU s']:.2f}, "
            f"{sixteen['first fit CPU s']:.2f}",
        ),
        common.row(
            "Gaussian on R, exponential on [0, 1]: error of the multipliers",
            ", ".join(f"{error:.0e}" for error in errors),
        ),
        common.row(
            "log Z of 20 spins (glass, lattice), AIS against enumeration: "
            "runs within 0.01 nats or 3 of their standard errors",
            ", ".join(f"{row['within']} of {len(row['AIS'])}" for row in log_z),
        ),
    ]


def main():
    options = common.options(__doc__, rounds=3)
    peers = ["numpy", "scipy", "scikit-learn", "six", "maxentropy"]
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(common.elsewhere(genzoo))
        theirs.append(common.elsewhere(maxentropy, peers=peers))
    result = {"genzoo": best(ours), "maxentropy": best(theirs)}
    found = result["genzoo"]["die"]["probabilities"]
    error = max(abs(p - q) for p, q in zip(found, DIE, strict=True))
    print(f"die: probabilities as published to {error:.1e}")
    for who, cases in result.items():
        for name, case in cases.items():
            print(name, who, case)
    common.save(__file__, result, rows)


if __name__ == "__main__":
    main()
