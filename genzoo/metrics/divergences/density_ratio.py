"""Kullback-Leibler divergence from samples, by a trained discriminator."""

from typing import Any, NamedTuple

import numpy as np

from genzoo.metrics.numerics.discriminator import fit_discriminator
from genzoo.metrics.numerics.estimate import CanSample, as_generator, as_rows
from genzoo.types import ArrayLike, SeedLike


class DensityRatioKL(NamedTuple):
    """KL(x || y) by the density ratio r of a discriminator, in nats.

    Attributes:
        value: <log r>_x + 1 - <r>_y.
        stderr: from the finite number of rows of both samples. It does not
            hold what the network has failed to learn.
        plug_in: <log r>_x, which is off in first order by the error of r.
        normalization: <r>_y, which would be 1 if r were exact.

    Example:
    >>> found = genzoo.metrics.DensityRatioKL(0.2, 0.1, 0.3, 1.1)
    >>> round(found.plug_in + 1 - found.normalization, 9) == found.value
    True
    """

    value: float
    stderr: float
    plug_in: float
    normalization: float


def density_ratio_kl(
    x: ArrayLike,
    y: ArrayLike,
    folds: int = 5,
    seed: SeedLike | np.random.Generator = 0,
    **options: Any,
) -> DensityRatioKL:
    """KL of the distributions of two samples, KL(x || y).

    A network is trained to tell x from y; its logit estimates log r =
    log p_x / p_y. It is trained `folds` times, without the rows on which it
    is then evaluated, and stops by held-out rows of its own. The value

        <log r>_x + 1 - <r>_y

    is a lower bound of the divergence for any r that is not fitted to these
    rows, and differs from it in second order of the error of log r. So it is
    trustworthy where the samples overlap; it cannot tell divergences much
    above log(n) from each other.

    Args:
        x: (n, ...) samples of the first distribution.
        y: (m, ...) of the second.
        folds: parts of the rows that are left out in turn.
        seed: int or pair of ints, the source of all chance.
        **options: of the training: `hidden`, `epochs`, `patience`,
            `batch_size`, `learning_rate`.

    Returns:
        `DensityRatioKL(value, stderr, plug_in, normalization)`.

    Raises:
        ValueError: for samples that are not finite or differ in shape, and
            for less than 5 rows a fold.

    Reference:
        Sugiyama et al., "Density ratio estimation in machine learning",
        2012; Nguyen, Wainwright and Jordan, "Estimating divergence
        functionals and the likelihood ratio by convex risk minimization",
        IEEE Transactions on Information Theory 56, 2010.

    Example:
    >>> x, y = np.random.default_rng(0).normal(size=(2, 500, 2))
    >>> y += [1.0, 0.0]
    >>> found = genzoo.metrics.density_ratio_kl(x, y, folds=2, epochs=20)
    >>> abs(found.value - 0.5) < 0.2
    True
    """
    x, y = as_rows("density_ratio_kl", x=x, y=y)
    if folds < 2 or min(len(x), len(y)) < 5 * folds:
        raise ValueError(
            f"density_ratio_kl: folds={folds} must be at least 2 and needs 5 "
            f"rows each; there are {len(x)} and {len(y)} rows."
        )
    generator = as_generator(seed)
    logits = np.empty(len(x)), np.empty(len(y))
    members = [
        generator.permutation(np.arange(len(rows)) % folds) for rows in (x, y)
    ]
    for fold in range(folds):
        out = [member == fold for member in members]
        discriminator = fit_discriminator(
            x[~out[0]], y[~out[1]], generator, **options
        )
        for values, rows, chosen in zip(logits, (x, y), out, strict=True):
            # No more than float32 training can mean, and no overflow.
            values[chosen] = np.clip(discriminator(rows[chosen]), -50, 50)
    log_ratio, ratio = logits[0], np.exp(logits[1])
    variance = np.var(log_ratio, ddof=1) / len(x)
    variance += np.var(ratio, ddof=1) / len(y)
    plug_in, normalization = float(log_ratio.mean()), float(ratio.mean())
    return DensityRatioKL(
        value=plug_in + 1 - normalization,
        stderr=float(np.sqrt(variance)),
        plug_in=plug_in,
        normalization=normalization,
    )


def reverse_kl(
    model: CanSample,
    data: ArrayLike,
    n: int | None = None,
    folds: int = 5,
    seed: SeedLike = 0,
    **options: Any,
) -> DensityRatioKL:
    """KL(model || data), which penalises samples unlike any data.

    It cannot be computed without the density of the data; this estimates it
    as `density_ratio_kl` of samples of the model and the data.

    Args:
        model: any object with `sample(n, seed)`.
        data: (n, ...) independent draws of the data's distribution, which
            the model was not trained on.
        n: number of samples; as many as there are data by default.
        folds: parts of the rows that are left out in turn.
        seed: int or pair of ints.
        **options: of the training, see `density_ratio_kl`.

    Returns:
        `DensityRatioKL(value, stderr, plug_in, normalization)`, in nats.

    Raises:
        ValueError: as `density_ratio_kl` does; for a model that cannot draw.

    Example:
    >>> class Uniform:
    ...     def sample(self, n, seed):
    ...         return np.random.default_rng(seed).uniform(size=(n, 2))
    >>> data = Uniform().sample(500, seed=1)
    >>> found = genzoo.metrics.reverse_kl(Uniform(), data, folds=2, epochs=5)
    >>> abs(found.value) < 0.1
    True
    """
    generator = as_generator(seed)
    if not callable(getattr(model, "sample", None)):
        raise ValueError(
            "reverse_kl: model must have sample(n, seed); received "
            f"{type(model).__name__}. Of two samples density_ratio_kl(samples, "
            "data) is the same estimate."
        )
    n = len(data) if n is None else n
    samples = model.sample(n, seed=int(generator.integers(2**31)))
    return density_ratio_kl(samples, data, folds, generator, **options)
