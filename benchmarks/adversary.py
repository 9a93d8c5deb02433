"""Likelihood against likelihood with an adversary, on three known sets.

RBMs too simple for their data learn by `PersistentContrastiveDivergence`
alone and by `Adversarial`, with the same layers, seeds and updates. The
reverse divergence KL(model || data), or how near to data samples are, should
be better by more than two errors over the seeds, the forward one worse by at
most a twentieth.

- grid: 25 Gaussians in the plane, of known density; 12 hidden units.
- ising: 4x4 spins in the ordered phase, T = 2, of which all 2^16 states are
  listed; 8 hidden units.
- digits: 8x8 pixels; 16 hidden units, so that log Z is a sum. What the data's
  density is nobody knows: forward is the test nats, reverse the share of
  samples within the balls around digits that reach to their fifth neighbours.

The default weight and the critic were chosen on the grid with seed 0.

    python -m benchmarks.adversary             # ten minutes of a core
    python -m benchmarks.adversary --seeds 1 --sets ising
"""

import functools
import itertools
import time

import numpy as np

from benchmarks import common

CHOSEN_ON = ("grid",)
SEEDS = tuple(range(5))
SPACING, SD, TEMPERATURE = 2.0, 0.1, 2.0
SAMPLES = 20_000


def contenders(gz):
    """Losses by name, the first being that which the others are against."""
    adversarial = gz.losses.Adversarial
    return {
        "likelihood": gz.losses.PersistentContrastiveDivergence(),
        "adversary": adversarial(),
        "half": adversarial(weight=0.5),
        "neighbours": adversarial(critic="nearest", sees="hidden"),
    }


# The sets: layers, data and measures -----------------------------------------


def _grid_data(gz, n, seed):
    return gz.datasets.gaussian_grid(n, 5, SPACING, SD, seed=seed)


def grid(gz, seed):
    """(layers, data, epochs, measure)."""
    known = _grid_data(gz, 10_000, seed)
    layers = gz.units.Gaussian(2), gz.units.Bernoulli(12)

    def measure(model):
        test = _grid_data(gz, SAMPLES, 1000 + seed).x
        samples = model.sample(SAMPLES, seed=seed)
        away = np.linalg.norm(samples[:, None] - known.centres, axis=2)
        forward = known.log_prob(test) - model.log_prob(test)
        reverse = model.log_prob(samples) - known.log_prob(samples)
        return {
            "forward": forward.mean(),
            "reverse": reverse.mean(),
            "spurious": (away.min(axis=1) > 5 * known.sd).mean(),
        }

    return layers, known.x, 40, measure


@functools.cache
def _lattice():
    """All states of 4x4 spins, and their log-probabilities."""
    states = np.array(list(itertools.product([-1, 1], repeat=16)), "int8")
    square = states.reshape(-1, 4, 4)
    bonds = sum(
        (square * np.roll(square, 1, axis)).sum(axis=(1, 2), dtype=int)
        for axis in (1, 2)
    )
    log_p = bonds / TEMPERATURE
    return states, log_p - np.logaddexp.reduce(log_p)


def ising(gz, seed):
    """(layers, data, epochs, measure)."""
    states, log_p = _lattice()
    rng = np.random.default_rng(100 + seed)
    x = states[rng.choice(len(states), 5000, p=np.exp(log_p))]

    def measure(model):
        log_q = model.log_prob(states).astype(float)
        log_q -= np.logaddexp.reduce(log_q)
        gap = log_p - log_q
        return {
            "forward": np.exp(log_p) @ gap,
            "reverse": -np.exp(log_q) @ gap,
        }

    return (gz.units.Spin(16), gz.units.Spin(8)), x, 40, measure


def digits(gz, seed, hidden=16):
    """(layers, data, epochs, measure)."""
    (x, _), (test, _) = gz.datasets.digits.load_data()
    x, test = ((a.reshape(-1, 64) > 7).astype("uint8") for a in (x, test))
    layers = gz.units.Bernoulli(64), gz.units.Bernoulli(hidden)

    def measure(model):
        every = np.concatenate([x, test])
        samples = model.sample(10_000, seed=seed)
        near = gz.metrics.manifold_overlap(every, samples, 5, recall=False)
        return {
            "forward": -model.log_prob(test).mean(),
            "near": near.precision,
            "coverage": near.coverage,
        }

    return layers, x, 300, measure


SETS = {"grid": grid, "ising": ising, "digits": digits}


def learned(name, contender, seed, **options):
    """What is measured of one model, and the CPU seconds of its training."""
    import genzoo as gz

    layers, x, epochs, measure = SETS[name](gz, seed, **options)
    model = gz.RBM(*layers, seed=seed)
    model.compile(loss=contenders(gz)[contender], watch=False)
    began = time.process_time()
    model.fit(x, epochs=epochs, batch_size=100, verbose=0)
    seconds = time.process_time() - began
    found = {key: float(value) for key, value in measure(model).items()}
    return {**found, "cpu_s": seconds}


def compared(runs, name, contender):
    """Means of both, and the differences over seeds with their errors."""
    first, own = (
        [r for r in runs if r["set"] == name and r["contender"] == which]
        for which in ("likelihood", contender)
    )
    told = {}
    for key in ("forward", "reverse", "near", "spurious"):
        if not own or key not in own[0]:
            continue
        a, b = (np.array([r[key] for r in side]) for side in (first, own))
        difference = b - a
        error = difference.std(ddof=1) / np.sqrt(len(a)) if len(a) > 1 else 0
        told[key] = {
            "likelihood": float(a.mean()),
            "contender": float(b.mean()),
            "difference": float(difference.mean()),
            "stderr": float(error),
        }
    return told


_WHAT = {
    "grid": "25 Gaussians in the plane",
    "ising": "4x4 Ising spins, T = 2",
    "digits": "binary 8x8 digits",
}
_CRITICS = {
    "adversary": "weight 0.2, a perceptron",
    "half": "weight 0.5, a perceptron",
    "neighbours": "weight 0.2, neighbours",
}
# In the README; the json has all.
_SHOWN = "adversary", "neighbours"


def rows(found):
    """The rows of the README's table."""
    told = []
    for name, contender in itertools.product(_WHAT, _SHOWN):
        own = compared(found["runs"], name, contender)
        if not own:
            continue
        judged = own.get("reverse") or own["near"]
        reverse = "KL(model to data)" if "reverse" in own else "near precision"
        forward = "KL(data to model)" if "reverse" in own else "test nats"
        change = 100 * own["forward"]["difference"]
        change /= own["forward"]["likelihood"]
        seeds = len({r["seed"] for r in found["runs"]})
        what = (
            f"RBM of {_WHAT[name]}, adversary of {_CRITICS[contender]}: "
            f"{reverse}, change and its error over {seeds} seeds; {forward}, "
            "change"
        )
        value = (
            f"{judged['contender']:.3f}, {judged['difference']:+.3f} ± "
            f"{judged['stderr']:.3f}; {own['forward']['contender']:.3f}, "
            f"{change:+.1f} %"
        )
        beside = (
            f"likelihood alone: {judged['likelihood']:.3f}; "
            f"{own['forward']['likelihood']:.3f}"
        )
        told.append(common.row(what, value, beside))
    return told


def main():
    """Each set, contender and seed."""
    options = common.options(
        __doc__, seeds=len(SEEDS), sets=",".join(SETS), keep=False
    )
    found = common.written(__file__) if options.keep else {}
    found.setdefault("runs", [])
    for name, seed in itertools.product(
        options.sets.split(","), SEEDS[: options.seeds]
    ):
        for contender in ("likelihood", *_CRITICS):
            own = {"set": name, "contender": contender, "seed": seed}
            own |= learned(name, contender, seed)
            print(own, flush=True)
            found["runs"].append(own)
        common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
