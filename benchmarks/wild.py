"""Defaults on data that nobody tuned for: nats on test rows of twenty sets.

`compile()` and `fit(x, epochs=10)`, and 100 epochs where that is affordable,
against independent columns, scikit-learn's defaults for as many CPU seconds,
and the best that is known: the entropy of the distribution that made the rows,
or the best of longer trainings. log Z is exact up to 20 units of the smaller
layer, else by annealing, for the peer too.

Defaults were chosen on the sets of CHOSEN_ON, and are reported on all.

    python -m benchmarks.wild             # half an hour on a core
    python -m benchmarks.wild --short     # ten epochs alone
"""

import functools
import tempfile
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import common

# Named before the first run: the half on which defaults were chosen.
CHOSEN_ON = (
    "digits",
    "mnist 20",
    "ghz 10",
    "assemblies",
    "thirty rows",
    "constant columns",
    "few states",
    "one of 30",
    "scales",
    "categories",
)
SEEDS = tuple(range(10))
LARGE = ("mnist 20", "mnist 500", "wide")


class Set(NamedTuple):
    """Rows to learn from, rows to score, and who is to learn them."""

    train: np.ndarray
    test: np.ndarray
    hidden: int
    units: str = "Bernoulli"
    states: int = 0
    # Nats on test rows; None where nothing is known of the distribution.
    best: float | None = None
    epochs: tuple = (10, 100)
    structure: bool = True


# Binary rows -----------------------------------------------------------------


def digits():
    from genzoo.zoo.measures import boltzmann

    return Set(*map(boltzmann.binary_digits, (0, 1)), 16, best=-18.1)


def mnist(hidden, epochs, best):
    from recipes import sources

    x, t = sources.mnist()
    return Set(x, t, hidden, epochs=epochs, best=best)


def ghz(n):
    rng = np.random.default_rng(1)
    x = np.repeat(rng.integers(0, 2, (2000, 1)), n, axis=1)
    return Set(x[:1000], x[1000:], n, best=-float(np.log(2)))


def few_states():
    rng = np.random.default_rng(6)
    patterns = rng.integers(0, 2, (8, 16))
    p = np.arange(1, 9) / 36
    x = patterns[rng.choice(8, 2600, p=p)]
    return Set(x[:600], x[600:], 10, best=float(p @ np.log(p)))


def assemblies():
    rng = np.random.default_rng(2)
    on = rng.random((2000, 10)) < 0.05
    x = rng.random((2000, 200)) < 0.01
    x[:, :80] |= np.repeat(on, 8, axis=1) & (rng.random((2000, 80)) < 0.9)
    return Set(x[:1000], x[1000:], 12, best=-15.2)


def labelled_digits():
    """8x8 digits with their label beside them, one hot."""
    import genzoo as gz

    parts = gz.datasets.digits.load_data()
    rows = [
        np.hstack([x.reshape(-1, 64) > 7, np.eye(10)[y] > 0]) for x, y in parts
    ]
    return Set(*rows, 16, best=-18.7)


def wide():
    """1,000 rows of 20,000 columns, 20 topics of 400 columns each."""
    rng = np.random.default_rng(8)
    topics = [rng.choice(20_000, 400, replace=False) for _ in range(8)]
    x = rng.random((1500, 20_000)) < 0.004
    for topic in topics:
        on = rng.random((1500, 1)) < 0.15
        x[:, topic] |= on & (rng.random((1500, 400)) < 0.3)
    return Set(x[:1000], x[1000:], 12, epochs=(10,))


def thirty():
    """Thirty rows, noisy copies of three patterns."""
    rng = np.random.default_rng(3)
    p = np.where(rng.random((3, 20)) < 0.5, 0.9, 0.1)
    kinds = rng.integers(0, 3, 1030)
    x = rng.random((1030, 20)) < p[kinds]
    log_p = np.log(p)[:, None] * x + np.log1p(-p)[:, None] * ~x
    true = np.log(np.exp(log_p.sum(-1)).mean(0))[30:].mean()
    return Set(x[:30], x[30:], 6, best=float(true))


def copied():
    """Independent columns, of which one stands there twice."""
    rng = np.random.default_rng(9)
    p = np.linspace(0.1, 0.9, 12)
    x = rng.random((1500, 12)) < p
    true = (p * np.log(p) + (1 - p) * np.log1p(-p)).sum()
    x = np.hstack([x, x[:, 5:6]])
    return Set(x[:500], x[500:], 4, best=float(true))


def constant_columns():
    rng = np.random.default_rng(5)
    kinds = np.repeat(rng.random((2500, 3)) < 0.5, 5, axis=1)
    x = rng.random((2500, 15)) < np.where(kinds, 0.85, 0.15)
    x = np.hstack([x, np.ones((2500, 3)), np.zeros((2500, 4))])
    return Set(x[:500], x[500:], 6, best=-8.25)


def one_of_thirty():
    rng = np.random.default_rng(7)
    x = np.eye(30)[rng.integers(0, 30, 2000)]
    return Set(x[:1000], x[1000:], 10, best=-float(np.log(30)))


def ising(temperature):
    import genzoo as gz

    x = gz.datasets.ising((4, 4), temperature=temperature, n=3000, seed=0)
    x = x.reshape(3000, 16)
    return Set(x[:1000], x[1000:], 8, "Spin")


# Real numbers ----------------------------------------------------------------


def mixture(center, scale, n=1000, seed=10):
    """Two clusters in standard form, brought to centers and scales."""
    rng = np.random.default_rng(seed)
    width = len(scale)
    side = rng.choice([-1.0, 1.0], (2 * n, 1))
    z = 0.9 * side + np.sqrt(1 - 0.81) * rng.normal(size=(2 * n, width))
    variance = 1 - 0.81
    log_p = [
        -0.5 * ((z - m) ** 2 / variance + np.log(2 * np.pi * variance)).sum(1)
        for m in (0.9, -0.9)
    ]
    log_p = np.logaddexp(*log_p) - np.log(2) - np.log(scale).sum()
    x = center + scale * z
    return Set(x[:n], x[n:], 4, "Gaussian", best=float(log_p[n:].mean()))


def scales():
    return mixture(np.zeros(8), 10.0 ** np.arange(-2, 6))


def sensors():
    return mixture(np.linspace(250, 350, 8), np.full(8, 0.1), seed=11)


def grey():
    import genzoo as gz

    rows = [x.reshape(-1, 64) for x, _ in gz.datasets.digits.load_data()]
    varies = rows[0].std(axis=0) > 0.3
    return Set(*(x[:, varies].astype("float32") for x in rows), 16, "Gaussian")


# Categories ------------------------------------------------------------------


def categories():
    """Eight columns of five categories, a noisy chain."""
    rng = np.random.default_rng(12)
    labels = np.empty((3000, 8), int)
    labels[:, 0] = rng.integers(0, 5, 3000)
    for i in range(1, 8):
        fresh = rng.random(3000) < 0.3
        other = rng.integers(0, 5, 3000)
        labels[:, i] = np.where(fresh, other, labels[:, i - 1])
    x = np.eye(5)[labels].reshape(3000, 40)
    stay, leave = 0.7 + 0.3 / 5, 0.3 / 5
    rate = stay * np.log(stay) + 4 * leave * np.log(leave)
    best = float(-np.log(5) + 7 * rate)
    return Set(x[:1000], x[1000:], 12, "Categorical", 5, best=best)


def classes():
    """Six columns of three categories, in four latent classes."""
    rng = np.random.default_rng(13)
    p = rng.dirichlet(np.full(3, 0.3), (4, 6))
    kinds = rng.integers(0, 4, 2000)
    u = rng.random((2000, 6, 1))
    labels = (u > np.cumsum(p, axis=-1)[kinds]).sum(-1).clip(0, 2)
    x = np.eye(3)[labels].reshape(2000, 18)
    log_p = np.log(p + 1e-12)[:, np.arange(6), labels[1000:]].sum(-1)
    best = float((np.logaddexp.reduce(log_p) - np.log(4)).mean())
    return Set(x[:1000], x[1000:], 6, "Categorical", 3, best=best)


SETS = {
    "digits": digits,
    "mnist 20": functools.partial(mnist, 20, (5,), -135.6),
    "mnist 500": functools.partial(mnist, 500, (5,), -85.0),
    "ghz 10": functools.partial(ghz, 10),
    "ghz 24": functools.partial(ghz, 24),
    "few states": few_states,
    "assemblies": assemblies,
    "labelled digits": labelled_digits,
    "wide": wide,
    "thirty rows": thirty,
    "copied column": copied,
    "constant columns": constant_columns,
    "one of 30": one_of_thirty,
    "ising hot": functools.partial(ising, 3.5),
    "ising cold": functools.partial(ising, 1.8),
    "scales": scales,
    "sensors": sensors,
    "grey": grey,
    "categories": categories,
    "classes": classes,
}


def independent(data):
    """Nats of independent columns with the training rows' means."""
    x, t = (np.asarray(part, np.float64) for part in data[:2])
    n = len(x)
    if data.units == "Gaussian":
        u = (t - x.mean(0)) / x.std(0)
        each = -0.5 * u**2 - np.log(x.std(0)) - 0.5 * np.log(2 * np.pi)
        return float(each.sum(1).mean())
    if data.units == "Categorical":
        p = (x.sum(0) + 0.5) / (n + 0.5 * data.states)
        return float((t * np.log(p)).sum(1).mean())
    if data.units == "Spin":
        x, t = (x + 1) / 2, (t + 1) / 2
    p = (x.sum(0) + 0.5) / (n + 1)
    return float((t * np.log(p) + (1 - t) * np.log1p(-p)).sum(1).mean())


def model(data, seed):
    """An RBM of which everything is default."""
    import genzoo as gz

    width = data.train.shape[1]
    if data.units == "Categorical":
        units = gz.units.Categorical(width // data.states, data.states)
    else:
        units = getattr(gz.units, data.units)(width)
    return gz.RBM(units, gz.units.Bernoulli(data.hidden), seed=seed)


def score(rbm, x):
    """Mean nats of rows, log Z exact where that takes seconds."""
    if min(rbm.visible.width, rbm.hidden.width) <= 20:
        rbm.log_partition("enumeration")
    else:
        rbm.log_partition("ais", chains=200, temperatures=5000)
    return float(rbm.log_prob(x).mean())


def ours(data, epochs, seed):
    """(nats, CPU seconds) of the defaults."""
    rbm = model(data, seed)
    rbm.compile()
    start = time.process_time()
    rbm.fit(data.train, epochs=epochs, verbose=0)
    seconds = time.process_time() - start
    return score(rbm, data.test), seconds


def sklearn(data, seconds, seed):
    """Nats of scikit-learn's defaults, trained for as many CPU seconds."""
    import genzoo as gz

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npz"
        np.savez(path, x=data.train)
        options = [str(path), data.hidden, seconds, seed]
        common.elsewhere(train_sklearn, *options, peers=["scikit-learn"])
        with np.load(path) as file:
            weights = [file[name] for name in "wab"]
    units = gz.units.Bernoulli(data.train.shape[1])
    rbm = gz.RBM(units, gz.units.Bernoulli(data.hidden))
    rbm.adapt(data.train)
    for variable, value in zip(rbm.parameters, weights, strict=True):
        variable.assign(value)
    return score(rbm, data.test)


def train_sklearn(path, hidden, seconds, seed):
    """At least the ten epochs of its defaults."""
    from sklearn.neural_network import BernoulliRBM

    with np.load(path) as file:
        x = file["x"].astype("float32")
    rbm = BernoulliRBM(hidden, random_state=seed)
    rng = np.random.default_rng(seed)
    start, epochs = time.process_time(), 0
    # As its own `fit`, whose length is given in epochs.
    while epochs < rbm.n_iter or time.process_time() - start < seconds:
        order = rng.permutation(len(x))
        for at in range(0, len(x), rbm.batch_size):
            rbm.partial_fit(x[order[at : at + rbm.batch_size]])
        epochs += 1
    np.savez(
        path,
        w=rbm.components_.T,
        a=rbm.intercept_visible_,
        b=rbm.intercept_hidden_,
    )
    return epochs


def measure(name, seeds, short):
    """What one set gives."""
    data = SETS[name]()
    found = {
        "shape": [*data.train.shape, data.hidden],
        "units": data.units,
        "chosen_on": name in CHOSEN_ON,
        "independent": independent(data),
        "best": data.best,
        "genzoo": {},
    }
    for epochs in data.epochs[: 1 if short else None]:
        # A hundred epochs of a set take ten times as long: one seed of four.
        few = seeds if epochs <= 10 else seeds[: -(-len(seeds) // 4)]
        runs = [ours(data, epochs, seed) for seed in few]
        found["genzoo"][str(epochs)] = [nats for nats, _ in runs]
        found["seconds"] = float(np.mean([seconds for _, seconds in runs]))
        if epochs == data.epochs[0] and data.units == "Bernoulli":
            found["scikit-learn"] = [
                sklearn(data, found["seconds"], seed) for seed in seeds[:2]
            ]
    print(line(name, found), flush=True)
    return found


def line(name, found):
    """One row of the table."""
    sides = [f"{found['independent']:10.2f}"]
    peer = found.get("scikit-learn")
    sides.append(f"{np.mean(peer):10.2f}" if peer else " " * 10)
    for values in found["genzoo"].values():
        sides.append(f"{np.mean(values):10.2f} +- {np.std(values):5.2f}")
    if len(found["genzoo"]) == 1:
        sides.append(" " * 19)
    best = found["best"]
    sides.append(f"{best:10.2f}" if best is not None else "")
    shape = " x ".join(map(str, found["shape"]))
    return f"{name:17}{shape:17}{''.join(sides)}"


def failures(found):
    """Sets with structure whose defaults learned too little."""
    poor = [
        name
        for name, one in found.items()
        if any(
            np.mean(values) < one["independent"] + 0.02
            for values in one["genzoo"].values()
        )
    ]
    worse = [
        name
        for name, one in found.items()
        if "scikit-learn" in one
        and np.mean(next(iter(one["genzoo"].values())))
        < np.mean(one["scikit-learn"])
    ]
    return poor, worse


def rows(found):
    sets = found["sets"]
    poor, worse = failures(sets)
    peers = [one for one in sets.values() if "scikit-learn" in one]
    return [
        common.row(
            f"defaults on {len(sets)} sets of wild data: no better than "
            "independent columns",
            f"**{len(poor)}**",
        ),
        common.row(
            f"the same, worse than scikit-learn's defaults ({len(peers)} sets, "
            "equal CPU time)",
            f"**{len(worse)}**",
        ),
    ]


def main():
    options = common.options(__doc__, seeds=3, only="", short=False)
    warnings.simplefilter("ignore", UserWarning)
    found = common.written(__file__)
    found = {"sets": found.get("sets", {})}
    print(
        f"{'set':17}{'rows x columns x hidden':17}independent scikit-l."
        "     10 epochs (5: mnist)      100 epochs      best known"
    )
    for name in options.only.split(",") if options.only else SETS:
        found["sets"][name] = measure(
            name, SEEDS[: options.seeds], options.short
        )
        common.save(__file__, found, rows)
    for name in SETS:
        if name in found["sets"]:
            print(line(name, found["sets"][name]))
    print("no better than independent, worse than scikit-learn:")
    print(*failures(found["sets"]))


if __name__ == "__main__":
    main()
