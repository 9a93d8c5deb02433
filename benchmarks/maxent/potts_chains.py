"""Correlations of Potts models, 21 levels, learned by persistent chains.

python -m benchmarks.maxent.potts_chains --sites 50 --epochs 20

Sequences of a planted model, as in `benchmarks.maxent.potts`. What a model has
learned is asked of a Gibbs sampler in NumPy that knows its fields and
couplings only: Pearson's r of the connected correlations of all pairs, in new
draws and in the data; and the same without the noise of the draws, whose
variance is known by the covariance of two halves of them. Longer fits are worse
(seed 0: 20, 40 and 60 epochs had 0.966, 0.947 and 0.928): there are 490,000
couplings for 2,000 sequences, and what they have taken up of these mixes ever
more slowly. Beside it adabmDCA, by its own defaults, for as long at most as
genzoo took.
"""

import time

import numpy as np

from benchmarks import common
from benchmarks.maxent.potts import LEVELS, SIZES, planted

DRAWS, SWEEPS, PART = 100_000, 50, 10_000


def drawn(fields, couplings, count, seed, sweeps=SWEEPS):
    """Independent states of a Potts model, in NumPy, after Gibbs sweeps.

    Args:
        fields: h, (n, q).
        couplings: J, (n, q, n, q), symmetric.
        count: of the states.
        seed: an int.
        sweeps: of each, from independent even levels.
    """
    generator = np.random.default_rng(seed)
    sites, levels = fields.shape
    couplings = couplings.reshape(sites, levels, -1).astype(np.float32)
    found = np.empty((count, sites), np.uint8)
    for begin in range(0, count, PART):
        states = generator.integers(
            0, levels, (min(PART, count - begin), sites)
        )
        hot = np.eye(levels, dtype=np.float32)[states]
        flat = hot.reshape(len(hot), -1)
        for _ in range(sweeps):
            for i in generator.permutation(sites):
                field = fields[i] + flat @ couplings[i].T
                field += generator.gumbel(size=field.shape)
                states[:, i] = field.argmax(axis=1)
                hot[:, i] = 0
                hot[np.arange(len(hot)), i, states[:, i]] = 1
        found[begin : begin + PART] = states
    return found


def connected(x, levels=LEVELS):
    """Covariances of the levels of all pairs of sites, one flat array."""
    sites = x.shape[1]
    hot = np.eye(levels, dtype=np.float32)[x].reshape(len(x), -1)
    mean = hot.mean(axis=0, dtype=float)
    both = np.zeros((len(mean),) * 2)
    for begin in range(0, len(x), PART):
        part = hot[begin : begin + PART]
        both += part.T @ part
    both = both / len(x) - np.outer(mean, mean)
    blocks = both.reshape(sites, levels, sites, levels).transpose(0, 2, 1, 3)
    return blocks[np.triu_indices(sites, 1)].ravel()


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


def told(x, fields, couplings, chains, seconds, seed):
    data = connected(x)
    new = drawn(fields, couplings, DRAWS, seed + 1)
    halves = [connected(part) for part in np.array_split(new, 2)]
    return {
        "draws": agreement(data, connected(new)),
        "without_noise": without_noise(data, *halves),
        "chains": agreement(data, connected(chains)),
        "seconds": seconds,
    }


def genzoo_finds(sites, sequences, seed, epochs):
    """By genzoo's defaults for chains."""
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
    return told(x, potts.fields, potts.couplings, chains, seconds, seed)


def adabmdca_finds(sites, sequences, seed, seconds):
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
    found = told(x, fields, couplings, chains, spent, seed)
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

    return [
        common.row(
            f"planted Potts model, 21 levels, {found['sites']} sites, "
            f"{found['sequences']} sequences, seeds 0 to "
            f"{len(found['genzoo']) - 1}, by "
            f"persistent chains, {found['epochs']} epochs: Pearson of "
            f"connected correlations of {DRAWS:,} new draws with the data's; "
            "CPU-seconds",
            text(found["genzoo"]),
            f"adabmDCA, seed 0, {text([found['adabmDCA']])}",
        )
    ]


def main():
    asked = common.options(__doc__, sites=50, epochs=20, seeds=2)
    sizes = asked.sites, SIZES[asked.sites]
    ours = []
    for seed in range(asked.seeds):
        run = common.elsewhere(genzoo_finds, *sizes, seed, asked.epochs)
        print("genzoo", seed, run, flush=True)
        ours.append(run)
    theirs = common.elsewhere(
        adabmdca_finds, *sizes, 0, ours[0]["seconds"], peers=["adabmDCA"]
    )
    print("adabmDCA", theirs, flush=True)
    found = {"sites": sizes[0], "sequences": sizes[1], "epochs": asked.epochs}
    common.save(__file__, {**found, "genzoo": ours, "adabmDCA": theirs}, rows)


if __name__ == "__main__":
    main()
