"""<log p>_data = -H(data) - KL(data || model)."""

from collections.abc import Callable

import numpy as np

from genzoo.types import Array


def likelihood_identity(x: Array, log_prob: Callable) -> dict[str, float]:
    """How well <log p>_data = -H(data) - KL(data || model) holds.

    Args:
        x: examples, (n, *event_shape), of a discrete space.
        log_prob: function of examples.
    """
    states, counts = np.unique(
        x.reshape(len(x), -1), axis=0, return_counts=True
    )
    share = counts / counts.sum()
    log_p = log_prob(states.reshape(-1, *x.shape[1:]))
    entropy = float(-np.sum(share * np.log(share)))
    divergence = float(np.sum(share * (np.log(share) - log_p)))
    mean = float(log_prob(x).mean())
    return {
        "data_entropy": entropy,
        "kl_divergence": divergence,
        "likelihood_identity": abs(mean + entropy + divergence),
    }
