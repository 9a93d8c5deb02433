"""Entropy and divergences of finite distributions, in nats.

Probabilities are arrays whose last axis sums to one; other axes are
broadcast. Sums are exact to rounding, in float64.
"""

import numpy as np

from genzoo import checks
from genzoo.types import ArrayLike


def entropy(p: ArrayLike) -> float | np.ndarray:
    """Shannon entropy -sum_i p_i log p_i, from 0 to log(size).

    Args:
        p: probabilities, (..., size).

    Raises:
        ValueError: if p is not a distribution: divide counts by their sum.

    Example:
    >>> round(genzoo.metrics.entropy([0.5, 0.5]), 4)
    0.6931
    """
    (p,) = _distributions("entropy", p=p)
    return _result(0.0 - _x_log_x(p).sum(axis=-1))


def kl_divergence(p: ArrayLike, q: ArrayLike) -> float | np.ndarray:
    """Kullback-Leibler divergence KL(p || q) = sum_i p_i log(p_i / q_i).

    From 0 to infinity, which it is where p_i > 0 and q_i = 0. The *reverse*
    divergence, where p is the data, is `kl_divergence(q, p)`.

    Args:
        p: probabilities, (..., size).
        q: probabilities, (..., size).

    Raises:
        ValueError: if p or q is not a distribution, or their sizes differ.

    Reference:
        Kullback and Leibler, "On information and sufficiency", Annals of
        Mathematical Statistics 22, 1951.

    Example:
    >>> round(genzoo.metrics.kl_divergence([0.5, 0.5], [0.25, 0.75]), 4)
    0.1438
    """
    p, q = _distributions("kl_divergence", p=p, q=q)
    return _result(_relative(p, q).sum(axis=-1))


def jensen_shannon(p: ArrayLike, q: ArrayLike) -> float | np.ndarray:
    """(KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2, from 0 to log 2.

    Args:
        p: probabilities, (..., size).
        q: probabilities, (..., size).

    Raises:
        ValueError: if p or q is not a distribution, or their sizes differ.

    Reference:
        Lin, "Divergence measures based on the Shannon entropy", IEEE
        Transactions on Information Theory 37, 1991.

    Example:
    >>> round(genzoo.metrics.jensen_shannon([1.0, 0.0], [0.0, 1.0]), 4)
    0.6931
    """
    p, q = _distributions("jensen_shannon", p=p, q=q)
    m = (p + q) / 2
    halves = _relative(p, m) + _relative(q, m)
    return _result(np.maximum(halves.sum(axis=-1) / 2, 0.0))


def jensen_shannon_distance(p: ArrayLike, q: ArrayLike) -> float | np.ndarray:
    """The root of `jensen_shannon`, a metric, from 0 to (log 2)^(1/2).

    Args:
        p: probabilities, (..., size).
        q: probabilities, (..., size).

    Raises:
        ValueError: if p or q is not a distribution, or their sizes differ.

    Reference:
        Endres and Schindelin, "A new metric for probability distributions",
        IEEE Transactions on Information Theory 49, 2003.

    Example:
    >>> genzoo.metrics.jensen_shannon_distance([0.5, 0.5], [0.5, 0.5])
    0.0
    """
    return _result(np.sqrt(jensen_shannon(p, q)))


def total_variation(p: ArrayLike, q: ArrayLike) -> float | np.ndarray:
    """sum_i |p_i - q_i| / 2, from 0 to 1.

    The largest difference of the probabilities of an event.

    Args:
        p: probabilities, (..., size).
        q: probabilities, (..., size).

    Raises:
        ValueError: if p or q is not a distribution, or their sizes differ.

    Example:
    >>> genzoo.metrics.total_variation([0.5, 0.5], [0.25, 0.75])
    0.25
    """
    p, q = _distributions("total_variation", p=p, q=q)
    return _result(np.abs(p - q).sum(axis=-1) / 2)


def _distributions(function, **arguments):
    arrays = []
    for name, p in arguments.items():
        p = checks.array(p, f"{function}: {name}")
        if p.ndim == 0 or (p < 0).any():
            raise ValueError(
                f"{function}: {name} must be probabilities, finite and not "
                "negative."
            )
        total = p.sum(axis=-1)
        # Room for sums of many float32 numbers.
        if not np.allclose(total, 1.0, rtol=0.0, atol=1e-5):
            raise ValueError(
                f"{function}: {name} must sum to 1 over its last axis; it "
                f"sums to {total}. Divide counts by their sum."
            )
        arrays.append(p)
    sizes = [p.shape[-1] for p in arrays]
    if len(set(sizes)) > 1:
        raise ValueError(
            f"{function}: p and q must have the same number of states; they "
            f"have {sizes[0]} and {sizes[1]}."
        )
    return arrays


def _x_log_x(p):
    return p * np.log(np.where(p > 0, p, 1.0))


def _relative(p, q):
    with np.errstate(divide="ignore"):
        ratio = np.where(p > 0, p, 1.0) / np.where(p > 0, q, 1.0)
        return p * np.log(ratio)


def _result(value):
    return float(value) if np.ndim(value) == 0 else value
