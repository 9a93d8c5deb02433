"""Searches among few states, whose steps cost less than to start a graph."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from genzoo.models.maxent.observations import Observations
from genzoo.models.maxent.routes.table import Table
from genzoo.optimizers import Newton
from genzoo.runtime import weights
from genzoo.types import Array

# As of sums in float64, and of a Hessian, in `genzoo.optimizers`.
_ROUNDING, _CANCELLED = 1e-14, 1e-10
_RIDGE = 1e-14
_BOLD, _AS_FORESEEN = 1.5, 0.75


class State(NamedTuple):
    """Where a search stands: the multipliers, and the optimizer's weights."""

    x: Array
    gradient: Array
    direction: Array
    size: float
    value: float
    started: bool
    accepted: bool


class Steps:
    """The steps of `optimizers.Newton` for the dual of a `Table`.

    Each is the same as one of the optimizer in a graph, but for rounding, and
    begins and ends in the same weights: a search may go on in either way.

    Args:
        table: the features of all states.
        optimizer: whose weights say where the search stands.
        variable: of the multipliers.
        observations: the averages.
    """

    def __init__(
        self,
        table: Table,
        optimizer: Newton,
        variable: keras.Variable,
        observations: Observations,
    ):
        self.observed = weights.get(observations.values)
        self.table = table.less(self.observed)
        self.optimizer = optimizer
        self.variable = variable
        self.l2 = np.zeros_like(self.observed)
        if observations.tolerance == "gaussian":
            errors = weights.get(observations.stderr)
            self.l2 = np.where(np.isfinite(errors), errors, 0.0) ** 2
        self.observations = observations
        self.free = self._free()
        self.taken = 0
        self.state = self._read()

    def _free(self):
        """1.0 for the multipliers that are solved for."""
        # As `Observations.free`, outside of graphs.
        asked = np.isfinite(weights.get(self.observations.stderr))
        held = weights.get(self.observations.is_redundant)
        free = asked & ((held == 0) | (held == 3))
        return free * float(self.variable.trainable)

    def _read(self):
        kept = self.optimizer
        x = weights.get(self.variable)
        if not weights.get(kept.started):
            # Nothing is known yet; the trial is where it stands.
            none = np.zeros_like(x)
            return State(x, none, none, 0.0, 0.0, False, False)
        size, value, accepted = (
            float(weights.get(weight))
            for weight in (kept.step_size, kept.value, kept.accepted)
        )
        gradient, direction = kept.gradient, kept.step_direction
        known = weights.get(gradient), weights.get(direction), size, value
        return State(x, *known, True, accepted > 0)

    def read(self) -> None:
        """Go on from what the weights are now."""
        self.state = self._read()
        self.free = self._free()

    def write(self) -> None:
        """Put all that is known into the weights."""
        kept, state = self.optimizer, self.state
        if not self.taken:
            return
        own = (
            self.variable,
            kept.gradient,
            kept.step_direction,
            kept.step_size,
            kept.value,
            kept.started,
            kept.accepted,
        )
        for weight, value in zip(own, state, strict=True):
            weights.put(weight, value)
        taken = weights.get(kept.iterations) + self.taken
        weights.put(kept.iterations, taken)
        self.taken = 0

    def remaining(self) -> Array:
        """The gradient where the search stands, of what is solved for."""
        return self.state.gradient * self.free

    def _is_flatter(self, rise, gradient):
        """Whether only the gradient can tell, and does; as in `Solver`."""
        before, after = (
            np.abs(g * self.free).max(initial=0.0)
            for g in (self.state.gradient, gradient)
        )
        is_level = rise <= _CANCELLED * (1 + abs(self.state.value))
        return bool(is_level and after < 0.5 * before)

    def advance(self) -> dict[str, float]:
        """One step; what the logs show. See `optimizers.Solver.advance`."""
        old, gradient, direction, size, known, started, _ = self.state
        trial = old + size * direction
        log_z, residual, covariance, log_r = self.table.sums(trial)
        entropy = log_z - trial @ residual - log_r
        facts = {
            "entropy": float(entropy),
            "log_partition": float(log_z + trial @ self.observed),
        }
        value = log_z + 0.5 * (self.l2 * trial) @ trial
        found = residual + self.l2 * trial
        expected = (gradient * self.free) @ (trial - old)
        enough = known + 1e-4 * expected + _ROUNDING * (1 + abs(known))
        good = bool(np.isfinite(value) and np.isfinite(found).all())
        good = good and (
            not started
            or bool(value <= enough)
            or self._is_flatter(value - known, found)
        )
        self.taken += 1
        if good:
            slope = found * self.free
            hessian = covariance + np.diag(self.l2)
            last = size
            direction, size = _newton(hessian, slope, self.free)
            foreseen = expected * (1 - 0.5 * last)
            if started and value - known < _AS_FORESEEN * foreseen < 0:
                size = max(size, min(2 * last, 1.0))
            self.state = State(
                trial, found, direction, size, float(value), True, True
            )
        else:
            size *= _shorter(value - known, expected)
            self.state = self.state._replace(size=size, accepted=False)
        residual = np.abs(self.state.gradient).max()
        loss = self.state.value
        return {"loss": loss, "residual": float(residual), **facts}


def _newton(hessian, slope, free):
    """(direction, size): see `optimizers.Newton`."""
    diagonal = np.diag(hessian)
    scale = free / np.sqrt(np.maximum(diagonal, 1e-300))
    scaled = hessian * scale[:, None] * scale
    np.fill_diagonal(scaled, 1 + _RIDGE)
    try:
        direction = -scale * np.linalg.solve(scaled, slope * scale)
    except np.linalg.LinAlgError:
        direction = np.full_like(slope, np.nan)
    # One that leads uphill is given up for the steepest.
    if not (np.isfinite(direction).all() and direction @ slope < 0):
        direction = -slope
    length = np.sqrt(max(-(direction @ slope), 0.0))
    return direction, float(min(1.0, _BOLD / (1 + length)))


def _shorter(rise, expected):
    below = rise - expected
    share = -0.5 * expected / below if below else 0.0
    return float(np.clip(share if np.isfinite(share) else 0.1, 0.1, 0.5))


def fit(
    model: Any,
    steps: Any,
    note_loss: Callable[[float], None],
    are_seen: bool,
    verbose: Any,
    epochs: int,
    callbacks: list,
    initial_epoch: int = 0,
) -> keras.callbacks.History:
    """As `keras.Model.fit` with an epoch for each of the steps.

    Callbacks are told of the same in the same order, and find the weights as
    they are then, if they look at them; if not they are written at the end.

    Args:
        model: that is fitted.
        steps: of the search, `Steps` or what has the same methods.
        note_loss: called with the loss of a step, if it is looked at.
        are_seen: whether a callback may look at weights.
        verbose: as in Keras.
        epochs: as in Keras.
        callbacks: as in Keras.
        initial_epoch: as in Keras.
    """
    told = keras.callbacks.CallbackList(
        callbacks,
        add_history=True,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=1,
        model=model,
    )
    # Nobody else listens to batches, of which each is an epoch.
    by_batch = are_seen or verbose != 0
    model.stop_training = False
    logs: dict[str, float] = {}
    try:
        told.on_train_begin()
        for epoch in range(model._initial_epoch or initial_epoch, epochs):
            told.on_epoch_begin(epoch)
            if by_batch:
                told.on_train_batch_begin(0)
            if are_seen:
                steps.read()
            logs = steps.advance()
            if are_seen:
                steps.write()
                note_loss(logs[model.loss.measure])
            if by_batch:
                told.on_train_batch_end(0, logs)
            if are_seen:
                model._check_progress(logs)
            told.on_epoch_end(epoch, dict(logs))
            if model.stop_training:
                break
    finally:
        steps.write()
    if logs:
        note_loss(logs[model.loss.measure])
    told.on_train_end(logs=logs)
    return model.history
