"""What the functions that compare samples take and return."""

from typing import NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """A number and its standard error."""

    value: float
    stderr: float


def as_rows(function, **samples):
    """Samples as float64 arrays (n, width) of the same width.

    Raises:
        ValueError: naming the function and the argument that is empty, not
            numeric, not finite, or of another shape than the first.
    """
    arrays, event = [], None
    for name, x in samples.items():
        x = np.asarray(x)
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


def as_generator(seed):
    """A NumPy generator that follows from an int or a pair of ints alone."""
    if isinstance(seed, np.random.Generator):
        return seed
    parts = np.atleast_1d(seed).tolist()
    if not all(type(part) is int for part in parts) or len(parts) > 2:
        raise ValueError(
            f"seed must be an int or a pair of ints; received {seed!r}."
        )
    return np.random.default_rng([part % 2**64 for part in parts])
