"""A table of ratings of which four fifths are missing, filled in.

Planted tastes: what is missing is known. An RBM of categories with
`fit(x, mask=...)` and `impute`, beside a matrix factorisation by alternating
least squares, whose rank and penalty are chosen on held-out ratings, and the
means of the columns.

    python -m benchmarks.rbm.ratings
"""

import statistics

import numpy as np

from benchmarks import common

SEEDS = range(10)
USERS, ITEMS, LEVELS, SEEN, HIDDEN, EPOCHS = 1000, 100, 5, 0.2, 30, 40


def table(seed):
    """(ratings 0 to 4, which of them are seen)."""
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(USERS, 3)) @ rng.normal(size=(3, ITEMS))
    taste += rng.normal(size=ITEMS) + 0.5 * rng.normal(size=taste.shape)
    edges = np.quantile(taste, np.arange(1, LEVELS) / LEVELS)
    seen = rng.random(taste.shape) < SEEN
    seen[0] = True
    return np.digitize(taste, edges), seen


def boltzmann(ratings, seen, seed):
    import genzoo as gz

    hot = np.eye(LEVELS)[ratings].reshape(USERS, -1)
    mask = np.repeat(seen, LEVELS, axis=1)
    rbm = gz.RBM(
        gz.units.Categorical(ITEMS, LEVELS),
        gz.units.Bernoulli(HIDDEN),
        seed=seed,
    )
    rbm.compile()
    rbm.fit(hot, mask=mask, epochs=EPOCHS, verbose=0)
    share = rbm.impute(hot, mask=mask, steps=400)
    return share.reshape(USERS, ITEMS, LEVELS) @ np.arange(LEVELS)


def factors(ratings, seen, rank, penalty, seed):
    """Ratings by means of columns and factors, alternating least squares."""
    rng = np.random.default_rng(seed)
    mean = means(ratings, seen)
    rest = np.where(seen, ratings - mean, 0.0)
    v = 0.1 * rng.normal(size=(ITEMS, rank))
    for _ in range(20):
        u = solved(rest, seen, v, penalty)
        v = solved(rest.T, seen.T, u, penalty)
    return np.clip(mean + u @ v.T, 0, LEVELS - 1)


def solved(rest, seen, other, penalty):
    square = np.einsum("ij,jk,jl->ikl", seen, other, other)
    square += penalty * np.eye(other.shape[1])
    return np.linalg.solve(square, (rest @ other)[..., None])[..., 0]


def means(ratings, seen):
    return (ratings * seen).sum(axis=0) / seen.sum(axis=0)


def factorised(ratings, seen, seed):
    rng = np.random.default_rng(seed)
    held = seen & (rng.random(seen.shape) < 0.1)

    def score(choice):
        found = factors(ratings, seen & ~held, *choice, seed)
        return np.mean((found - ratings)[held] ** 2)

    choices = [(r, p) for r in (1, 2, 3, 4, 6) for p in (1.0, 3.0, 10.0)]
    return factors(ratings, seen, *min(choices, key=score), seed)


def rows(found):
    def said(name):
        own = found[name]
        return f"{statistics.mean(own):.3f} +- {statistics.stdev(own):.3f}"

    what = f"ratings, 80 % missing: RMSE of these, {len(SEEDS)} seeds"
    beside = "; ".join(
        f"{name} {said(name)}" for name in ("factorisation", "column means")
    )
    return [common.row(what, said("genzoo"), beside)]


def main():
    common.options(__doc__)
    found = {"genzoo": [], "factorisation": [], "column means": []}
    for seed in SEEDS:
        ratings, seen = table(seed)
        guesses = {
            "genzoo": boltzmann(ratings, seen, seed),
            "factorisation": factorised(ratings, seen, seed),
            "column means": np.broadcast_to(
                means(ratings, seen), ratings.shape
            ),
        }
        for name, guess in guesses.items():
            error = np.mean((guess - ratings)[~seen] ** 2)
            found[name].append(float(np.sqrt(error)))
        print(seed, {k: round(v[-1], 4) for k, v in found.items()}, flush=True)
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
