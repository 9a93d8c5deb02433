"""When a deterministic search has arrived, or never will."""

import warnings
from collections.abc import Callable
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from genzoo.models.maxent.dual import Dual
from genzoo.runtime import data, distribute
from genzoo.types import Array

# A search that takes more steps may be on its way to infinity.
_QUICK = 20
# Of an integral, in nats, above which there is a warning.
_TRUNCATION = 1e-6
# In standard deviations of a feature: a residual that is none, and one that is
# worth a warning.
_CLOSE, _ASTRAY = 1e-6, 1e-3
# Of the smallest average: a residual that is none for any of the features.
_NONE = 1e-10
_MOST_WIDENINGS = 8
# Epochs without half the residual after which a search ends: near the end,
# where the window may be wrong, and anywhere.
_PATIENCE = {"near": 3, "unbounded": 10, "anywhere": 30, "examples": 100}


def held_in_memory(model: Any, plan: dict[str, Any]) -> dict[str, Any]:
    """A plan of one batch of arrays, with one iterator for all epochs.

    One for each epoch would take longer than the step itself.
    """
    several = distribute.replica_count(model.distribute_strategy) > 1
    # What is sparse is made dense in a pipeline.
    is_piped = isinstance(plan["x"], tf.data.Dataset)
    if several or is_piped or model.steps_per_execution > 1:
        return plan
    together = plan["x"] if plan["y"] is None else (plan["x"], plan["y"])
    held = tf.nest.map_structure(tf.convert_to_tensor, together)
    # As a part, so that a graph is the same for any number of rows.
    rows = tf.data.Dataset.from_tensors(plan["batch_size"]).repeat()
    x = data.mapped(
        rows, lambda count: tf.nest.map_structure(lambda own: own[:count], held)
    )
    own = {"x": x, "y": None, "batch_size": None, "steps_per_epoch": 1}
    return {**plan, **own}


class Steps(Protocol):
    """A search that keeps what it knows beside the weights."""

    def read(self) -> None:
        """Go on from what the weights are now."""

    def write(self) -> None:
        """Put all that is known into the weights."""


class Progress:
    """The residuals of a search so far."""

    def __init__(self):
        self.last = np.inf
        self.best = np.inf
        self.stalled = 0

    def note(self, residual: float) -> None:
        """Take the residual of one more step into account."""
        self.last = residual
        self.stalled = 0 if residual < 0.5 * self.best else self.stalled + 1
        self.best = min(self.best, residual)

    def has_ended(self, small: float, near: float, kind: str) -> bool:
        """Whether it arrived at the rounding error, or improves no more.

        Args:
            small: a residual that is that of rounding.
            near: one that is good enough, if nothing improves.
            kind: "unbounded", where the window may be what is wrong,
                "examples", where steps are many, or "anywhere".
        """
        patience = _PATIENCE["near" if self.last < near else kind]
        return self.last <= small or self.stalled >= patience


class Search(keras.callbacks.Callback):
    """Ends `fit` when a deterministic search has arrived.

    Args:
        remaining: function without arguments that gives the gradient where
            the search stands, (n,).
        is_whole: whether the search was to run to its end, so that it is
            worth a warning if it did not.
        dual: what is searched; None where it is a sum over examples.
        noise: of a sum over examples, the standard error of each component
            of the gradient, (n,), by the number of examples alone.
        steps: of the search, if it keeps what it knows beside the weights:
            `write` puts it there, `read` begins anew from there.
    """

    def __init__(
        self,
        remaining: Callable[[], Array],
        is_whole: bool,
        dual: Dual | None = None,
        noise: Array | float = 1.0,
        steps: Steps | None = None,
    ):
        super().__init__()
        self.remaining = remaining
        self.dual = dual
        self.steps = steps
        self.is_whole = is_whole
        self.progress = Progress()
        # Of a feature, in its own standard deviations.
        self.astray = 0.0
        self.first = -1
        self.widenings = 0
        if dual is None:
            # A hundredth of what other examples would change.
            self.unit = 0.01 * np.asarray(noise)
            self.small = self.near = 1.0
        else:
            # Averages have the rounding of their size.
            size = dual.size()
            # Nearly dependent, a small residual may be far from the solution.
            near = 1e-12 if dual.is_near_singular else 1e-8
            self.unit = np.ones(())
            self.near = near * (1 + size)
            self.small = 1e-13 * (min(size, 1.0) or 1.0)
        self.unbounded = dual is not None and not dual.density.space.is_bounded

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember the first epoch."""
        if self.first < 0:
            self.first = epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop at the rounding error, or when nothing improves any more."""
        residual = float(np.max(np.abs(self.remaining()) / self.unit))
        dual = self.dual
        value = float(np.ravel(logs[self.model.loss.measure])[0])
        if np.isnan(residual) or (dual and dual.is_impossible(value)):
            self._give_up()
            return
        self.progress.note(residual)
        kind = "unbounded" if self.unbounded else "anywhere"
        kind = "examples" if dual is None else kind
        if not self.progress.has_ended(self.small, self.near, kind):
            return
        if self.steps is not None:
            # The dual looks at the weights.
            self.steps.write()
        self.astray = self._astray()
        if self.astray > _CLOSE and self.progress.stalled < _PATIENCE[kind]:
            # What is little for the largest average may be much for others.
            return
        far = residual > self.near or self.astray > _ASTRAY
        if dual is not None:
            # Perhaps the window held no density with these averages.
            if dual.refit():
                self._search_again(dual)
                return
            if self.unbounded and far:
                self._widen(dual)
                return
            is_slow = epoch - self.first > _QUICK
            if (is_slow or far) and dual.explain():
                self._search_again(dual)
                return
            self._warn_of_truncation(dual)
        self.is_whole = self.is_whole and far
        self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Say so if the search has not arrived."""
        if not self.is_whole:
            return
        if self.dual is not None and self.unbounded:
            self.dual.window.refuse()
        many = 1e-3 if self.dual is not None else 10.0
        has_ended = self.model.stop_training and self.progress.last <= many
        if not has_ended or self.astray > _ASTRAY:
            residual = np.max(np.abs(self.remaining()))
            share = ""
            if self.astray > _ASTRAY:
                share = (
                    f", {self.astray:.2g} standard deviations of the feature "
                    "that is off most"
                )
            told = "Fit again to go on, with more epochs."
            sparse = self.dual is not None and self.dual.is_sparse
            if sparse and not self.model.optimizer.needs_hessian:
                told = (
                    "Compile with optimizer='newton': with a Laplace tolerance "
                    "it takes few features at a time, of however many."
                )
            warnings.warn(
                f"{type(self.model).__name__}.fit has not converged: the "
                f"residual is {residual:.2g}{share}. {told}",
                stacklevel=2,
            )

    def _astray(self):
        """The greatest residual in standard deviations of its feature."""
        if self.dual is None:
            return 0.0
        off = np.abs(self.remaining())
        if off.max(initial=0.0) <= _NONE * self.dual.least():
            # Variances take as long to find as a step.
            return 0.0
        spread = self.dual.spread()
        if spread is None:
            return 0.0
        share = off / np.where(spread > 0, spread, np.inf)
        return float(np.max(share, initial=0.0))

    def _search_again(self, dual):
        dual.start_over_if_better()
        self.model.optimizer.reset()
        if self.steps is not None:
            self.steps.read()
        last, self.progress = self.progress.last, Progress()
        self.progress.last = last

    def _widen(self, dual):
        self.widenings += 1
        if self.widenings > _MOST_WIDENINGS:
            dual.window.refuse()
        dual.widen()
        self._search_again(dual)

    def _give_up(self):
        if self.dual is not None:
            if self.dual.explain():
                self._search_again(self.dual)
                return
            if self.dual.observations.tolerance == "laplace":
                raise ValueError(
                    f"{type(self.model).__name__}.fit: no distribution has "
                    "averages within the tolerance of these: each may be off "
                    "by its observation_stderr. Check them, or pass larger "
                    "ones."
                )
        raise ValueError(
            f"{type(self.model).__name__}.fit: no distribution has these "
            "averages: they lie outside of what the features allow together. "
            "Check them, or pass observation_stderr."
        )

    def _warn_of_truncation(self, dual):
        error = dual.integration_error()
        if error > _TRUNCATION:
            warnings.warn(
                f"{type(self.model).__name__}.fit: the quadrature is too "
                f"coarse for this density: log Z is uncertain by {error:.2g} "
                "nats, and the multipliers by as much. Standardise and "
                "decorrelate the data, say where a feature has a kink, a step "
                "or a pole, features.Function(f, breaks=[0.0]), or pass more "
                "nodes=; or use fewer continuous sites, or loss='pcd'.",
                stacklevel=2,
            )
