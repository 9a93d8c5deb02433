"""Couplings from configurations: 8x8 lattice, T = 2.4, 10,000 of them.

Pseudolikelihood by genzoo, with and without L1, beside pseudolm and
scikit-learn's logistic regressions, on the same data, one thread each. The
fastest round of each contender counts; errors are averages over data sets.

    python benchmarks/inverse_ising.py [--rounds 2] [--sets 3]
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import common

SIDE, TEMPERATURE, COUNT = 8, 2.4, 10_000
L1 = 0.015
# What scikit-learn calls C, as in the survey of peers.
PEER_C = 0.02


def make(folder, sets):
    import numpy as np

    import genzoo as gz

    for seed in range(sets):
        x = gz.datasets.ising((SIDE, SIDE), TEMPERATURE, COUNT, seed=seed)
        np.save(Path(folder) / f"{seed}.npy", x.reshape(COUNT, -1))
    return {}


def errors(couplings, fields):
    """Root mean square errors of J and h."""
    import numpy as np

    sites = np.arange(SIDE**2).reshape(SIDE, SIDE)
    true = np.zeros((SIDE**2, SIDE**2))
    for axis in (0, 1):
        true[sites.ravel(), np.roll(sites, -1, axis).ravel()] = 1 / TEMPERATURE
    true += true.T
    upper = np.triu_indices(len(true), 1)
    return {
        "J": float(np.sqrt(np.mean((couplings - true)[upper] ** 2))),
        "h": float(np.sqrt(np.mean(np.square(fields)))),
    }


def genzoo(x):
    import numpy as np

    import genzoo as gz

    losses = {
        "pseudolikelihood": gz.losses.Pseudolikelihood(),
        "pseudolikelihood L2": gz.losses.Pseudolikelihood(l2=0.02),
        "pseudolikelihood L1": gz.losses.Pseudolikelihood(l1=L1),
        "probability flow": gz.losses.MinimumProbabilityFlow(),
    }
    rows = {}
    for name, loss in losses.items():
        model = gz.BoltzmannMachine(gz.spaces.Spin(SIDE**2), seed=0)
        model.compile(loss=loss)
        spent = []
        # The first fit includes tracing; it is shown too.
        for _ in range(3):
            model.multipliers = np.zeros(len(model.features))
            start = time.process_time()
            model.fit(x, verbose=0)
            spent.append(time.process_time() - start)
        rows[name] = {
            **errors(model.couplings, model.fields),
            "CPU s": min(spent[1:]),
            "first CPU s": spent[0],
        }
    return rows


def peers(x):
    import numpy as np
    from joblib import Parallel
    from pyplm.inference.pseudolikelihoodmax import plm
    from sklearn.linear_model import LogisticRegression

    x = x.astype(float)
    rows = {}
    start = time.process_time()
    with Parallel(n_jobs=1) as parallel:
        found = plm(x, parallel)
    spent = time.process_time() - start
    fields = np.diag(found).copy()
    np.fill_diagonal(found, 0)
    rows["pseudolm"] = {**errors(found, fields), "CPU s": spent}
    start = time.process_time()
    size = x.shape[1]
    found, fields = np.zeros((size, size)), np.zeros(size)
    for i in range(size):
        others = np.delete(np.arange(size), i)
        one = LogisticRegression(
            penalty="l1", solver="liblinear", C=PEER_C, tol=1e-4
        ).fit(x[:, others], x[:, i])
        found[i, others] = one.coef_[0] / 2
        fields[i] = one.intercept_[0] / 2
    spent = time.process_time() - start
    found = (found + found.T) / 2
    rows["scikit-learn L1"] = {**errors(found, fields), "CPU s": spent}
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--sets", type=int, default=3)
    parser.add_argument("--only", choices=("make", "genzoo", "peers"))
    parser.add_argument("--folder")
    parser.add_argument("--number", type=int, default=0)
    options = parser.parse_args()
    if options.only == "make":
        print(json.dumps(make(options.folder, options.sets)))
        return
    if options.only:
        import numpy as np

        x = np.load(Path(options.folder) / f"{options.number}.npy")
        print(json.dumps(globals()[options.only](x)))
        return
    python = common.peer_python("pseudolm", "scikit-learn")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        shared = ["--folder", folder, "--sets", options.sets]
        common.run(__file__, ["--only", "make", *shared])
        for _ in range(options.rounds):
            for number in range(options.sets):
                for who in ("genzoo", "peers"):
                    other = {} if who == "genzoo" else {"python": python}
                    found = common.run(
                        __file__,
                        ["--only", who, *shared, "--number", number],
                        **other,
                    )
                    for name, row in found.items():
                        rows.setdefault(name, {}).setdefault(number, [])
                        rows[name][number].append(row)
    result = {}
    for name, sets in rows.items():
        last = [found[-1] for found in sets.values()]
        times = [row["CPU s"] for found in sets.values() for row in found]
        result[name] = {
            "J": [row["J"] for row in last],
            "h": [row["h"] for row in last],
            "CPU s": min(times),
        }
        each = ", ".join(f"{value:.4f}" for value in result[name]["J"])
        print(f"{name:22} J {each}   {min(times):.2f} CPU-s")
    common.write("inverse_ising", result)


if __name__ == "__main__":
    main()
