"""When a deterministic search has arrived, or never will."""

import keras
import numpy as np

from genzoo import optimizers


class Converged(keras.callbacks.Callback):
    """Ends `fit` when a deterministic search has arrived."""

    def __init__(self, owner):
        super().__init__()
        self.owner = owner
        self.best = np.inf
        self.stalled = 0
        self.first = None

    def on_epoch_end(self, epoch, logs=None):
        """Stop at the rounding error, or when nothing improves any more."""
        model = self.owner
        solver = model.optimizer
        if not isinstance(solver, optimizers.Solver):
            return
        residual = float(np.ravel(logs["residual"])[0])
        exact = model.loss.uses_averages
        # Sums of examples are made in float32.
        small, near = (1e-13, 1e-8) if exact else (1e-6, 1e-3)
        if exact:
            self._check_dual(float(np.ravel(logs["loss"])[0]))
        self.stalled = 0 if residual < 0.5 * self.best else self.stalled + 1
        self.best = min(self.best, residual)
        patience = 3 if residual < near else 30
        if residual > small and self.stalled < patience:
            return
        if exact and model.move_window():
            solver.reset()
            self.best, self.stalled = np.inf, 0
            return
        if exact and (epoch - self.first > _QUICK or residual > near):
            self._explain()
        model.stop_training = True

    def on_epoch_begin(self, epoch, logs=None):
        """Remember the first epoch."""
        if self.first is None:
            self.first = epoch

    def _check_dual(self, dual):
        # log Z - lambda . f is at least the greatest of lambda . (f(x) - f):
        # below zero, for weights of one, lambda separates f from all f(x).
        model = self.owner
        weighted = len(model.space.continuous_sites) or model.reference
        if np.isfinite(dual) and (dual >= -1e-9 or weighted):
            return
        self._explain()
        raise ValueError(
            f"{type(model).__name__}.fit: no distribution has these averages: "
            "they lie outside of what the features allow together. Check "
            "them, or pass observation_stderr."
        )

    def _explain(self):
        if self.owner.observation_record.numpy()[1] == 0:
            self.owner.explain_failure(f"{type(self.owner).__name__}.fit")


# A search that takes more steps may be on its way to infinity.
_QUICK = 20
