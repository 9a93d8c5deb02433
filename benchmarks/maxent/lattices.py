"""Lattices against exact and published values, and simulations of NumPy.

Energies of chains that start with configurations of `genzoo.datasets`, with
errors that know the autocorrelation. Where a value is known of the infinite
lattice only, energies of three sizes are extrapolated along the power that
scaling says. Beside the cubic Ising model and XY spins stand sweeps written
here, which share nothing with genzoo. Two CPU-minutes.

    python -m benchmarks.maxent.lattices
"""

import functools
import math
import time

import numpy as np

import genzoo as gz
from benchmarks import common
from genzoo.samplers import lattice_models, lattice_moves
from genzoo.spaces.lattice import Lattice

CUBIC, TRIANGULAR = 4.5115, 4 / math.log(3)
SQUARE, POTTS = 2 / math.log(1 + math.sqrt(2)), 1 / math.log(1 + math.sqrt(3))
KINDS = {
    "ising": lattice_models.Ising,
    "potts": functools.partial(lattice_models.Potts, 3),
    "xy": lattice_models.XY,
}


def chains(name, shape, temperature, many, sweeps, seed, kind="square"):
    """Chains from configurations of the data set, one after the other.

    Returns:
        (many * sweeps, *shape), what `metrics.lattice` takes.
    """
    given = {"states": 3} if name == "potts" else {}
    x = getattr(gz.datasets, name)(
        shape, temperature, many, seed, lattice=kind, **given
    )
    x = x.reshape(many, -1)
    x = np.exp(1j * x).astype(np.complex64) if name == "xy" else x
    model, lattice = KINDS[name](1 / temperature), Lattice(shape, kind=kind)
    moves = [lattice_moves.heat_bath, lattice_moves.clusters]
    moves = [make(model, lattice) for make in moves]
    found = []
    for turn in range(sweeps):
        for number, move in enumerate(moves):
            x = move(gz.random.as_seed((seed + 1000 * number, turn)), x)
        found.append(np.angle(x) if name == "xy" else x)
    return np.stack(found, axis=1).reshape(-1, *shape)


def measured(name, shape, temperature, many, sweeps, seed, kind="square"):
    """`metrics.lattice.thermodynamics` of such chains."""
    x = chains(name, shape, temperature, many, sweeps, seed, kind)
    given = {"states": 3} if name == "potts" else {}
    return gz.metrics.lattice.thermodynamics(
        x, temperature, chains=many, lattice=kind, model=name, **given
    )


def beside(found, exact, stderr=0.0):
    """A value, its error, what it should be, and their distance in errors."""
    error = math.hypot(found.stderr, stderr)
    return {
        "value": found.value,
        "stderr": found.stderr,
        "expected": exact,
        "errors": (found.value - exact) / error,
    }


def extrapolated(sizes, energies, power):
    """The energy at 1 / size**power = 0, by weighted least squares."""
    design = np.stack([np.ones(len(sizes)), np.array(sizes, float) ** -power])
    weights = np.array([e.stderr for e in energies]) ** -2.0
    covariance = np.linalg.inv(design * weights @ design.T)
    value = covariance @ (design * weights) @ [e.value for e in energies]
    return type(energies[0])(float(value[0]), float(covariance[0, 0] ** 0.5))


def cubic_heat_bath(side, temperature, many, sweeps, seed):
    """Energies per site of another heat bath, chain by chain.

    Checkerboards of rolled arrays, spins of NumPy's own generator.
    """
    rng = np.random.default_rng(seed)
    x = rng.choice([-1.0, 1.0], (many, 1, 1, 1)) * np.ones((1, *[side] * 3))
    parity = np.indices(x.shape[1:]).sum(axis=0) % 2
    found = []
    for turn in range(sweeps + sweeps // 4):
        for colour in (0, 1):
            near = sum(np.roll(x, d, a) for a in (1, 2, 3) for d in (-1, 1))
            up = rng.random(x.shape) < 1 / (1 + np.exp(-2 * near / temperature))
            x = np.where(parity == colour, 2.0 * up - 1, x)
        if turn >= sweeps // 4:
            ahead = sum(np.roll(x, 1, a) for a in (1, 2, 3))
            found.append(-(x * ahead).mean(axis=(1, 2, 3)))
    return np.stack(found, axis=1).ravel()


def xy_heat_bath(side, temperature, many, sweeps, seed):
    """As `cubic_heat_bath` of XY spins, by NumPy's von Mises draws."""
    rng = np.random.default_rng(seed)
    x = np.zeros((many, side, side))
    parity = np.indices(x.shape[1:]).sum(axis=0) % 2
    found = []
    for turn in range(sweeps + sweeps // 4):
        for colour in (0, 1):
            z = np.exp(1j * x)
            near = sum(np.roll(z, d, a) for a in (1, 2) for d in (-1, 1))
            new = rng.vonmises(np.angle(near), np.abs(near) / temperature)
            x = np.where(parity == colour, new, x)
        if turn >= sweeps // 4:
            ahead = sum(np.cos(x - np.roll(x, 1, a)) for a in (1, 2))
            found.append(-ahead.mean(axis=(1, 2)))
    return np.stack(found, axis=1).ravel()


def crossing(shapes, temperatures, seed, kind="square"):
    """Where the Binder cumulants of two sizes are equal, and its error.

    By lines between two temperatures, as both are nearly straight there.
    """
    curves, errors = [], []
    for number, shape in enumerate(shapes):
        found = [
            measured("ising", shape, t, 100, 180, seed + 10 * number + i, kind)
            for i, t in enumerate(temperatures)
        ]
        curves.append([f.binder_cumulant.value for f in found])
        errors.append([f.binder_cumulant.stderr for f in found])
    gaps = np.subtract(*curves)
    error = np.hypot(*errors)
    low, high = temperatures
    slope = (gaps[1] - gaps[0]) / (high - low)
    at = low - gaps[0] / slope
    share = (at - low) / (high - low)
    stderr = math.hypot((1 - share) * error[0], share * error[1]) / abs(slope)
    return {"temperature": float(at), "stderr": float(stderr)}


def rows(found):
    energies, crossings = found["energies"], found["crossings"]
    far = max(abs(case["errors"]) for case in energies.values())
    off = max(
        abs(case["temperature"] / case["critical"] - 1)
        for case in crossings.values()
    )
    return [
        common.row(
            "energies of lattices (Ising 3D, triangular, open and odd; Potts "
            "q = 3; XY 8x8) against exact, published or independently "
            "simulated ones: largest distance in standard errors",
            f"{far:.1f} of {len(energies)}",
        ),
        common.row(
            "critical temperatures where Binder cumulants of two sizes cross "
            "(square, cubic, triangular): largest distance",
            f"{100 * off:.2f} %",
        ),
    ]


def energies():
    """Cases by name, each as `beside` gives it."""
    mean, found = gz.metrics.lattice.mean, {}
    for side, shape in ((8, (8, 8, 8)), (10, (10, 10, 10))):
        ours = measured("ising", shape, CUBIC, 40, 150, side)
        other = mean(cubic_heat_bath(side, CUBIC, 50, 1200, side), chains=50)
        found[f"cubic Ising {shape}, beside a heat bath"] = beside(
            ours.energy, other.value, other.stderr
        )
    # nu = 0.62997. The energy at the critical point is about -0.9906 in the
    # literature; the digits behind are far below the error here.
    sizes = (8, 12, 16)
    ours = [
        measured("ising", (n, n, n), CUBIC, 20, 200, 20 + n).energy
        for n in sizes
    ]
    power = 3 - 1 / 0.62997
    found["cubic Ising, infinite"] = beside(
        extrapolated(sizes, ours, power), -0.990604
    )
    sizes = (16, 32, 64)
    ours = [
        measured("potts", (n, n), POTTS, 10, 400, 30 + n).energy for n in sizes
    ]
    found["Potts q = 3, infinite"] = beside(
        extrapolated(sizes, ours, 2 - 6 / 5), -1 - 1 / math.sqrt(3)
    )
    sizes = (12, 24, 48)
    ours = [
        measured("ising", (n, n), TRIANGULAR, 16, 250, 40 + n, "triangular")
        for n in sizes
    ]
    found["triangular Ising, infinite"] = beside(
        extrapolated(sizes, [o.energy for o in ours], 1), -2.0
    )
    for shape in ((15, 15), (9, 13)):
        ours = measured("ising", shape, 2.3, 40, 200, 50 + shape[0])
        found[f"square Ising {shape}"] = beside(
            ours.energy, gz.partition.torus_energy(shape, 2.3)
        )
    # d log Z / d beta of an open strip in a field, by the transfer matrix.
    step, beta, field, shape = 1e-5, 1 / 2.2, 0.1, (6, 9)
    high, low = (
        float(gz.partition.transfer_matrix(shape, (False, False), b, b * field))
        for b in (beta + step, beta - step)
    )
    x = gz.datasets.ising(
        shape, 1 / beta, 4000, 60, field=field, boundary="open"
    )
    ours = gz.metrics.lattice.thermodynamics(
        x, 1 / beta, field=field, boundary="open", independent=True
    )
    exact = -(high - low) / (2 * step) / math.prod(shape)
    found[f"open square Ising {shape} in a field"] = beside(ours.energy, exact)
    for temperature in (0.5, 0.9, 1.2):
        ours = measured("xy", (8, 8), temperature, 40, 200, 70)
        series = xy_heat_bath(8, temperature, 40, 1000, 71)
        other = mean(series, chains=40)
        found[f"XY 8 x 8, T = {temperature}, beside a heat bath"] = beside(
            ours.energy, other.value, other.stderr
        )
    return found


def main():
    common.options(__doc__)
    start = time.process_time()
    found = {"energies": energies()}
    for name, case in found["energies"].items():
        print(name, case, flush=True)
    found["crossings"] = {
        name: {"critical": critical, **crossing(shapes, ends, 80, kind)}
        for name, critical, shapes, ends, kind in (
            ("square", SQUARE, [(8, 8), (16, 16)], (2.25, 2.29), "square"),
            ("cubic", CUBIC, [(6,) * 3, (12,) * 3], (4.48, 4.54), "cubic"),
            (
                "triangular",
                TRIANGULAR,
                [(9, 9), (18, 18)],
                (3.6, 3.68),
                "triangular",
            ),
        )
    }
    for name, case in found["crossings"].items():
        print(name, case, flush=True)
    found["CPU s"] = time.process_time() - start
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
