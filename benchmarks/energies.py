"""Neural energies on densities of the plane that are known.

`EnergyModel(Real(2))` by its defaults: `compile()`, `fit(x, epochs=...)`.
KL(data || model) is the mean of log p - log q over fresh examples, with log Z
by quadrature, and the log Z of annealing beside it.

    python -m benchmarks.energies             # an hour of a core
    python -m benchmarks.energies --seeds 1 --sets rings
"""

import functools
import time

import numpy as np

from benchmarks import common

# Named before the first run: the half on which defaults were chosen.
CHOSEN_ON = ("rings", "grid")
SEEDS = tuple(range(5))
ROWS, TEST, EPOCHS = 20_000, 50_000, 20


def _log_mean_exp(values, axis):
    top = values.max(axis=axis, keepdims=True)
    mean = np.exp(values - top).mean(axis=axis)
    return top.squeeze(axis) + np.log(mean)


def _log_normals(x, centres, sigma):
    """log of an even mixture of round normals in the plane."""
    found = []
    for part in np.array_split(x, max(len(x) // 500, 1)):
        square = ((part[:, None] - centres) ** 2).sum(axis=-1)
        found.append(_log_mean_exp(-0.5 * square / sigma**2, 1))
    return np.concatenate(found) - np.log(2 * np.pi * sigma**2)


# Each set: draws and log-density ---------------------------------------------


def rings(n, rng):
    r = rng.choice([1.0, 2.0, 3.0], n) + 0.1 * rng.standard_normal(n)
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1)


def log_rings(x):
    r = np.linalg.norm(x, axis=1)
    each = -0.5 * ((r[:, None] - [1.0, 2.0, 3.0]) / 0.1) ** 2
    log_r = _log_mean_exp(each, 1) - 0.5 * np.log(2 * np.pi * 0.01)
    return log_r - np.log(2 * np.pi * r)


_GRID = np.stack(np.meshgrid(*[np.arange(-4.0, 5, 2)] * 2), -1).reshape(-1, 2)


def grid(n, rng):
    noise = 0.1 * rng.standard_normal((n, 2))
    return _GRID[rng.integers(0, 25, n)] + noise


def log_grid(x):
    return _log_normals(x, _GRID, 0.1)


def _arcs(angle, which):
    first = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    second = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    return np.where(which[:, None], first, second)


def moons(n, rng):
    x = _arcs(rng.uniform(0, np.pi, n), rng.random(n) < 0.5)
    return x + 0.1 * rng.standard_normal((n, 2))


def log_moons(x):
    angle = (np.arange(400) + 0.5) / 400 * np.pi
    both = [_arcs(angle, np.full(400, way)) for way in (True, False)]
    return _log_normals(x, np.concatenate(both), 0.1)


_TURN, _ARMS = 0.25, 5


def pinwheel(n, rng):
    along = 1 + 0.3 * rng.standard_normal(n)
    across = 0.1 * rng.standard_normal(n)
    angle = 2 * np.pi * rng.integers(0, _ARMS, n) / _ARMS
    angle += _TURN * np.exp(along)
    c, s = np.cos(angle), np.sin(angle)
    return 2 * np.stack(
        [c * along - s * across, s * along + c * across], axis=1
    )


def log_pinwheel(x):
    # Arm by arm, by the places along it from which a point may come.
    x = x / 2
    along = np.linspace(1 - 2.4, 1 + 2.4, 4001)
    total = np.zeros(len(x))
    for arm in range(_ARMS):
        angle = 2 * np.pi * arm / _ARMS + _TURN * np.exp(along)
        c, s = np.cos(angle), np.sin(angle)
        for i, (a, b) in enumerate(x):
            gap = a * c + b * s - along
            at = np.flatnonzero(np.sign(gap[1:]) != np.sign(gap[:-1]))
            share = gap[at] / (gap[at] - gap[at + 1])
            f = along[at] + share * (along[1] - along[0])
            turn = 2 * np.pi * arm / _ARMS + _TURN * np.exp(f)
            g = -a * np.sin(turn) + b * np.cos(turn)
            p = np.exp(-0.5 * ((f - 1) / 0.3) ** 2 - 0.5 * (g / 0.1) ** 2)
            slope = np.abs(1 - _TURN * np.exp(f) * g)
            total[i] += np.sum(p / slope)
    return np.log(total / (_ARMS * 2 * np.pi * 0.03)) - np.log(4)


def checkerboard(n, rng):
    column = rng.integers(0, 4, n)
    row = 2 * rng.integers(0, 2, n) + column % 2
    corner = np.stack([column, row], axis=1) * 2.0 - 4
    return corner + 2 * rng.random((n, 2))


def log_checkerboard(x):
    return np.full(len(x), -np.log(32.0))


SETS = {
    "rings": (rings, log_rings),
    "grid": (grid, log_grid),
    "moons": (moons, log_moons),
    "pinwheel": (pinwheel, log_pinwheel),
    "checkerboard": (checkerboard, log_checkerboard),
}


@functools.cache
def _test(name):
    draw, log_p = SETS[name]
    n = TEST if name != "pinwheel" else TEST // 10
    x = draw(n, np.random.default_rng(1000))
    return x, log_p(x)


def fitted(name, seed, epochs=EPOCHS, loss="auto", optimizer=None, **options):
    """A model that has learned a set by its defaults, and the CPU seconds."""
    import genzoo as gz

    x = SETS[name][0](ROWS, np.random.default_rng(seed))
    start = time.process_time()
    model = gz.EnergyModel(gz.spaces.Real(2), seed=seed, **options)
    model.compile(optimizer, loss, watch=False)
    model.fit(x, epochs=epochs, verbose=0)
    return model, time.process_time() - start


def measured(name, model):
    """What is known of a model of a set, in nats."""
    x, log_p = _test(name)
    exact = model.log_partition("quadrature")
    gap = log_p - model.log_prob(x)
    annealed = model.log_partition("ais")
    return {
        "kl": float(gap.mean()),
        "kl_stderr": float(gap.std() / np.sqrt(len(gap))),
        "quadrature_error": exact.stderr,
        "log_z_sigmas": (annealed.value - exact.value)
        / max(annealed.stderr, 1e-12),
        "log_z_stderr": annealed.stderr,
    }


def rows(found):
    """The rows of the README's table."""
    told = []
    for name in SETS:
        own = [r for r in found["runs"] if r["set"] == name]
        if not own:
            continue
        kl = [r["kl"] for r in own]
        seconds = np.mean([r["cpu_s"] for r in own])
        seeds = "seeds" if len(own) > 1 else "seed"
        what = (
            f"neural energy, {name} in the plane, {own[0]['epochs']} epochs "
            f"of {ROWS:,} rows: KL of data to model in nats, mean and worst "
            f"of {len(own)} {seeds}; CPU-s"
        )
        value = f"{np.mean(kl):.4f}, {max(kl):.4f}; {seconds:.0f}"
        told.append(common.row(what, value))
    return told


def main():
    """Each set and seed, a row each."""
    options = common.options(
        __doc__, seeds=len(SEEDS), sets=",".join(SETS), epochs=EPOCHS
    )
    found = {"runs": []}
    for seed in SEEDS[: options.seeds]:
        for name in options.sets.split(","):
            model, seconds = fitted(name, seed, options.epochs)
            own = {"set": name, "seed": seed, "epochs": options.epochs}
            own |= {"cpu_s": seconds, **measured(name, model)}
            print(own, flush=True)
            found["runs"].append(own)
            common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
