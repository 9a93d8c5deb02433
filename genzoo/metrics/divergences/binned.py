"""Entropy and divergences of samples in one to three dimensions, by bins."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from genzoo import checks
from genzoo.checks import is_number, one_of
from genzoo.metrics.numerics.estimate import as_generator, as_rows
from genzoo.metrics.numerics.histogram_formulas import (
    FORMULAS,
    entropy_formula,
)
from genzoo.types import ArrayLike, SeedLike

# "auto", one number, or numbers or edges for each dimension.
Bins: TypeAlias = str | float | Sequence


class BinnedEstimate(NamedTuple):
    """A number found by binning.

    Attributes:
        value: the estimate, after the correction.
        stderr: by bootstrap.
        bias: what was subtracted from the plug-in value.
        edges: a list of the edges of the bins, an array for each dimension.

    Example:
    >>> found = genzoo.metrics.binned_entropy([1, 2, 2, 3])
    >>> [edges.tolist() for edges in found.edges]
    [[0.5, 1.5, 2.5, 3.5]]
    """

    value: float
    stderr: float
    bias: float
    edges: list[np.ndarray]


def binned_divergence(
    x: ArrayLike,
    y: ArrayLike,
    divergence: str = "jensen_shannon",
    bins: Bins = "auto",
    correct: bool = True,
    bootstrap: int = 200,
    seed: SeedLike = 0,
) -> BinnedEstimate:
    """A divergence of the distributions of two samples, in nats.

    Both are counted in the same bins; all that lies beyond given edges is
    counted in bins of its own. What differs within a bin is not seen: the
    value estimates that of the binned distributions, which is not above the
    true one.

    For "kl", KL(x || y), a bin with some of x and none of y counts as half a
    row of y: finite, but then only a rough lower bound. So take the sample
    with the wider tails for y, if there is a choice.

    The correction subtracts the bias of the plug-in value in first order of
    the inverse numbers of rows. The error is the standard deviation over
    multinomial draws of both histograms; it is too large by up to a half for
    nearly equal distributions.

    Args:
        x: (n,) or (n, d), d up to 3.
        y: (m,) or (m, d).
        divergence: "kl", "reverse_kl", "jensen_shannon" or
            "total_variation"; the last is no entropy, from 0 to 1.
        bins: "auto", for a width of 2 IQR n^(-1/(2 + d)), with n the smaller
            number of rows, or one integer for integers of few values; the
            number of bins in each dimension; or a list of edges for each.
        correct: whether to subtract the bias.
        bootstrap: number of draws for the error.
        seed: int or pair of ints.

    Returns:
        `BinnedEstimate(value, stderr, bias, edges)`.

    Raises:
        ValueError: for more than three dimensions, samples that are not
            finite or of another shape, unknown names or bins.

    Reference:
        Freedman and Diaconis, "On the histogram as a density estimator",
        1981; Miller, "Note on the bias of information estimates", 1955;
        Efron, "Bootstrap methods", Annals of Statistics 7, 1979.

    Example:
    >>> x, y = np.random.default_rng(0).normal(size=(2, 1000))
    >>> found = genzoo.metrics.binned_divergence(x, y + 1, "kl")
    >>> abs(found.value - 0.5) < 4 * found.stderr
    True
    """
    one_of(*FORMULAS)(divergence, "binned_divergence: divergence")
    checks.flag(correct, "binned_divergence: correct")
    checks.whole(2)(bootstrap, "binned_divergence: bootstrap")
    x, y = as_rows("binned_divergence", x=x, y=y)
    edges = bin_edges("binned_divergence", bins, x, y)
    # Bins that hold no row of either take no part.
    places, which = np.unique(
        np.concatenate([_places(x, edges), _places(y, edges)]),
        return_inverse=True,
    )
    counts = [
        np.bincount(part, minlength=len(places))
        for part in np.split(which.reshape(-1), [len(x)])
    ]
    formula = FORMULAS[divergence]
    return _estimate(formula, counts, correct, bootstrap, seed, edges)


def binned_entropy(
    x: ArrayLike,
    bins: Bins = "auto",
    density: bool = True,
    correct: bool = True,
    bootstrap: int = 200,
    seed: SeedLike = 0,
) -> BinnedEstimate:
    """Entropy of a sample's distribution, in nats.

    -sum_b p_b log(p_b / volume_b), the differential entropy, or Shannon's
    entropy of the binned distribution if not `density`.

    Args:
        x: (n,) or (n, d), d up to 3.
        bins: as in `binned_divergence`.
        density: whether to divide by the volume of the bins.
        correct: whether to add (bins that hold rows - 1) / 2n.
        bootstrap: number of draws for the error.
        seed: int or pair of ints.

    Returns:
        `BinnedEstimate(value, stderr, bias, edges)`.

    Raises:
        ValueError: as `binned_divergence` does, and if rows lie beyond the
            edges and a density is wanted.

    Example:
    >>> x = np.random.default_rng(0).uniform(0, 2, 1000)
    >>> found = genzoo.metrics.binned_entropy(x, bins=[0.0, 1.0, 2.0])
    >>> round(found.value, 2), len(found.edges[0])
    (0.69, 3)
    """
    checks.flag(density, "binned_entropy: density")
    checks.flag(correct, "binned_entropy: correct")
    checks.whole(2)(bootstrap, "binned_entropy: bootstrap")
    (x,) = as_rows("binned_entropy", x=x)
    edges = bin_edges("binned_entropy", bins, x)
    if density and any(
        (column < part[0]).any() or (column > part[-1]).any()
        for column, part in zip(x.T, edges, strict=True)
    ):
        raise ValueError(
            "binned_entropy: some rows lie beyond the edges, where a bin has "
            "no volume. Widen bins, or take density=False."
        )
    places, counts = np.unique(_places(x, edges), return_counts=True)
    volume: float | np.ndarray = 0.0
    if density:
        shape = [len(part) + 1 for part in edges]
        volume = sum(
            np.log(np.diff(part)[index - 1])
            for part, index in zip(
                edges, np.unravel_index(places, shape), strict=True
            )
        )
    formula = entropy_formula(volume)
    return _estimate(formula, [counts], correct, bootstrap, seed, edges)


def bin_edges(
    function: str, bins: Bins, *samples: np.ndarray
) -> list[np.ndarray]:
    """Edges for each dimension, a list of increasing arrays."""
    columns = np.concatenate(samples).T
    dimensions = len(columns)
    if dimensions > 3:
        raise ValueError(
            f"{function}: bins are for one to three dimensions; the samples "
            f"have {dimensions}. Use neighbour_kl or density_ratio_kl."
        )
    rows = min(len(x) for x in samples)
    if isinstance(bins, str):
        if bins != "auto":
            raise ValueError(
                f"{function}: bins must be 'auto', numbers or edges; received "
                f"{bins!r}."
            )
        return [_automatic(column, rows, dimensions) for column in columns]
    parts: Any = bins
    if is_number(bins):
        parts = [bins] * dimensions
    elif dimensions == 1 and len(parts) > 1 and is_number(parts[0]):
        parts = [bins]
    if len(parts) != dimensions:
        raise ValueError(
            f"{function}: bins must be given for each of {dimensions} "
            f"dimensions; received {len(parts)}."
        )
    edges = [
        _even(column, part) if is_number(part) else np.asarray(part, float)
        for column, part in zip(columns, parts, strict=True)
    ]
    if any(len(part) < 2 or not (np.diff(part) > 0).all() for part in edges):
        raise ValueError(
            f"{function}: bins must be positive numbers or increasing edges."
        )
    return edges


def _even(column, number):
    low, high = column.min(), column.max()
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, int(number) + 1)


def _automatic(column, rows, dimensions, most=1000):
    low, high = column.min(), column.max()
    whole = (column == np.round(column)).all()
    spread = np.subtract(*np.percentile(column, [75, 25]))
    if spread == 0:
        spread = column.std()
    width = 2 * spread * rows ** (-1 / (2 + dimensions))
    width = max(width, (high - low) / most)
    if whole:
        # Whole numbers fall evenly into bins of whole width alone.
        width = max(1.0, np.round(width))
        number = math.floor((high - low) / width) + 1
        return low - 0.5 + width * np.arange(number + 1)
    return _even(column, math.ceil((high - low) / width) if width > 0 else 1)


def _places(x, edges):
    """The number of each row's bin; 0 and the last are beyond the edges."""
    indices = []
    for column, part in zip(x.T, edges, strict=True):
        index = np.searchsorted(part, column, side="right")
        # The last edge belongs to the last bin, as in np.histogram.
        indices.append(np.where(column == part[-1], len(part) - 1, index))
    return np.ravel_multi_index(indices, [len(part) + 1 for part in edges])


def _estimate(formula, counts, correct, bootstrap, seed, edges):
    sizes = [int(count.sum()) for count in counts]

    def corrected(histograms):
        value, bias = formula(*histograms, *sizes)
        return value - bias if correct else value

    _, bias = formula(*counts, *sizes)
    generator = as_generator(seed)
    draws = [
        generator.multinomial(size, count / size, size=bootstrap)
        for size, count in zip(sizes, counts, strict=True)
    ]
    values = [corrected(draw) for draw in zip(*draws, strict=True)]
    return BinnedEstimate(
        float(corrected(counts)),
        float(np.std(values, ddof=1)),
        float(bias) if correct else 0.0,
        edges,
    )
