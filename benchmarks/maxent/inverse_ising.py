"""Couplings from configurations: 8x8 lattice, T = 2.4, 10,000 of them.

Pseudolikelihood by genzoo, with and without L1, beside pseudolm and
scikit-learn's logistic regressions, on the same data, one thread each. The
fastest round of each contender counts; errors are averages over data sets.

    python -m benchmarks.maxent.inverse_ising [--rounds 2] [--sets 3]
"""

import statistics
import tempfile
import time

from benchmarks import common

SIDE, TEMPERATURE, COUNT = 8, 2.4, 10_000
L1 = 0.015
# What scikit-learn calls C, as in the survey of peers.
PEER_C = 0.02


def make(path, seed):
    import numpy as np

    import genzoo as gz

    x = gz.datasets.ising((SIDE, SIDE), TEMPERATURE, COUNT, seed=seed)
    np.save(path, x.reshape(COUNT, -1))


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


def genzoo(path):
    import numpy as np

    import genzoo as gz

    x = np.load(path)
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


def peers(path):
    import numpy as np
    from joblib import Parallel
    from pyplm.inference.pseudolikelihoodmax import plm
    from sklearn.linear_model import LogisticRegression

    x = np.load(path).astype(float)
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


def rows(found):
    def told(name):
        error = statistics.mean(found[name]["J"])
        return f"{error:.4f} in {found[name]['CPU s']:.2f}"

    return [
        common.row(
            "inverse Ising, 8x8, T = 2.4, 10,000 configurations, "
            f"{len(found['pseudolm']['J'])} data sets: RMSE of J in CPU-s",
            told("pseudolikelihood"),
            f"pseudolm {told('pseudolm')}",
        ),
        common.row("the same with an L2 penalty", told("pseudolikelihood L2")),
        common.row(
            "the same with an L1 penalty",
            told("pseudolikelihood L1"),
            f"scikit-learn {told('scikit-learn L1')}",
        ),
    ]


def main():
    options = common.options(__doc__, rounds=2, sets=3)
    packages = ["pseudolm", "scikit-learn"]
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.sets):
            path = f"{folder}/{seed}.npy"
            common.elsewhere(make, path, seed)
            sets = []
            for _ in range(options.rounds):
                ours = common.elsewhere(genzoo, path)
                theirs = common.elsewhere(peers, path, peers=packages)
                sets.append({**ours, **theirs})
            for name, last in sets[-1].items():
                row = result.setdefault(name, {"J": [], "h": [], "CPU s": []})
                row["J"].append(last["J"])
                row["h"].append(last["h"])
                row["CPU s"] += [found[name]["CPU s"] for found in sets]
    for name, row in result.items():
        row["CPU s"] = min(row["CPU s"])
        each = ", ".join(f"{value:.4f}" for value in row["J"])
        print(f"{name:22} J {each}   {row['CPU s']:.2f} CPU-s")
    common.save(__file__, result, rows)


if __name__ == "__main__":
    main()
