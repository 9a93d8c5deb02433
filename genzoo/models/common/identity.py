"""<log p>_data = -H(data) - KL(data || model)."""

from collections.abc import Callable

import numpy as np

from genzoo.types import Array, ArrayLike


def likelihood_identity(
    x: Array, log_prob: Callable, weight: ArrayLike | None = None
) -> dict[str, float]:
    """How well <log p>_data = -H(data) - KL(data || model) holds.

    Args:
        x: examples, (n, *event_shape), of a discrete space.
        log_prob: function of examples.
        weight: what each example counts, (n,); None for one.
    """
    states, which = np.unique(
        x.reshape(len(x), -1), axis=0, return_inverse=True
    )
    own = np.ones(len(x)) if weight is None else np.ravel(weight)
    counts = np.bincount(np.ravel(which), own)
    states, counts = states[counts > 0], counts[counts > 0]
    share = counts / counts.sum()
    log_p = log_prob(states.reshape(-1, *x.shape[1:]))
    entropy = float(-np.sum(share * np.log(share)))
    divergence = float(np.sum(share * (np.log(share) - log_p)))
    mean = float(np.average(log_prob(x), weights=own))
    return {
        "data_entropy": entropy,
        "kl_divergence": divergence,
        "likelihood_identity": abs(mean + entropy + divergence),
    }
