"""Correlations of Potts models, 21 levels, learned by persistent chains.

python -m benchmarks.maxent.potts_chains --sites 50 --epochs 20
python -m benchmarks.maxent.potts_chains --sites 100 --epochs 10 --seeds 2
python -m benchmarks.maxent.potts_chains --sites 200 --epochs 6 --seeds 2

Sequences of a planted model, as in `benchmarks.maxent.potts`. What a model has
learned is asked of a Gibbs sampler in NumPy that knows its fields and couplings
only: Pearson's r of the connected correlations of all pairs, by the conditional
probabilities in new draws and in the data; and the same without the noise of
the draws, whose variance is known by the covariance of two halves of their
10,000 chains. Longer fits are worse (seed 0: 20, 40 and 60 epochs had 0.966,
0.947 and 0.928): there are 490,000 couplings for 2,000 sequences, and what they
have taken up of these mixes ever more slowly. Beside it adabmDCA, by its own
defaults, for as long at most as genzoo took, at 50 sites; the larger ones add
their rows to what was written, and `--first 1` keeps the seeds before it.
"""

import time

import numpy as np

from benchmarks import common
from benchmarks.maxent.potts import LEVELS, SIZES, planted

SWEEPS, PART = 50, 10_000


def drawn(fields, couplings, count, seed):
    """Parts of states of a Potts model, by Gibbs sweeps of chains in NumPy.

    The chains begin at independent even levels; the first part is theirs after
    `SWEEPS` sweeps, and each further one is theirs one sweep later. Beside each
    part is p(x_i | all other sites), (n, sites * levels).

    Args:
        fields: h, (n, q).
        couplings: J, (n, q, n, q), symmetric, 0 of a site with itself.
        count: of the states; a part has at most `PART`.
        seed: an int.
    """
    generator = np.random.default_rng(seed)
    sites, levels = fields.shape
    couplings = couplings.reshape(sites, levels, -1).astype(np.float32)
    together = couplings.reshape(sites * levels, -1)
    states = generator.integers(0, levels, (min(PART, count), sites))
    hot = np.eye(levels, dtype=np.float32)[states]
    flat = hot.reshape(len(hot), -1)
    rows = np.arange(len(hot))
    for sweep in range(1, SWEEPS + count // len(hot)):
        for i in generator.permutation(sites):
            field = fields[i] + flat @ couplings[i].T
            field += generator.gumbel(size=field.shape)
            states[:, i] = field.argmax(axis=1)
            hot[:, i] = 0
            hot[rows, i, states[:, i]] = 1
        if sweep >= SWEEPS:
            given = fields + (flat @ together).reshape(hot.shape)
            given = np.exp(given - given.max(axis=2, keepdims=True))
            given /= given.sum(axis=2, keepdims=True)
            yield states, given.reshape(flat.shape).astype(np.float32)


class Covariances:
    """Of the levels of all pairs of sites, added part by part.

    Args:
        levels: of each site.
    """

    def __init__(self, levels=LEVELS):
        self.levels, self.count = levels, 0
        self.mean, self.other, self.both = 0.0, 0.0, 0.0

    def add(self, x, given=None):
        """States, and what beside them has the same mean given the others.

        With `given`, the average of 1(x_i = a) p(x_j = b | all others) is that
        of 1(x_i = a) 1(x_j = b), with less noise.
        """
        hot = np.eye(self.levels, dtype=np.float32)[x].reshape(len(x), -1)
        given = hot if given is None else given
        self.count += len(x)
        self.mean += hot.sum(axis=0, dtype=float)
        self.other += given.sum(axis=0, dtype=float)
        self.both += hot.T @ given
        return self

    def connected(self):
        """One flat array."""
        mean, other = self.mean / self.count, self.other / self.count
        both = self.both / self.count - np.outer(mean, other)
        both = (both + both.T) / 2
        sites = len(mean) // self.levels
        both = both.reshape((sites, self.levels) * 2).transpose(0, 2, 1, 3)
        return both[np.triu_indices(sites, 1)].ravel()


def agreement(data, model):
    """Pearson's r, and the slope of the model's on the data's."""
    return {
        "pearson": float(np.corrcoef(data, model)[0, 1]),
        "slope": float(np.polyfit(data, model, 1)[0]),
    }


def without_noise(data, first, second):
    """Pearson's r, less the noise of independent halves of the draws."""
    spread = np.cov(np.stack([data, first, second]))
    both = (spread[0, 1] + spread[0, 2]) / 2
    return float(both / np.sqrt(spread[0, 0] * spread[1, 2]))


def told(x, fields, couplings, chains, seconds, asked):
    seed, draws = asked
    data = Covariances().add(x).connected()
    halves = Covariances(), Covariances()
    for part, given in drawn(fields, couplings, draws, seed + 1):
        for begin, half in enumerate(halves):
            half.add(part[begin::2], given[begin::2])
    first, second = (half.connected() for half in halves)
    return {
        "draws": agreement(data, (first + second) / 2),
        "without_noise": without_noise(data, first, second),
        "chains": agreement(data, Covariances().add(chains).connected()),
        "seconds": seconds,
    }


def genzoo_finds(sites, sequences, seed, epochs, draws):
    """By genzoo's defaults for chains."""
    import resource

    import genzoo as gz

    x, _ = planted(sites, sequences, seed)
    start = time.process_time()
    model = gz.BoltzmannMachine(
        gz.spaces.Categorical(range(LEVELS), sites), seed=seed
    )
    model.compile(loss="pcd", watch=False)
    model.fit(x, epochs=epochs, verbose=0)
    seconds = time.process_time() - start
    potts = model.potts().zero_sum()
    chains = np.asarray(model.chains.read_all()).astype(int)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    asked = seed, draws
    found = told(x, potts.fields, potts.couplings, chains, seconds, asked)
    return {**found, "gigabytes": most}


def adabmdca_finds(sites, sequences, seed, seconds, draws):
    """By adabmDCA's defaults, in about so many CPU-seconds."""
    import tempfile

    import torch
    from adabmDCA.alphabet import get_tokens
    from adabmDCA.api.training import train_model

    torch.set_num_threads(1)
    x, _ = planted(sites, sequences, seed)
    letters = np.array(list(get_tokens("protein")))
    with tempfile.NamedTemporaryFile("w", suffix=".fasta") as file:
        for number, row in enumerate(x):
            file.write(f">{number}\n{''.join(letters[row])}\n")
        file.flush()

        def trained(steps):
            start = time.process_time()
            result = train_model(
                file.name,
                seed=seed,
                no_reweighting=True,
                device="cpu",
                max_gradient_steps=steps,
            )
            return result, time.process_time() - start

        few = 5
        _, one = trained(few)
        result, spent = trained(max(int(few * seconds / one), few))
    fields = result.model.params["bias"].numpy()
    couplings = result.model.params["coupling_matrix"].numpy()
    chains = np.asarray(result.chains)
    if chains.ndim == 3:
        chains = chains.argmax(axis=2)
    found = told(x, fields, couplings, chains, spent, (seed, draws))
    return {**found, "steps": result.gradient_steps}


def rows(found):
    def text(runs):
        raw, less = (
            ", ".join(f"{value:.3f}" for value in values)
            for values in zip(
                *((r["draws"]["pearson"], r["without_noise"]) for r in runs),
                strict=True,
            )
        )
        seconds = max(run["seconds"] for run in runs)
        return f"{raw} (without the noise of draws {less}), {seconds:.0f} s"

    lines = []
    for one in found["sizes"].values():
        memory = [r["gigabytes"] for r in one["genzoo"] if "gigabytes" in r]
        shown = f", {max(memory):.1f} GB" if memory else ""
        peer = one.get("adabmDCA")
        # At 50 sites states alone were counted.
        how = "by probabilities in" if one.get("by_probabilities") else "of"
        last = len(one["genzoo"]) - 1
        seeds = f"seeds 0 to {last}" if last else "seed 0"
        lines.append(
            common.row(
                f"planted Potts model, 21 levels, {one['sites']} sites, "
                f"{one['sequences']} sequences, {seeds}, by "
                f"persistent chains, {one['epochs']} epochs: Pearson of "
                f"connected correlations {how} {one['draws']:,} new draws with "
                "the data's; CPU-seconds",
                text(one["genzoo"]) + shown,
                f"adabmDCA, seed 0, {text([peer])}" if peer else "",
            )
        )
    return lines


def main():
    asked = common.options(
        __doc__, sites=50, epochs=20, first=0, seeds=2, draws=100_000
    )
    sizes = asked.sites, SIZES[asked.sites]
    known = common.written(__file__).get("sizes", {})
    # Of the seeds before the first one that is asked for.
    ours = known.get(f"{sizes[0]} {sizes[1]}", {}).get("genzoo", [])
    ours = ours[: asked.first]
    for seed in range(asked.first, asked.first + asked.seeds):
        run = common.elsewhere(
            genzoo_finds, *sizes, seed, asked.epochs, asked.draws
        )
        print("genzoo", seed, run, flush=True)
        ours.append(run)
    one = {
        "sites": sizes[0],
        "sequences": sizes[1],
        "epochs": asked.epochs,
        "draws": asked.draws,
        "by_probabilities": True,
        "genzoo": ours,
    }
    if asked.sites == min(SIZES):
        one["adabmDCA"] = common.elsewhere(
            adabmdca_finds,
            *sizes,
            0,
            ours[0]["seconds"],
            asked.draws,
            peers=["adabmDCA"],
        )
        print("adabmDCA", one["adabmDCA"], flush=True)
    found = {"sizes": known}
    found["sizes"][f"{sizes[0]} {sizes[1]}"] = one
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
