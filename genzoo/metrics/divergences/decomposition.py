"""The mean log-likelihood as minus entropy minus divergence."""

import warnings
from typing import NamedTuple

import numpy as np

from genzoo.checks import one_of
from genzoo.metrics.divergences.by_neighbours import (
    by_groups,
    check_apart,
    entropy_of_rows,
    kl_of_rows,
)
from genzoo.metrics.numerics.estimate import (
    CanScore,
    Estimate,
    as_generator,
    as_rows,
    must_score,
)
from genzoo.metrics.numerics.histogram_formulas import (
    entropy_formula,
    kl_of_counts,
)
from genzoo.types import ArrayLike, SeedLike

# Of rows that were seen once, above which counts tell no entropy.
_MOST_SINGLE = 0.7
# And below which all states that matter were seen.
_FEW_SINGLE = 0.01


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
            states; "neighbours", for densities; "scores", for discrete
            models with many states, see below; "auto" takes the last where
            the model's space is discrete and one row in 100 was seen once,
            else the first for data whose rows are repeated 5 times on
            average.
        n: number of samples of the model; by default as many as data.
        neighbours: k, for "neighbours".
        bootstrap: draws for the errors, for "states" and "scores".
        seed: int or pair of ints.

    By "scores" the entropy is that of the counts, corrected for what was not
    seen by the share of rows that were seen once (Chao and Shen); half of the
    correction counts as an error. log Z and sampler are tested by the
    probability of all rows of x: the gap is the logarithm of its sum over
    distinct rows less that of the share of samples among them; what it says
    of log Z, KL = gap - <log p> - H(data) does not depend on. It is nan where
    no sample is among them. Where most rows of x were seen once, their counts
    say nothing of the entropy of what they come from: a warning says so,
    H(data) is that of these rows as they are, `log n` if all differ, and KL
    what is left of the log-likelihood.

    Returns:
        `LogLikelihoodDecomposition`, in nats.

    Raises:
        ValueError: for unknown methods, a model without `log_prob`, and for
            data with repeated rows that are still too few for their states,
            where the model has a density.

    Reference:
        Chao and Shen, "Nonparametric estimation of Shannon's index of
        diversity when there are unseen species in sample", Environmental and
        Ecological Statistics 10, 2003.

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
    where = "log_likelihood_decomposition"
    one_of("auto", "states", "neighbours", "scores")(method, f"{where}: method")
    must_score(where, model)
    generator = as_generator(seed)
    samples = model.sample(
        len(x) if n is None else n, seed=int(generator.integers(2**31))
    )
    log_prob = np.asarray(model.log_prob(x), np.float64).reshape(-1)
    rows, samples = as_rows(where, x=x, samples=samples)
    states, which = np.unique(
        np.concatenate([rows, samples]), axis=0, return_inverse=True
    )
    which, drawn = np.split(which.reshape(-1), [len(rows)])
    distinct = len(np.unique(which))
    if method == "auto":
        method = "neighbours" if distinct == len(rows) else "states"
        many = distinct > len(rows) / 5
        space = getattr(model, "space", None)
        if getattr(space, "is_discrete", False):
            single = np.sum(np.bincount(which) == 1) > _FEW_SINGLE * len(which)
            method = "scores" if single or many else "states"
        if method == "states" and many:
            raise ValueError(
                f"log_likelihood_decomposition: x has {distinct} distinct "
                f"rows of {len(rows)}, too many to estimate its entropy, and "
                "repeated ones, so it has no density."
            )
    if method == "states":
        values = _by_states(
            states, which, drawn, log_prob, bootstrap, generator
        )
    elif method == "scores":
        values = _by_scores(which, drawn, log_prob, bootstrap, generator)
    else:
        check_apart("log_likelihood_decomposition", rows, samples)
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


def _by_scores(which, drawn, log_prob, bootstrap, generator):
    """(values, errors) of the four terms, where log p is known of each row."""
    counts = np.bincount(which)
    unknown = np.sum(counts == 1) > _MOST_SINGLE * len(which)
    if unknown:
        warnings.warn(
            f"log_likelihood_decomposition: most of the {len(which)} rows of "
            "x were seen once, so that they do not tell the entropy of what "
            "they come from. It is given for these rows as they are, which "
            "is too little, and the divergence is too much by the same.",
            stacklevel=3,
        )
    gap, gap_error = _gap_of_scores(which, drawn, log_prob)
    known_gap = np.nan_to_num(gap)

    def terms(rows):
        mean, (entropy, slack) = log_prob[rows].mean(), _chao_shen(which[rows])
        if unknown:
            plain = entropy_formula(0.0)(np.bincount(which[rows]), len(rows))
            entropy, slack = plain[0], np.nan
        values = np.array([mean, entropy, known_gap - mean - entropy])
        return values, np.array([0.0, slack, np.hypot(slack, known_error)])

    known_error = np.nan_to_num(gap_error)
    values, slack = terms(np.arange(len(which)))
    draws = [
        terms(generator.integers(len(which), size=len(which)))[0]
        for _ in range(bootstrap)
    ]
    errors = np.hypot(np.std(draws, axis=0, ddof=1), slack)
    return np.append(values, gap), np.append(errors, gap_error)


def _gap_of_scores(which, drawn, log_prob):
    """What log Z seems to be too small by, and the error of that."""
    states, first = np.unique(which, return_index=True)
    share = np.isin(drawn, states).mean()
    if share == 0:
        return np.nan, np.nan
    gap = np.logaddexp.reduce(log_prob[first]) - np.log(share)
    # As if half a sample more were elsewhere, should all be among them.
    away = max(1 - share, 0.5 / len(drawn))
    return gap, np.sqrt(away / share / len(drawn))


def _chao_shen(numbers):
    """An entropy from the states of rows, and how far it may be off."""
    counts = np.unique(numbers, return_counts=True)[1]
    n = len(numbers)
    seen = 1 - min(np.sum(counts == 1), n - 1) / n
    share = seen * counts / n
    # A state of this share is among n rows with the probability below.
    found = -np.expm1(n * np.log1p(-np.minimum(share, 1 - 1e-12)))
    entropy = -np.sum(share * np.log(share) / found)
    plain = -np.sum(counts / n * np.log(counts / n))
    return entropy, 0.5 * abs(entropy - plain)
