"""Divergences of two models of known log-probability, by Monte Carlo.

A model is any object with `log_prob(x)`, of shape (n,) and in nats, and
`sample(n, seed)`: a genzoo model, or one of your own. The standard errors
hold for independent draws; draws from a Markov chain that has not forgotten
its start have larger ones. An error of a model's log Z enters its `log_prob`
and is not in the standard error.
"""

import numpy as np

from genzoo.checks import whole
from genzoo.metrics.numerics.estimate import (
    CanScore,
    Estimate,
    as_generator,
    must_score,
)
from genzoo.types import SeedLike


def model_kl_divergence(
    p: CanScore, q: CanScore, n: int = 10_000, seed: SeedLike = 0
) -> Estimate:
    """KL(p || q) = <log p(x) - log q(x)> over n samples x of p.

    Infinite, with an infinite error, if q gives a sample no probability. The
    reverse divergence is `model_kl_divergence(q, p)`.

    Args:
        p: the model that is sampled; its `log_prob` is used too.
        q: a model with `log_prob`.
        n: number of samples.
        seed: int or pair of ints.

    Returns:
        `Estimate(value, stderr)` in nats.

    Raises:
        ValueError: if a log-probability is NaN, or n is below 2.

    Example:
    >>> faces, mean = gz.spaces.Categorical(range(1, 7)), gz.features.Moments(1)
    >>> die, fair = gz.MaxEnt(faces, mean), gz.MaxEnt(faces, mean)
    >>> for model, value in ((die, 4.5), (fair, 3.5)):
    ...     model.compile()
    ...     history = model.fit(observations=[value], verbose=0)
    >>> found = gz.metrics.model_kl_divergence(die, fair)
    >>> exact = np.log(6) - die.entropy()
    >>> bool(abs(found.value - exact) < 4 * found.stderr)
    True
    """
    x = _sample(p, n, _seeds(seed)[0])
    return _mean(_log_prob(p, x) - _log_prob(q, x))


def model_jensen_shannon(
    p: CanScore, q: CanScore, n: int = 10_000, seed: SeedLike = 0
) -> Estimate:
    """Jensen-Shannon divergence, from n samples of each model.

    (<log p/m>_p + <log q/m>_q) / 2 with m = (p + q) / 2, from 0 to log 2. All
    terms are below log 2, and so the error is never large.

    Args:
        p: a model with `log_prob` and `sample`.
        q: another.
        n: number of samples of each.
        seed: int or pair of ints.

    Returns:
        `Estimate(value, stderr)` in nats.

    Raises:
        ValueError: if a log-probability is NaN, or n is below 2.

    Example:
    >>> faces, mean = gz.spaces.Categorical(range(1, 7)), gz.features.Moments(1)
    >>> die, fair = gz.MaxEnt(faces, mean), gz.MaxEnt(faces, mean)
    >>> for model, value in ((die, 4.5), (fair, 3.5)):
    ...     model.compile()
    ...     history = model.fit(observations=[value], verbose=0)
    >>> 0.0 < gz.metrics.model_jensen_shannon(die, fair).value < 0.6931
    True
    """

    def term(own, other):
        # log own / m = log 2 - log(1 + other / own)
        return np.log(2) - np.logaddexp(0.0, other - own)

    return _halves(p, q, n, seed, term)


def model_total_variation(
    p: CanScore, q: CanScore, n: int = 10_000, seed: SeedLike = 0
) -> Estimate:
    """Total variation <|p - q| / (p + q)> over (p + q) / 2, from 0 to 1.

    Args:
        p: a model with `log_prob` and `sample`.
        q: another.
        n: number of samples of each.
        seed: int or pair of ints.

    Returns:
        `Estimate(value, stderr)`.

    Raises:
        ValueError: if a log-probability is NaN, or n is below 2.

    Example:
    >>> faces, mean = gz.spaces.Categorical(range(1, 7)), gz.features.Moments(1)
    >>> die, fair = gz.MaxEnt(faces, mean), gz.MaxEnt(faces, mean)
    >>> for model, value in ((die, 4.5), (fair, 3.5)):
    ...     model.compile()
    ...     history = model.fit(observations=[value], verbose=0)
    >>> 0.0 < gz.metrics.model_total_variation(die, fair).value < 1.0
    True
    """

    def term(own, other):
        return np.abs(np.tanh((own - other) / 2))

    return _halves(p, q, n, seed, term)


def _halves(p, q, n, seed, term):
    estimates = []
    for own, other, part in zip((p, q), (q, p), _seeds(seed), strict=True):
        x = _sample(own, n, part)
        estimates.append(_mean(term(_log_prob(own, x), _log_prob(other, x))))
    first, second = estimates
    return Estimate(
        (first.value + second.value) / 2,
        float(np.hypot(first.stderr, second.stderr) / 2),
    )


def _seeds(seed):
    return as_generator(seed).integers(2**31, size=2).tolist()


def _sample(model, n, seed):
    return model.sample(whole(2)(n, "n"), seed=seed)


def _log_prob(model, x):
    must_score("Divergences of models", model)
    values = np.asarray(model.log_prob(x), np.float64).reshape(-1)
    if np.isnan(values).any() or (values == np.inf).any():
        raise ValueError(
            f"{type(model).__name__}.log_prob gives NaN or +infinity for "
            "some samples."
        )
    return values


def _mean(values):
    if np.isneginf(values).any() or np.isposinf(values).any():
        return Estimate(float(np.mean(values)), np.inf)
    return Estimate(
        float(np.mean(values)),
        float(np.std(values, ddof=1) / len(values) ** 0.5),
    )
