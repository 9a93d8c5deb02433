"""Fields and couplings from means and covariances: where training starts."""

import numpy as np

from genzoo.samplers import PairwiseEnergy
from genzoo.types import Array


def independent(pairwise: PairwiseEnergy, means: Array) -> Array:
    """Biases at which sites without couplings have these averages of phi.

    Averages are kept from the ends of their range by a part in 1000.

    Args:
        pairwise: a `samplers.PairwiseEnergy` energy, for its encoding.
        means: the averages, (n * d,).
    """
    codes = np.asarray(pairwise.encoding)
    if codes.shape == (2, 1):
        low, high = codes[:, 0]
        share = np.clip((means - low) / (high - low), 1e-3, 1 - 1e-3)
        return np.log(share / (1 - share)) / (high - low)
    if np.array_equal(codes, np.eye(len(codes))[:, :-1]):
        shares = np.clip(means.reshape(-1, codes.shape[1]), 1e-3, 1)
        rest = np.clip(1 - shares.sum(axis=1, keepdims=True), 1e-3, 1)
        return np.log(shares / rest).ravel()
    return np.zeros(len(means))


def full_products(pairs: Array, products: Array, means: Array) -> Array:
    """<x_i x_j> of all pairs; those off the graph as if independent."""
    full = np.outer(means, means)
    first, second = pairs.T
    full[first, second] = full[second, first] = products
    return full


def estimate(
    means: Array, products: Array, low: float, high: float, tap: bool = False
) -> tuple[Array, Array]:
    """Fields and couplings of two-valued sites, from linear response.

    For spins, with C the covariance: the naive mean field has
    `J = -(C^-1)`, and Thouless, Anderson and Palmer's correction solves
    `(C^-1)_ij = -J_ij - 2 J_ij^2 m_i m_j`.

    Args:
        means: <x_i>, (n,).
        products: <x_i x_j>, (n, n); the diagonal is not looked at.
        low: the lower value of a site.
        high: the upper value.
        tap: whether to correct.

    Returns:
        (fields, couplings) for x, not for spins.

    Reference:
        Kappen and Rodriguez, "Efficient learning in Boltzmann machines using
        linear response theory", Neural Computation 10, 1998. Tanaka,
        "Mean-field theory of Boltzmann machine learning", Physical Review E
        58, 1998.
    """
    half, middle = 0.5 * (high - low), 0.5 * (high + low)
    m = np.clip((means - middle) / half, -0.999, 0.999)
    covariance = (products - np.outer(means, means)) / half**2
    np.fill_diagonal(covariance, 1 - m**2)
    # A touch of independence keeps the inverse finite.
    inverse = np.linalg.inv(0.99 * covariance + 0.01 * np.diag(1 - m**2))
    couplings = -inverse
    if tap:
        c = np.outer(m, m)
        root = np.sqrt(np.maximum(1 - 8 * c * inverse, 0.0))
        small = np.abs(c) < 1e-9
        safe = np.where(small, 1.0, c)
        couplings = np.where(small, -inverse, (root - 1) / (4 * safe))
    np.fill_diagonal(couplings, 0.0)
    fields = np.arctanh(m) - couplings @ m
    if tap:
        fields += m * (couplings**2 @ (1 - m**2))
    # From spins s = (x - middle) / half to x.
    couplings = couplings / half**2
    fields = fields / half - couplings.sum(axis=1) * middle
    return fields, couplings
