"""Neural energies on densities of the plane that are known.

`EnergyModel(Real(2))` by its defaults: `compile()`, `fit(x, epochs=...)`.
KL(data || model) is the mean of log p - log q over fresh examples, with log Z
by quadrature, and the log Z of annealing beside it. Runs that were written
before are kept, of other seeds and sets.

Beside it torchebm, as its documentation trains: persistent contrastive
divergence of ten Langevin steps of size .01, a buffer of 10,000 chains of which
5 % are new, Adam(.001); the same network beside the same normal, the same rows,
batches of 128 and epochs, on columns of unit deviation.

    python -m benchmarks.energies             # an hour of a core
    python -m benchmarks.energies --seeds 1 --sets rings
    python -m benchmarks.energies --seeds 2 --peer
"""

import functools
import time

import numpy as np

from benchmarks import common

# Named before the first run: the half on which defaults were chosen.
CHOSEN_ON = ("rings", "grid")
SEEDS = tuple(range(5))
ROWS, TEST, EPOCHS = 20_000, 50_000, 20
PEER = ("torch==2.13.0", "torchebm")


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


def peer(name, seed, epochs):
    """What torchebm finds of a set, and the CPU seconds of its training."""
    import torch
    from torchebm.core import BaseModel
    from torchebm.losses import ContrastiveDivergence
    from torchebm.samplers import LangevinDynamics

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x = SETS[name][0](ROWS, np.random.default_rng(seed))
    middle, scale = x.mean(axis=0), x.std(axis=0)
    start = time.process_time()

    class Energy(BaseModel):
        """128 swish units thrice, of x and its 64 waves, on a normal."""

        def __init__(self):
            super().__init__()
            waves = 2.8 / 2**0.5 * torch.randn(2, 64)
            self.register_buffer("waves", waves)
            sizes = [(130, 128), (128, 128), (128, 128)]
            self.hidden = torch.nn.ModuleList(
                torch.nn.Linear(*size) for size in sizes
            )
            for layer in self.hidden:
                torch.nn.init.kaiming_normal_(layer.weight)
                torch.nn.init.zeros_(layer.bias)
            self.last = torch.nn.Linear(128, 1)
            torch.nn.init.zeros_(self.last.weight)

        def forward(self, given):
            angle = given @ self.waves
            x = torch.cat([given, torch.cos(angle), torch.sin(angle)], dim=1)
            for layer in self.hidden:
                x = torch.nn.functional.silu(layer(x))
            return 0.5 * (given**2).sum(dim=1) + self.last(x)[:, 0]

    model = Energy()
    sampler = LangevinDynamics(model, step_size=0.01)
    loss = ContrastiveDivergence(model, sampler, persistent=True)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    rows = torch.tensor((x - middle) / scale, dtype=torch.float32)
    for _ in range(epochs):
        for batch in torch.randperm(ROWS).split(128):
            optimizer.zero_grad()
            loss(rows[batch])[0].backward()
            optimizer.step()
    seconds = time.process_time() - start

    def energy(points):
        with torch.no_grad():
            parts = np.array_split(points, 200)
            parts = [torch.tensor(p, dtype=torch.float32) for p in parts]
            return np.concatenate([model(p).numpy() for p in parts])

    test, log_p = _test(name)
    test = (test - middle) / scale
    most = max(6.0, 1.5 * np.abs(test).max())
    line = (np.arange(1500) + 0.5) / 1500 * 2 * most - most
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    log_z = _log_mean_exp(-energy(points).astype(float), 0)
    log_z += 2 * np.log(2 * most) + np.log(scale).sum()
    gap = log_p + energy(test) + log_z
    return {"kl": float(gap.mean()), "cpu_s": seconds}


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
        beside = [r for r in found.get("torchebm", []) if r["set"] == name]
        text = ""
        if beside:
            kl = [r["kl"] for r in beside]
            seconds = np.mean([r["cpu_s"] for r in beside])
            several = "seeds" if len(kl) > 1 else "seed"
            text = (
                f"torchebm, {len(kl)} {several}, {np.mean(kl):.1f}, "
                f"{max(kl):.1f}; {seconds:.0f} (its energy has holes where "
                "no chain came)"
            )
        told.append(common.row(what, value, text))
    return told


def keep(found, key, own):
    """Let a run take the place of the one of its set and seed."""
    same = {name: own[name] for name in ("set", "seed", "epochs")}
    others = [r for r in found.get(key, []) if not same.items() <= r.items()]
    found[key] = [*others, own]
    print(key, own, flush=True)
    common.save(__file__, found, rows)


def main():
    """Each set and seed, a row each."""
    options = common.options(
        __doc__,
        seeds=len(SEEDS),
        first=0,
        sets=",".join(SETS),
        epochs=EPOCHS,
        peer=False,
    )
    found = common.written(__file__)
    for seed in SEEDS[options.first : options.seeds]:
        for name in options.sets.split(","):
            own = {"set": name, "seed": seed, "epochs": options.epochs}
            if options.peer:
                told = common.elsewhere(
                    peer, name, seed, options.epochs, peers=PEER
                )
                keep(found, "torchebm", own | told)
                continue
            model, seconds = fitted(name, seed, options.epochs)
            own |= {"cpu_s": seconds, **measured(name, model)}
            keep(found, "runs", own)


if __name__ == "__main__":
    main()
