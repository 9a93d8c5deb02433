"""When a deterministic search has arrived, or never will."""

import warnings

import keras
import numpy as np

from genzoo import optimizers

# A search that takes more steps may be on its way to infinity.
_QUICK = 20
# Of an integral, in nats, above which there is a warning.
_TRUNCATION = 1e-6
_MOST_WIDENINGS = 8


class Converged(keras.callbacks.Callback):
    """Ends `fit` when a deterministic search has arrived.

    Args:
        owner: the `MaxEnt`.
        is_whole: whether the search was to run to its end, so that it is
            worth a warning if it did not.
    """

    def __init__(self, owner, is_whole=True):
        super().__init__()
        self.owner = owner
        self.is_whole = is_whole
        self.best = np.inf
        self.stalled = 0
        self.first = None
        self.widenings = 0
        self.residual = np.inf

    def on_epoch_begin(self, epoch, logs=None):
        """Remember the first epoch."""
        if self.first is None:
            self.first = epoch

    def on_epoch_end(self, epoch, logs=None):
        """Stop at the rounding error, or when nothing improves any more."""
        model = self.owner
        solver = model.optimizer
        if not isinstance(solver, optimizers.Solver):
            return
        residual = float(np.ravel(logs["residual"])[0])
        exact = model.loss.uses_averages
        if np.isnan(residual) or (exact and self._is_impossible(logs)):
            self._give_up()
        # Sums of examples are made in float32.
        small, near = (1e-13, 1e-8) if exact else (1e-6, 1e-3)
        # Averages have the rounding of their size.
        size = np.abs(model.observed.numpy()).max()
        near *= 1 + size
        small *= min(size, 1.0) or 1.0
        self.residual = residual
        self.stalled = 0 if residual < 0.5 * self.best else self.stalled + 1
        self.best = min(self.best, residual)
        unbounded = exact and not model.space.is_bounded
        patience = 10 if unbounded else 30
        if residual > small and self.stalled < (
            3 if residual < near else patience
        ):
            return
        # Perhaps the window held no density with these averages.
        lost = unbounded and residual > near
        if exact and model.move_window():
            self._search_again()
            return
        if lost:
            self._widen()
            return
        if exact and (epoch - self.first > _QUICK or residual > near):
            self._explain()
        self.is_whole = self.is_whole and residual > near
        if exact:
            self._check_truncation()
        model.stop_training = True

    def on_train_end(self, logs=None):
        """Say so if the search has not arrived."""
        solver = self.owner.optimizer
        stopped = self.owner.stop_training
        if isinstance(solver, optimizers.Solver) and self.is_whole:
            exact = self.owner.loss.uses_averages
            if exact and not self.owner.space.is_bounded:
                self.owner.refuse_density()
            if not stopped or self.residual > 1e-3:
                warnings.warn(
                    f"{type(self.owner).__name__}.fit has not converged: the "
                    f"residual is {self.residual:.2g}. Fit again to go on, "
                    "with more epochs.",
                    stacklevel=2,
                )

    def _search_again(self):
        self.owner.start_over_if_better()
        self.owner.optimizer.reset()
        self.best, self.stalled = np.inf, 0

    def _widen(self):
        model = self.owner
        self.widenings += 1
        if self.widenings > _MOST_WIDENINGS:
            model.refuse_density()
        window = model.window.numpy()
        middle, reach = window.mean(axis=1), np.ptp(window, axis=1)
        ends = [middle - 4 * reach, middle + 4 * reach]
        model.set_window(np.stack(ends, axis=1))
        model.multiplier_weights.assign(0 * model.multipliers)
        self._search_again()

    def _is_impossible(self, logs):
        # log Z - lambda . f is at least the greatest of lambda . (f(x) - f):
        # below zero, for weights of one, lambda separates f from all f(x).
        model = self.owner
        dual = float(np.ravel(logs["loss"])[0])
        weighted = len(model.space.continuous_sites) or model.reference
        tolerant = model.observation_record.numpy()[1] > 0
        return dual < -1e-9 and not weighted and not tolerant

    def _give_up(self):
        self._explain()
        raise ValueError(
            f"{type(self.owner).__name__}.fit: no distribution has these "
            "averages: they lie outside of what the features allow together. "
            "Check them, or pass observation_stderr."
        )

    def _explain(self):
        if self.owner.observation_record.numpy()[1] == 0:
            self.owner.explain_failure(f"{type(self.owner).__name__}.fit")

    def _check_truncation(self):
        model = self.owner
        if not len(model.space.continuous_sites):
            return
        error = model.exact_log_partition().stderr
        if error > _TRUNCATION:
            warnings.warn(
                f"{type(model).__name__}.fit: the quadrature is too coarse "
                f"for this density: log Z is uncertain by {error:.2g} nats, "
                "and the multipliers by as much. Standardise and decorrelate "
                "the data, use fewer continuous sites, or loss='pcd'.",
                stacklevel=2,
            )
