"""What is known of log Z: never one bare number."""

from typing import NamedTuple, Self

import numpy as np
import tensorflow as tf

from genzoo.types import ArrayLike

ENUMERATION = "enumeration"
ANNEALING = "annealed importance sampling"
QUADRATURE = "quadrature"
TRANSFER_MATRIX = "transfer matrix"
INDEPENDENT_SITES = "independent sites"
# Saved by their number: a new one is added at the end.
METHODS = (
    ENUMERATION,
    ANNEALING,
    QUADRATURE,
    TRANSFER_MATRIX,
    INDEPENDENT_SITES,
)
RECORD_LENGTH = 7


class LogPartition(NamedTuple):
    """An estimate of log Z in nats, and how far it can be trusted.

    Attributes:
        value: the estimate.
        stderr: its standard error; 0 where it is exact.
        ess: effective number of independent chains behind it, inf where exact.
        lower: a stochastic lower bound, the mean log-weight of the chains: by
            Jensen's inequality its expectation is at most log Z. None if the
            method has none.
        upper: the estimate of a run in the other direction, from samples of
            the model down to the start. None if there was no such run.
        method: "enumeration", "annealed importance sampling", "quadrature",
            "transfer matrix" or "independent sites".
        upper_is_bound: True if the reverse run began at exact samples, so
            that the expectation of `upper` is at least log Z. Started from
            Markov chains that have not reached equilibrium it can lie on
            either side.

    Example:
    >>> log_z = genzoo.partition.transfer_matrix((4, 4), True, coupling=0.0)
    >>> known = genzoo.partition.LogPartition.exact(log_z, "transfer matrix")
    >>> round(known.value, 3), known.stderr, known.method
    (11.09, 0.0, 'transfer matrix')
    """

    value: float
    stderr: float
    ess: float
    lower: float | None
    upper: float | None
    method: str
    upper_is_bound: bool = False

    @classmethod
    def exact(cls, value: float | tf.Tensor, method: str = ENUMERATION) -> Self:
        """A log Z that is known."""
        value = float(value)
        return cls(value, 0.0, np.inf, value, value, method, True)

    @classmethod
    def integrated(
        cls,
        value: float | tf.Tensor,
        error: float | tf.Tensor,
        method: str = QUADRATURE,
    ) -> Self:
        """A log Z by quadrature, with its truncation error as `stderr`."""
        value, error = float(value), float(error)
        low, high = value - error, value + error
        return cls(value, error, np.inf, low, high, method, True)

    def to_record(self) -> list[float]:
        """Itself as a list of floats, to be kept in a weight."""
        numbers = [np.nan if v is None else v for v in self[:5]]
        return [*numbers, METHODS.index(self.method), float(self[6])]

    @classmethod
    def from_record(cls, record: ArrayLike) -> Self:
        """What `to_record` wrote down."""
        *numbers, method, bound = record
        numbers = [None if np.isnan(v) else float(v) for v in numbers]
        return cls._make([*numbers, METHODS[int(method)], bool(bound)])
