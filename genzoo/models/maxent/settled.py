"""Whether chains have arrived where a fit wanted them, once it ends."""

import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.models.maxent.routes.chains import ChainRoute
from genzoo.models.maxent.routes.tails import growing_ray
from genzoo.runtime import data
from genzoo.types import Array

# Of an average, in deviations of its feature over examples, and in standard
# errors of as many chains: what is farther off than both together is told.
_DEVIATIONS, _ERRORS = 0.5, 6.0
# Updates of a fit that was to be short, from which on it is judged.
_UPDATES = 100
# Examples, and numbers of their features, by which deviations are known.
_ROWS, _NUMBERS = 1024, 2**24


class Settled(keras.callbacks.Callback):
    """Says so if chains end elsewhere than where the observations are.

    Args:
        chain: the `ChainRoute`.
        remaining: function without arguments that gives the gradient at the
            chains, with what a tolerance adds, (features,).
        spread: of the features over examples, (features,), or None.
        is_whole: whether the fit is as long as it should be by default;
            of a shorter one nothing is said.
    """

    def __init__(
        self,
        chain: ChainRoute,
        remaining: Callable[[], Array],
        spread: Array | None,
        is_whole: bool,
    ):
        super().__init__()
        self.chain = chain
        self.remaining = remaining
        self.spread = spread
        self.is_whole = is_whole
        self.updates = self.last = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count the updates, of which some may be in one call."""
        self.last = batch + 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Add up the updates."""
        self.updates, self.last = self.updates + self.last, 0

    def on_train_end(self, logs: Any = None) -> None:
        """One warning at most: of a density that grows, or of averages."""
        if not self.is_whole and self.updates < _UPDATES:
            return
        said = self._of_growth() or self._of_averages()
        if said:
            warnings.warn(
                f"{type(self.model).__name__}.fit: {said}", stacklevel=2
            )

    def _of_growth(self):
        space = self.chain.space
        if space.is_bounded:
            return None
        states = self.chain.walks.persistent.read_all()
        multipliers = self.chain.multipliers.numpy()
        span = np.ptp(self.chain.window.body().numpy(), axis=1)
        ray = growing_ray(
            self.chain.density, multipliers, np.asarray(states, float), span
        )
        if ray is None:
            return None
        sites = np.flatnonzero(ray)
        names = [space.site_names[site] for site in sites[:4]]
        told = ", ".join(names) + (", ..." if len(sites) > 4 else "")
        joined = " together" if len(sites) > 1 else ""
        ended = "Counts with an end" if space.whole.any() else "an Interval"
        return (
            "with these multipliers the density does not fall off as "
            f"{told} go{joined} to infinity: it has no integral, the chains "
            "run away, and log_prob and samples mean nothing. Where sites "
            "without end grow with each other by Pairwise alone no density "
            f"has these averages. Take {ended}, features that bound all sites, "
            "such as Moments(1, 2, 3, 4) or averages of their logarithms or "
            "roots, or a genzoo.EnergyModel, which has a reference; or "
            "compile() without a loss, which sums where that is possible."
        )

    def _of_averages(self):
        off = np.abs(self.remaining())
        spread = self._spreads()
        count = self.chain.walks.persistent.count
        deviations = off / np.where(spread > 0, spread, np.inf)
        worst = int(np.argmax(deviations))
        bound = _DEVIATIONS + _ERRORS / np.sqrt(count)
        if not deviations[worst] > bound:
            return None
        name = self.chain.density.features.names[worst]
        return (
            f"the chains end far from the observations: the average of {name} "
            f"over the {count} chains is off by {off[worst]:.3g}, "
            f"{deviations[worst]:.2g} standard deviations of it. Fit again to "
            "go on, with more epochs, more sweeps, as loss=genzoo.losses."
            "PersistentContrastiveDivergence(10), or smaller steps. If that "
            "does not help the chains do not pass between modes, or no "
            "density of this form has these averages; a genzoo.EnergyModel "
            "may suit the data better."
        )

    def _spreads(self):
        if self.spread is not None and (self.spread > 0).all():
            return self.spread
        states = self.chain.walks.persistent.read_all()
        states = states[: max(_NUMBERS // len(self.remaining()), 2)]
        found = _deviations(self.chain.density, states)
        if self.spread is None:
            return found
        return np.where(self.spread > 0, self.spread, found)


def spread_of(density: Any, x: Any) -> Array | None:
    """Deviations of the features over some examples, evenly taken.

    Args:
        density: whose features they are.
        x: examples; None, or no array, tells nothing.
    """
    most = min(_ROWS, _NUMBERS // len(density.features))
    if x is None or not data.is_array(x) or most < 2 or len(x) < 2:
        return None
    rows = x[:: -(-len(x) // most)]
    return _deviations(
        density, density.space.flatten(tf.convert_to_tensor(rows))
    )


def _deviations(density, states):
    values = density.features(tf.cast(states, tf.float64)).numpy()
    return values.std(axis=0)
