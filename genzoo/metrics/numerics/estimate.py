"""What the functions that compare samples take and return."""

from typing import Any, NamedTuple, Protocol

import numpy as np

from genzoo.types import ArrayLike, SeedLike


class Estimate(NamedTuple):
    """A number and its standard error.

    Example:
    >>> value, stderr = genzoo.metrics.Estimate(1.5, stderr=0.1)
    """

    value: float
    stderr: float


class CanSample(Protocol):
    """A model, of genzoo or of your own, that gives samples."""

    def sample(self, n: int, *, seed: Any) -> ArrayLike:
        """n samples, (n, ...)."""


class CanScore(CanSample, Protocol):
    """A model that gives samples, and the log-probability of any."""

    def log_prob(self, x: Any) -> ArrayLike:
        """Log-probabilities in nats, (n,)."""


def must_score(function: str, *models: Any) -> None:
    """Raise a ValueError that names a model without a likelihood."""
    for model in models:
        if not callable(getattr(model, "log_prob", None)):
            raise ValueError(
                f"{function}: {type(model).__name__} has no log_prob, so that "
                "there is no likelihood to ask for. Compare its samples with "
                "data instead, for example by kl_divergence or by "
                "ClassifierTwoSample."
            )


def as_rows(function: str, **samples: ArrayLike) -> list[np.ndarray]:
    """Samples as float64 arrays (n, width) of the same width.

    Raises:
        ValueError: naming the function and the argument that is empty, not
            numeric, not finite, or of another shape than the first.
    """
    arrays: list[np.ndarray] = []
    event = None
    for name, given in samples.items():
        x = np.asarray(given)
        if x.dtype.kind not in "biuf" or x.ndim == 0 or x.size == 0:
            raise ValueError(
                f"{function}: {name} must be numbers of shape (n, ...), not "
                f"empty; received dtype {x.dtype}, shape {x.shape}."
            )
        if event is None:
            event = x.shape[1:]
        elif x.shape[1:] != event:
            raise ValueError(
                f"{function}: samples must have the same shape but for the "
                f"number of rows; received {event} and {x.shape[1:]}."
            )
        x = x.reshape(len(x), -1).astype(np.float64)
        if not np.isfinite(x).all():
            raise ValueError(
                f"{function}: {name} must be finite; it holds NaN or "
                "infinite numbers."
            )
        arrays.append(x)
    return arrays


def as_generator(seed: SeedLike | np.random.Generator) -> np.random.Generator:
    """A NumPy generator that follows from an int or a pair of ints alone."""
    if isinstance(seed, np.random.Generator):
        return seed
    parts = np.atleast_1d(seed).tolist()
    if not all(type(part) is int for part in parts) or len(parts) > 2:
        raise ValueError(
            f"seed must be an int or a pair of ints; received {seed!r}."
        )
    return np.random.default_rng([part % 2**64 for part in parts])
