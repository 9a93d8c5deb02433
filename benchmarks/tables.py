"""Tables of numbers and categories, beside ctgan.

Each model learns 70 % of the rows by its defaults and draws as many. Measured
are the accuracy of a random forest that tells drawn rows from held-out ones
(0.5 if it cannot), and of one that is trained on drawn rows to predict a
column of held-out ones, beside one that is trained on the data. Rows with gaps
are left out, since ctgan takes none.

The number of updates was chosen on the sets of CHOSEN_ON.

    python -m benchmarks.tables --seeds 5
"""

import json
import statistics
import time

import numpy as np

from benchmarks import common

CHOSEN_ON = ("wine", "made")
PEERS = ("torch==2.13.0", "ctgan", "palmerpenguins")
# Updates of each network, and rows of an epoch, which begins slowly: smaller
# tables are encoded several times.
UPDATES, EPOCH = 3000, 1000


def wine():
    from sklearn.datasets import load_wine

    return _of_sklearn(load_wine())


def breast_cancer():
    from sklearn.datasets import load_breast_cancer

    return _of_sklearn(load_breast_cancer())


def _of_sklearn(found):
    data = {
        name: column.tolist()
        for name, column in zip(found.feature_names, found.data.T, strict=True)
    }
    return {**data, "target": found.target_names[found.target].tolist()}


def read_penguins():
    """In the environment of the peers."""
    from palmerpenguins import load_penguins

    frame = load_penguins().dropna()
    return {name: frame[name].tolist() for name in frame.columns}


def penguins():
    data = common.elsewhere(read_penguins, peers=PEERS)
    return {"target": data.pop("species"), **data}


def made(n=3000):
    """A class of 4 %, a long tail, many zeros, and a column of both."""
    rng = np.random.default_rng(17)
    kind = rng.choice(["common", "other", "rare"], n, p=[0.7, 0.26, 0.04])
    middle = np.array([0.0, 1.0, 4.0])[
        np.searchsorted(["common", "other", "rare"], kind)
    ]
    amount = np.exp(middle + 1.5 * rng.standard_normal(n))
    visits = rng.poisson(np.exp(0.4 * middle)) * (rng.random(n) < 0.6)
    late = rng.random(n) < 1 / (1 + np.exp(1 - 0.5 * middle))
    ratio = amount / (1 + visits) * np.exp(0.1 * rng.standard_normal(n))
    return {
        "target": kind.tolist(),
        "amount": amount.tolist(),
        "visits": visits.tolist(),
        "late": np.where(late, "yes", "no").tolist(),
        "ratio": ratio.tolist(),
    }


SETS = {
    "wine": wine,
    "made": made,
    "penguins": penguins,
    "breast cancer": breast_cancer,
}


# Models, each in a process of its own ----------------------------------------


def ours(data, seed):
    """(drawn rows, CPU seconds)."""
    import keras

    import genzoo as gz

    keras.utils.set_random_seed(seed)
    begin = time.process_time()
    table = gz.datasets.Table(data)
    gan = gz.GAN(*gz.networks.tabular(table), seed=seed)
    gan.compile(steps_per_execution=10)
    rows = len(data["target"])
    copies = range(max(EPOCH // rows, 1))
    x = np.concatenate([table.encode(data, seed=(seed, i)) for i in copies])
    # A batch is a fortieth of the rows, of 32 to 256.
    steps = -(-len(x) // int(np.clip(len(x) // 40, 32, 256)))
    gan.fit(x, epochs=-(-UPDATES // steps), verbose=0)
    seconds = time.process_time() - begin
    drawn = table.sample(gan, rows, seed=seed)
    return {n: c.tolist() for n, c in drawn.items()}, seconds


def peer(data, seed):
    """The same of ctgan."""
    import ctgan
    import pandas
    import torch

    torch.manual_seed(seed)
    np.random.seed(seed)
    frame = pandas.DataFrame(data)
    texts = [n for n in frame if isinstance(frame[n][0], str)]
    begin = time.process_time()
    model = ctgan.CTGAN(enable_gpu=False)
    model.fit(frame, texts)
    seconds = time.process_time() - begin
    drawn = model.sample(len(frame))
    return {n: drawn[n].tolist() for n in frame}, seconds


# What is measured ------------------------------------------------------------


def _numbers(data, like):
    """A matrix of the columns, by the values of the data."""
    columns = []
    for name, values in data.items():
        if isinstance(like[name][0], str):
            levels = sorted(set(like[name]))
            columns += [[value == v for value in values] for v in levels]
        else:
            columns.append(values)
    return np.array(columns, float).T


def measure(drawn, train, test):
    """The accuracies of both forests, and of one that learned the data."""
    from sklearn.ensemble import RandomForestClassifier as Forest
    from sklearn.model_selection import cross_val_score

    rows = len(test["target"])
    fake = {n: c[:rows] for n, c in drawn.items()}
    both = np.concatenate([_numbers(d, train) for d in (test, fake)])
    told = np.repeat([1, 0], rows)
    forest = Forest(200, random_state=0)
    two_samples = cross_val_score(forest, both, told, cv=5).mean()

    def predicts(data):
        rest = {n: c for n, c in data.items() if n != "target"}
        held = {n: c for n, c in test.items() if n != "target"}
        fitted = Forest(200, random_state=0).fit(
            _numbers(rest, train), data["target"]
        )
        right = fitted.predict(_numbers(held, train)) == test["target"]
        of_each = [
            right[np.array(test["target"]) == v].mean()
            for v in sorted(set(test["target"]))
        ]
        return float(np.mean(of_each))

    return {
        "two_samples": float(two_samples),
        "predicts": predicts(drawn),
        "data_predict": predicts(train),
    }


def one(name, seed, with_peer=True):
    """What both models reach on a set."""
    data = SETS[name]()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(data["target"]))
    cut = int(0.7 * len(order))
    train, test = (
        {n: [c[i] for i in rows] for n, c in data.items()}
        for rows in (order[:cut], order[cut:])
    )
    found = {}
    for who, function, peers in (
        ("genzoo", ours, ()),
        ("ctgan", peer, PEERS),
    )[: 1 + with_peer]:
        drawn, seconds = common.elsewhere(function, train, seed, peers=peers)
        found[who] = {**measure(drawn, train, test), "cpu": seconds}
        print(name, seed, who, json.dumps(found[who]), flush=True)
    return found


def _mean(runs, who, what):
    values = [run[who][what] for run in runs]
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    error = f" +- {spread:.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{error}"


def rows(found):
    """The rows of the README's table."""
    told = []
    for name, runs in found["sets"].items():
        cpu = [
            sum(run[who]["cpu"] for run in runs) / len(runs)
            for who in ("genzoo", "ctgan")
        ]
        pair = [
            f"{_mean(runs, who, 'two_samples')}; "
            f"{_mean(runs, who, 'predicts')} ({spent:.0f} CPU-s)"
            for who, spent in zip(("genzoo", "ctgan"), cpu, strict=True)
        ]
        real = statistics.mean(run["genzoo"]["data_predict"] for run in runs)
        seeds = "seed 0" if len(runs) == 1 else f"seeds 0 to {len(runs) - 1}"
        told.append(
            common.row(
                f"table {name}, {seeds}{found.get('how', '')}: accuracy of a "
                "forest that tells drawn from held-out rows; of one trained "
                f"on drawn rows (on data {real:.3f})",
                pair[0],
                f"ctgan {pair[1]}",
            )
        )
    return told


def main():
    """Run what is asked for, each set for its seeds."""
    options = common.options(__doc__, seeds=5, sets=",".join(SETS))
    found = {"updates": UPDATES, "chosen_on": CHOSEN_ON, "sets": {}}
    for name in options.sets.split(","):
        runs = [one(name, seed) for seed in range(options.seeds)]
        found["sets"][name] = runs
        common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
