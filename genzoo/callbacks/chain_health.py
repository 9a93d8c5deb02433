"""Whether the persistent chains still move."""

from typing import Any

import keras
import numpy as np

from genzoo import checks
from genzoo.runtime import probability, random
from genzoo.types import SeedLike


class ChainHealth(keras.callbacks.Callback):
    """Writes the mixing of the persistent chains into the logs.

    Copies of the chains walk some sweeps of the present model, and the
    energy of each is followed, as is its place along the three directions in
    which the chains differ most. The chains themselves, training and its
    draws are not affected. Adds:

    - `chain_autocorrelation`: of the energy, one sweep apart; near 1 the
      chains hardly move;
    - `chain_r_hat`: the largest split R-hat of what is followed, the standard
      deviation of all draws over that within half chains. Above 1.1 chains
      stay where they are, each by itself: they are stuck, however much each
      moves about its place. 1 if no chain ever differs from another;
    - `chain_ess`: the least effective number of draws in all `sweeps x
      chains`, chains that stay in different places counting for little; of
      chains that never move it is at most `chain_distinct`;
    - `chain_distinct`: how many chains are in different states.

    Args:
        sweeps: length of the walk, at least 4.
        every: the epochs between two values.
        seed: of the walks.

    Raises:
        ValueError: if `sweeps` is below 4, `every` is not a positive int, or
            the model has no chains.

    Example:
    >>> rbm = genzoo.RBM(genzoo.units.Bernoulli(64), genzoo.units.Bernoulli(8))
    >>> rbm.compile()
    >>> health = genzoo.callbacks.ChainHealth(sweeps=10)
    >>> history = rbm.fit(x_train, verbose=0, callbacks=[health])
    >>> 1 <= history.history["chain_distinct"][0] <= 128
    True
    """

    def __init__(self, sweeps: int = 50, every: int = 1, seed: SeedLike = 0):
        super().__init__()
        self.sweeps = checks.whole(4)(sweeps, "ChainHealth: sweeps")
        self.every = checks.positive_int(every, "ChainHealth: every")
        self.seed = random.as_seed(seed)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Refuse a model without persistent chains."""
        if getattr(self.model, "chains", None) is None:
            raise ValueError(
                "ChainHealth: the model keeps no persistent chains. Compile "
                "it with PersistentContrastiveDivergence."
            )

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Write the values of this epoch."""
        if logs is None or (epoch + 1) % self.every:
            return
        series, _ = self.model.walks.follow(self.sweeps, self.seed)
        series = series.numpy().astype(np.float64)
        states = self.model.chains.read_all().numpy()
        distinct = len(np.unique(states, axis=0))
        logs["chain_autocorrelation"] = float(_lag_one(series[..., 0]))
        logs["chain_r_hat"], logs["chain_ess"] = _mixing(series, distinct)
        logs["chain_distinct"] = distinct


def _mixing(series, distinct):
    """(R-hat, effective sample size), the worst of a series (n, chains, k)."""
    r_hat, ess = 1.0, np.inf
    for each in np.moveaxis(series, -1, 0):
        least = 1e-10 * (1 + np.square(each).max())
        if each.var() <= least:
            continue
        if each.var(axis=0).mean() <= least:
            # Chains that never move, and not all in one place.
            return np.inf, float(distinct)
        found = probability.effective_sample_size(each, each.shape[1] > 1)
        ess = min(ess, float(np.sum(found)))
        found = probability.potential_scale_reduction(each)
        r_hat = max(r_hat, float(found))
    return r_hat, ess if np.isfinite(ess) else float(distinct)


def _lag_one(series):
    """Autocorrelation one step apart about the mean of all: (draws, chains).

    Chains stuck in different places are correlated with themselves.
    """
    centred = series - series.mean()
    variance = np.mean(centred**2)
    if variance <= 1e-10 * (1 + series.mean() ** 2):
        return 1.0
    return np.mean(centred[1:] * centred[:-1]) / variance
