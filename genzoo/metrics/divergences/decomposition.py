"""The mean log-likelihood as minus entropy minus divergence."""

from typing import NamedTuple

import numpy as np

from genzoo.checks import one_of
from genzoo.metrics.divergences.by_neighbours import (
    by_groups,
    entropy_of_rows,
    kl_of_rows,
)
from genzoo.metrics.numerics.estimate import (
    CanScore,
    Estimate,
    as_generator,
    as_rows,
)
from genzoo.metrics.numerics.histogram_formulas import (
    entropy_formula,
    kl_of_counts,
)
from genzoo.types import ArrayLike, SeedLike


class LogLikelihoodDecomposition(NamedTuple):
    """<log p>_data = -H(data) - KL(data || model), three `Estimate`s.

    Attributes:
        log_likelihood: <log p>_data, from the model's `log_prob`.
        entropy: H(data), from the data alone.
        kl: KL(data || model), from the data and samples of the model, without
            its `log_prob`.
        gap: log_likelihood + entropy + kl, which is zero but for errors; its
            standard error knows that the three share the data.

    Example:
    >>> genzoo.metrics.LogLikelihoodDecomposition._fields
    ('log_likelihood', 'entropy', 'kl', 'gap')
    """

    log_likelihood: Estimate
    entropy: Estimate
    kl: Estimate
    gap: Estimate


def log_likelihood_decomposition(
    model: CanScore,
    x: ArrayLike,
    method: str = "auto",
    n: int | None = None,
    neighbours: int = 5,
    bootstrap: int = 200,
    seed: SeedLike = 0,
) -> LogLikelihoodDecomposition:
    """Find both sides of <log p>_data = -H(data) - KL(data || model).

    The three numbers are estimated in three ways; how far the two sides
    differ tests the model's log Z and its sampler at once.

    Args:
        model: any object with `log_prob(x)` and `sample(n, seed)`.
        x: (n, ...), data that the model was not trained on.
        method: "states", which counts equal rows, for discrete data with few
            states; "neighbours", for densities; "auto" takes the first for
            data whose rows are repeated 5 times on average.
        n: number of samples of the model; by default as many as data.
        neighbours: k, for "neighbours".
        bootstrap: draws for the errors, for "states".
        seed: int or pair of ints.

    Returns:
        `LogLikelihoodDecomposition`, in nats.

    Raises:
        ValueError: for unknown methods, and for data with repeated rows that
            are still too few for their states: nothing can be said of the
            entropy of such data.

    Example:
    >>> faces, mean = gz.spaces.Categorical(range(1, 7)), gz.features.Moments(1)
    >>> die, fair = gz.MaxEnt(faces, mean), gz.MaxEnt(faces, mean)
    >>> die.compile()
    >>> history = die.fit(observations=[4.5], verbose=0)
    >>> x = np.random.default_rng(0).integers(1, 7, size=(500, 1))
    >>> gap = gz.metrics.log_likelihood_decomposition(die, x).gap
    >>> abs(gap.value) < 4 * gap.stderr
    True
    """
    one_of("auto", "states", "neighbours")(
        method, "log_likelihood_decomposition: method"
    )
    generator = as_generator(seed)
    samples = model.sample(
        len(x) if n is None else n, seed=int(generator.integers(2**31))
    )
    log_prob = np.asarray(model.log_prob(x), np.float64).reshape(-1)
    rows, samples = as_rows(
        "log_likelihood_decomposition", x=x, samples=samples
    )
    states, which = np.unique(
        np.concatenate([rows, samples]), axis=0, return_inverse=True
    )
    which, drawn = np.split(which.reshape(-1), [len(rows)])
    distinct = len(np.unique(which))
    if method == "auto":
        method = "neighbours" if distinct == len(rows) else "states"
        if method == "states" and distinct > len(rows) / 5:
            raise ValueError(
                f"log_likelihood_decomposition: x has {distinct} distinct "
                f"rows of {len(rows)}, too many to estimate its entropy, and "
                "repeated ones, so it has no density."
            )
    if method == "states":
        values = _by_states(
            states, which, drawn, log_prob, bootstrap, generator
        )
    else:
        # The log-probabilities stay with their rows.
        values = by_groups(
            lambda x, y: _terms(
                x[:, -1].mean(),
                entropy_of_rows(x[:, :-1], neighbours),
                kl_of_rows(x[:, :-1], y, neighbours),
            ),
            (np.column_stack([rows, log_prob]), samples),
            neighbours,
            10,
            generator,
        )
    return LogLikelihoodDecomposition(
        *(
            Estimate(float(value), float(stderr))
            for value, stderr in zip(*values, strict=True)
        )
    )


def _terms(log_likelihood, entropy, divergence):
    gap = log_likelihood + entropy + divergence
    return np.array([log_likelihood, entropy, divergence, gap])


def _by_states(states, which, drawn, log_prob, bootstrap, generator):
    """(values, errors) of the four terms, by counts and by bootstrap."""
    counts = [np.bincount(w, minlength=len(states)) for w in (which, drawn)]
    sizes = len(which), len(drawn)
    of_state = np.zeros(len(states))
    of_state[which] = log_prob
    entropy = entropy_formula(0.0)

    def terms(real, generated):
        own, own_bias = entropy(real, sizes[0])
        other, other_bias = kl_of_counts(real, generated, *sizes)
        likelihood = real @ of_state / sizes[0]
        return _terms(likelihood, own - own_bias, other - other_bias)

    draws = [
        generator.multinomial(size, count / size, size=bootstrap)
        for size, count in zip(sizes, counts, strict=True)
    ]
    values = [terms(*draw) for draw in zip(*draws, strict=True)]
    return terms(*counts), np.std(values, axis=0, ddof=1)
