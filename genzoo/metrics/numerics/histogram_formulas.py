"""Divergences of two histograms, and the bias of these plug-in values.

Each function takes counts (a, b) and their sums (n, m) and returns (value,
bias). A divergence is a sum over bins of f(p, q), so its bias is, to first
order in 1/n and 1/m,

    sum_b f_pp p (1 - p) / 2n + f_qq q (1 - q) / 2m
"""

import math
from collections.abc import Callable

import numpy as np

_erf = np.vectorize(math.erf, otypes=[float])


def kl_of_counts(
    a: np.ndarray, b: np.ndarray, n: int, m: int
) -> tuple[float, float]:
    """KL(p || q); bins with some of p and none of q count half a row of q."""
    p, q = a / n, np.where((b == 0) & (a > 0), 0.5, b) / m
    held = p > 0
    p, q = p[held], q[held]
    value = np.sum(p * np.log(p / q))
    # f_pp = 1 / p and f_qq = p / q^2
    bias = np.sum(1 - p) / (2 * n) + np.sum(p * (1 - q) / q) / (2 * m)
    return value, bias


def reverse_kl_of_counts(
    a: np.ndarray, b: np.ndarray, n: int, m: int
) -> tuple[float, float]:
    """KL(q || p)."""
    return kl_of_counts(b, a, m, n)


def jensen_shannon_of_counts(
    a: np.ndarray, b: np.ndarray, n: int, m: int
) -> tuple[float, float]:
    """(KL(p || (p + q) / 2) + KL(q || (p + q) / 2)) / 2."""
    p, q = a / n, b / m
    held = p + q > 0
    p, q = p[held], q[held]
    total = p + q
    value = (_x_log(p, 2 * p / total) + _x_log(q, 2 * q / total)).sum() / 2
    # f_pp = q / 2 p (p + q)
    bias = np.sum(q * (1 - p) / total) / (4 * n)
    bias += np.sum(p * (1 - q) / total) / (4 * m)
    return value, bias


def total_variation_of_counts(
    a: np.ndarray, b: np.ndarray, n: int, m: int
) -> tuple[float, float]:
    """sum |p - q| / 2; its bias is that of |normal|, bin by bin."""
    p, q = a / n, b / m
    gap = np.abs(p - q)
    sd = np.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    z = np.divide(gap, sd, out=np.full_like(gap, np.inf), where=sd > 0)
    # <|N(gap, sd)|> - gap; it is largest for gap = 0, so the estimate of an
    # unknown gap by the one that was seen removes part of the bias.
    density = np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2)
    excess = sd * density - gap * (1 - _erf(z / np.sqrt(2)))
    return gap.sum() / 2, excess.sum() / 2


def entropy_formula(log_volume: float | np.ndarray) -> Callable:
    """-sum p log(p / volume) of one histogram, and its bias."""

    def entropy(a, n):
        p = a / n
        held = np.count_nonzero(a)
        return -(_x_log(p, p) - p * log_volume).sum(), -(held - 1) / (2 * n)

    return entropy


FORMULAS = {
    "kl": kl_of_counts,
    "reverse_kl": reverse_kl_of_counts,
    "jensen_shannon": jensen_shannon_of_counts,
    "total_variation": total_variation_of_counts,
}


def _x_log(x, y):
    return x * np.log(np.where(x > 0, y, 1.0))
