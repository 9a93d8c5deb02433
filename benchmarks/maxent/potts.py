"""Contacts of planted Potts models, 21 levels, by pseudolikelihood.

python -m benchmarks.maxent.potts --sites 100 --seeds "0 1 2"

Beside it the recipe of plmc (Hopf et al., 2017): symmetric couplings of all
levels, a ridge, 100 steps of L-BFGS; in NumPy and SciPy, in float32. And pydca
(Zerihun et al., 2020), which is C++, by its defaults: 100 steps, too. genzoo
has plmc's penalty and, once more, the multiple of it that was best for 50
sites on seeds 10 to 17, of 1/2, 1, 2, 4, 8 and 16.
"""

import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import common

LEVELS, SWEEPS = 21, 100
PEERS = ["pydca", "biopython", "numba"]
STRONGER = 16
RECIPE = "plmc's recipe"
SIZES = {50: 2_000, 100: 5_000, 200: 10_000}


def planted(sites, sequences, seed):
    """Sequences of a Potts model on a random graph, and its contacts."""
    generator = np.random.default_rng(seed)
    pairs = np.stack(np.triu_indices(sites, 4), axis=1)
    contacts = pairs[generator.permutation(len(pairs))[: 3 * sites // 2]]
    couplings = {}
    for i, j in contacts.tolist():
        block = 0.2 * generator.standard_normal((LEVELS, LEVELS))
        block[np.arange(LEVELS), generator.permutation(LEVELS)] += 0.4
        couplings[i, j], couplings[j, i] = block, block.T
    fields = 0.7 * generator.standard_normal((sites, LEVELS))
    around = {i: [j for k, j in couplings if k == i] for i in range(sites)}
    x = generator.integers(0, LEVELS, (sequences, sites))
    for _ in range(SWEEPS):
        for i in generator.permutation(sites):
            field = np.tile(fields[i], (sequences, 1))
            for j in around[i]:
                field += couplings[i, j].T[x[:, j]]
            noise = generator.gumbel(size=field.shape)
            x[:, i] = np.argmax(field + noise, axis=1)
    return x.astype("uint8"), contacts


def precision(scores, contacts):
    """The share of contacts among the first pairs, as many as sites."""
    sites = len(scores)
    pairs = np.stack(np.triu_indices(sites, 4), axis=1)
    best = pairs[np.argsort(-scores[pairs[:, 0], pairs[:, 1]])[:sites]]
    true = {tuple(sorted(pair)) for pair in contacts.tolist()}
    return float(np.mean([tuple(pair) in true for pair in best.tolist()]))


def strengths(sites, sequences):
    """Weights of half the squares of couplings and fields, each example.

    plmc's sum, 0.2 (sites - 1) J^2 + 0.01 h^2, has no half and is over all.
    """
    return 0.4 * (sites - 1) / sequences, 0.02 / sequences


def told(start, scores, contacts, loss):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "precision": precision(scores, contacts),
        "seconds": time.process_time() - start,
        "gigabytes": peak / 2**20,
        "loss": loss,
    }


def genzoo_finds(sites, sequences, seed, stronger=1):
    """By genzoo, its couplings' penalty a multiple of plmc's."""
    import genzoo as gz

    x, contacts = planted(sites, sequences, seed)
    start = time.process_time()
    l2, l2_fields = strengths(sites, sequences)
    model = gz.BoltzmannMachine(
        gz.spaces.Categorical(range(LEVELS), sites), seed=0
    )
    model.compile(
        loss=gz.losses.Pseudolikelihood(l2=stronger * l2, l2_fields=l2_fields),
        watch=False,
    )
    history = model.fit(x, verbose=0).history
    loss = history["pseudolikelihood_loss"][-1]
    return told(start, model.potts().scores(), contacts, loss)


def genzoo_finds_stronger(sites, sequences, seed):
    """By genzoo, the penalty chosen on other seeds."""
    return genzoo_finds(sites, sequences, seed, STRONGER)


def plmc_recipe(sites, sequences, seed):
    """By SciPy's L-BFGS, all levels written."""
    from scipy import optimize

    x, contacts = planted(sites, sequences, seed)
    start = time.process_time()
    l2, l2_fields = strengths(sites, sequences)
    size = sites * LEVELS
    hot = np.eye(LEVELS, dtype=np.float32)[x].reshape(sequences, size)
    sites_of = np.repeat(np.arange(sites), LEVELS)
    first, second = np.nonzero(sites_of[:, None] < sites_of)
    rows = 1000

    def value(vector):
        fields = vector[:size].astype(np.float32)
        coupling = np.zeros((size, size), np.float32)
        coupling[first, second] = vector[size:]
        coupling += coupling.T
        total, single = 0.0, np.zeros(size)
        both = np.zeros((size, size), np.float32)
        for begin in range(0, sequences, rows):
            part = hot[begin : begin + rows]
            field = (fields + part @ coupling).reshape(-1, sites, LEVELS)
            field -= field.max(axis=2, keepdims=True)
            p = np.exp(field)
            norm = p.sum(axis=2, keepdims=True)
            own = (field * part.reshape(field.shape)).sum()
            total += float(np.log(norm).sum()) - float(own)
            slope = (p / norm).reshape(part.shape) - part
            single += slope.sum(axis=0)
            both += slope.T @ part
        both = (both + both.T)[first, second] / sequences
        fields, pairs = vector[:size], vector[size:]
        penalty = 0.5 * l2 * pairs @ pairs + 0.5 * l2_fields * fields @ fields
        gradient = np.concatenate(
            [single / sequences + l2_fields * fields, both + l2 * pairs]
        )
        return total / sequences + penalty, gradient

    found = optimize.minimize(
        value,
        np.zeros(size + len(first)),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 100, "maxcor": 5},
    )
    blocks = np.zeros((size, size))
    blocks[first, second] = found.x[size:]
    blocks = (blocks + blocks.T).reshape(sites, LEVELS, sites, LEVELS)
    blocks -= blocks.mean(axis=1, keepdims=True)
    blocks -= blocks.mean(axis=3, keepdims=True)
    norm = np.sqrt((blocks**2).sum(axis=(1, 3)))
    single = norm.sum(axis=1)
    norm -= np.outer(single, single) / norm.sum()
    return told(start, norm, contacts, float(found.fun))


def pydca_finds(sites, sequences, seed):
    """By pydca, from a file of letters, as it wants them."""
    from pydca.plmdca import plmdca

    x, contacts = planted(sites, sequences, seed)
    letters = np.array(list("ACDEFGHIKLMNPQRSTVWY-"))[x]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "alignment.fasta"
        path.write_text(
            "".join(f">{i}\n{''.join(row)}\n" for i, row in enumerate(letters))
        )
        start = time.process_time()
        model = plmdca.PlmDCA(str(path), "protein", num_threads=1)
        ranked = model.compute_sorted_FN_APC()
    scores = np.zeros((sites, sites))
    for (i, j), score in ranked:
        scores[i, j] = scores[j, i] = score
    # It does not tell what it has reached.
    return told(start, scores, contacts, None)


FINDERS = {
    "genzoo": genzoo_finds,
    "genzoo, stronger": genzoo_finds_stronger,
    RECIPE: plmc_recipe,
    "pydca": pydca_finds,
}


def mean(runs, name):
    return np.mean([run[name] for run in runs])


def text(runs):
    right = " ".join(f"{100 * run['precision']:.0f}" for run in runs)
    if len(runs) > 1:
        right = f"{100 * mean(runs, 'precision'):.0f} ({right})"
    return (
        f"{right} %, {mean(runs, 'seconds'):.0f} s, "
        f"{max(run['gigabytes'] for run in runs):.1f} GB"
    )


def rows(found):
    table = []
    for name, one in found["sizes"].items():
        sites, sequences = name.split()
        told = {who: text(one[who]) for who in FINDERS}
        seeds = "seed" + "s" * (len(one["seeds"]) > 1)
        seeds += "".join(f" {seed}" for seed in one["seeds"])
        table.append(
            common.row(
                f"planted Potts model, 21 levels, {sites} sites, {sequences} "
                f"sequences, {seeds}: contacts among the first pairs, "
                "as many as sites; CPU-seconds; memory",
                f"{told['genzoo']}; penalty {STRONGER} times plmc's, chosen "
                f"on other seeds, {told['genzoo, stronger']}",
                f"recipe of plmc in SciPy {told[RECIPE]}; "
                f"pydca {told['pydca']}",
            )
        )
    return table


def main():
    asked = common.options(__doc__, sites=50, seeds="0 1 2")
    found = {"sizes": common.written(__file__).get("sizes", {})}
    sequences = SIZES[asked.sites]
    seeds = [int(seed) for seed in asked.seeds.split()]
    own = {"seeds": seeds, **{name: [] for name in FINDERS}}
    for seed in seeds:
        for name, function in FINDERS.items():
            run = common.elsewhere(
                function,
                asked.sites,
                sequences,
                seed,
                peers=PEERS if name == "pydca" else (),
            )
            print(seed, name, run, flush=True)
            own[name].append(run)
    found["sizes"][f"{asked.sites} {sequences}"] = own
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
