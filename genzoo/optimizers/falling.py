"""Gradient descent at a rate that falls to zero over a fit."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks

_FARTHEST = 0.5
# How steeply steps count for less that are longer ago.
_FADES = 7


class Trail:
    """The average of where weights were, and a rest there between epochs.

    Step i of t counts (i / t)^7, so that half of the average is of the last
    tenth. A high rate throws weights about a place that they would reach were
    it to fall now; the average is near it. Weights rest there where an epoch
    ends, and go back to where they were where the next one begins.

    All that it knows is kept in weights of the optimizer: a save that is made
    at rest holds the averages as the model's weights, and goes on exactly.

    Args:
        optimizer: whose weights these are.
        variables: what it moves.
        fingerprint: gives a number that changes with any of them.
    """

    def __init__(
        self,
        optimizer: Any,
        variables: Sequence[keras.Variable],
        fingerprint: Callable[[Sequence[keras.Variable]], int],
    ):
        self.variables = list(variables)
        self.fingerprint = fingerprint
        self.count = optimizer._kept("steps_averaged", "zeros", "int64")
        # What the weights are at rest, 0 where they are not.
        self.at_rest = optimizer._kept("at_rest", "zeros", "int64")
        self.is_over = optimizer._kept("is_over", "zeros", "int64")
        self.averages = [
            optimizer.add_variable(
                variable.shape,
                "zeros",
                # Steps of a long average are lost in half precision.
                keras.backend.result_type(variable.dtype, "float32"),
                "only_first_replica",
                name="average",
            )
            for variable in self.variables
        ]

    def follow(self) -> None:
        """Let one more step count."""
        self.count.assign_add(1)
        for variable, average in self._pairs():
            value = ops.cast(variable.value, average.dtype)
            if not variable.trainable:
                # It may be free again later.
                average.assign(value)
                continue
            count = ops.cast(self.count, average.dtype)
            share = (1 + _FADES) / (count + _FADES)
            average.assign_add(share * (value - average.value))

    def begin_epoch(self, is_last: bool) -> None:
        """Go on from where weights were before they rested.

        Args:
            is_last: whether they will not rest where this epoch ends.
        """
        self.is_over.assign(int(is_last))
        self.rise()

    def at_averages(self, measure: Callable[[], Any]) -> Any:
        """What is measured where the weights would rest if the epoch ended."""
        places = [
            (variable, ops.cast(average.value, variable.dtype))
            for variable, average in self._pairs()
            if variable.trainable
        ]
        with keras.StatelessScope(state_mapping=places):
            return measure()

    def forget(self) -> None:
        """Begin anew, from where the weights are."""
        self.count.assign(0)
        self.at_rest.assign(0)

    def rest(self) -> None:
        """Move the weights to their averages."""
        if not int(np.asarray(self.count)):
            return
        self._swap()
        for variable in self.variables:
            if variable.trainable and variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))
        self.at_rest.assign(self._place())

    def rise(self) -> None:
        """Move them back, unless somebody has moved them meanwhile."""
        place = int(np.asarray(self.at_rest))
        if not place:
            return
        if place == self._place():
            self._swap()
            self.at_rest.assign(0)
        else:
            self.forget()

    def _swap(self):
        for variable, average in self._pairs():
            # What was frozen meanwhile stays where it is.
            if variable.trainable:
                before = variable.numpy()
                variable.assign(average.numpy())
                average.assign(before)

    def _pairs(self):
        return zip(self.variables, self.averages, strict=True)

    def _place(self):
        return self.fingerprint(self.variables) + 1


class Planned:
    """A part of a Keras optimizer: how far a fit has come.

    All that it knows is kept in weights, so that `BackupAndRestore` resumes
    exactly.

    Attributes:
        fingerprint: of a `Trail`, which is kept if this is set before the
            optimizer is built.
        trail: that of its variables, or None.
    """

    add_variable: Any
    built: Any
    _iterations: Any
    variables: Any
    fingerprint: Callable | None = None
    trail: Trail | None = None

    def build(self: Any, variables: list) -> None:
        """Make the weights that say where in the fit it is."""
        if self.built:
            return
        super().build(variables)  # type: ignore[misc]
        self._of_keras = len(self.variables)
        self._make()
        if self.fingerprint is not None and not self.use_ema:
            self.trail = Trail(self, variables, self.fingerprint)

    def _make(self):
        self.unit = self._kept("unit", "ones", "float32")
        self.first = self._kept("first", "zeros", "int64")
        self.last = self._kept("last", "zeros", "int64")

    def _kept(self, name, initializer, dtype):
        return self.add_variable(
            (), initializer, dtype, "only_first_replica", name=name
        )

    def plan(self, unit: float, first: int, last: int) -> None:
        """Fall from step `first` on, to zero at step `last`.

        Args:
            unit: a factor of the rate.
            first: the number of `batches` at which the fit began.
            last: that at which it will end; `first`, if that is not known.
        """
        self.unit.assign(unit)
        self.first.assign(first)
        self.last.assign(last)

    @property
    def batches(self) -> Any:
        """How many it was given gradients of, also where it gathers several.

        Of these `iterations` is a fraction, and could not be planned exactly.
        """
        return self._iterations

    @property
    def is_falling(self) -> bool:
        """Whether it follows the plan of a fit, or where that one ended."""
        return self.built and int(np.asarray(self.last - self.first)) > 0

    @property
    def has_fallen(self) -> bool:
        """Whether it has come to the end of its plan."""
        return self.is_falling and bool(self.batches >= self.last)

    def end(self) -> None:
        """Be constant from here on, until another fit is planned."""
        if self.built:
            now = int(np.asarray(self.batches))
            self.plan(float(np.asarray(self.unit)), now, now)
        if self.trail is not None:
            self.trail.forget()

    def load_own_variables(self, store: Any) -> None:
        """What Keras wrote, also before the last of its weights were known."""
        known = {key: store[key] for key in store.keys()}  # noqa: SIM118
        if len(known) > self._of_keras:
            for at in range(len(known), len(self.variables)):
                known[str(at)] = self.variables[at].numpy()
        super().load_own_variables(known)  # type: ignore[misc]

    def share(self) -> tf.Tensor:
        """The present share of the full rate, from 1 to 0."""
        done = ops.cast(self.batches - self.first, "float32")
        whole = ops.cast(self.last - self.first, "float32")
        part = ops.clip(done / ops.maximum(whole, 1.0), 0.0, 1.0)
        falling = 0.5 * (1 + ops.cos(math.pi * part))
        return ops.where(whole > 0, self._height(whole) * falling, 1.0)

    def _height(self, whole: tf.Tensor) -> Any:
        """The share at which a fit of so many steps begins."""
        return 1.0

    def _fallen(self, learning_rate: Any) -> tf.Tensor:
        """What a learning rate has fallen to."""
        share = ops.cast(self.unit * self.share(), learning_rate.dtype)
        return share * learning_rate

    def _backend_update_step(
        self, grads: list, trainable_variables: list, learning_rate: Any
    ) -> None:
        # Once for all weights: to trace it for each of them takes as long as
        # the rest of a step does.
        super()._backend_update_step(  # type: ignore[misc]
            grads, trainable_variables, self._fallen(learning_rate)
        )


@keras.saving.register_keras_serializable("genzoo")
class Falling(Planned, keras.optimizers.Optimizer):
    """Gradient descent at a rate that falls to zero, in the data's own units.

    At step t of the T that a `fit` will make, a weight moves by
    `-unit learning_rate (1 + cos(pi t / T)) / 2` times its gradient. The unit
    is the model's: one over the product of the variances that its kernel
    joins, so that one rate serves sparse rows, dense ones and real numbers.
    No number moves by more than 1/2 in a step: a rare outlier among real
    numbers would else throw the model out of all bounds. Where real visible
    units learn their precision it descends at held means, and the kernel at
    held odds of hidden units, so that narrow and rare modes are reached.
    It is what an `RBM` is compiled with if no optimizer is given.

    Each `fit` falls anew, from the full rate; with `initial_epoch` it goes on
    at the place it had. All that it knows is kept in weights, so that
    `BackupAndRestore` resumes exactly. Outside of `fit` the rate is constant.

    While the rate is high weights are thrown about, by nats of likelihood. At
    the end of each epoch but the last they rest at an average of where they
    were, of which half is of the last tenth of the steps; logs, callbacks and
    what these save see them there. The next epoch goes on where they were
    before, so that averages change no step.

    Args:
        learning_rate: the rate at the first step, without unit.
        name: of its weights.
        **kwargs: the other arguments of `keras.optimizers.Optimizer`; with
            `use_ema` weights rest at no other average.

    Reference:
        Polyak and Juditsky, "Acceleration of stochastic approximation by
        averaging", SIAM J. Control Optim. 30, 838 (1992). Averages that fade
        by a power: Shamir and Zhang, "Stochastic gradient descent for
        non-smooth optimization", ICML 2013.

    Example:
    >>> rbm = genzoo.RBM(genzoo.units.Bernoulli(64), genzoo.units.Bernoulli(8))
    >>> rbm.compile(optimizer=genzoo.optimizers.Falling(0.02))
    >>> history = rbm.fit(x_train, epochs=2, verbose=0)
    >>> round(float(rbm.optimizer.share()), 6)
    0.0
    """

    def __init__(
        self, learning_rate: float = 0.025, name: str = "falling", **kwargs
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)

    def rate(self) -> tf.Tensor:
        """The present rate, in the data's units."""
        return self._fallen(self.learning_rate)

    def _fallen(self, learning_rate: Any) -> tf.Tensor:
        rate = ops.cast(learning_rate, "float32")
        return rate * self.unit * self.share()

    def update_step(
        self, gradient: Any, variable: Any, learning_rate: Any
    ) -> None:
        """Move one weight, at a rate that has fallen."""
        rate = ops.cast(learning_rate, variable.dtype)
        step = rate * ops.cast(gradient, variable.dtype)
        self.assign_sub(variable, ops.clip(step, -_FARTHEST, _FARTHEST))


@keras.saving.register_keras_serializable("genzoo")
class FallingAdam(Planned, keras.optimizers.Adam):
    """`keras.optimizers.Adam` at a rate that falls to zero over a fit.

    At step t of the T that a `fit` will make the rate is
    `learning_rate (1 + cos(pi t / T)) / 2`; outside of `fit` it is constant.
    Each `fit` falls anew; with `initial_epoch` it goes on at the place it had.
    One of fewer steps than the longest before begins lower, at the square root
    of their ratio: the full rate would throw a trained model off its place,
    and a short fit would not bring it back. To begin at the full rate,
    `compile` anew. Energy-based models rest at averages where epochs end, as
    with `Falling`. It is what an `EnergyModel` and a `GAN` are compiled with
    if no optimizer is given.

    Args:
        learning_rate: the rate at the first step of a first fit.
        name: of its weights.
        full_steps: a fit of more steps begins lower, at the square root of
            the ratio of these to its own: what a long one loses by the noise
            of its steps counts for more than what it gains by their size.
            None: at the full rate, however long it is.
        **kwargs: the other arguments of `keras.optimizers.Adam`.

    Raises:
        ValueError: if `full_steps` is no positive number.

    Example:
    >>> rbm = genzoo.RBM(genzoo.units.Bernoulli(64), genzoo.units.Bernoulli(8))
    >>> rbm.compile(optimizer=genzoo.optimizers.FallingAdam(3e-3))
    >>> history = rbm.fit(x_train, epochs=2, verbose=0)
    >>> round(float(rbm.optimizer.share()), 6)
    0.0
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        name: str = "falling_adam",
        full_steps: float | None = None,
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        own = checks.optional(checks.positive_number)
        self.full_steps = own(full_steps, "FallingAdam: full_steps")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "full_steps": self.full_steps}

    def _make(self) -> None:
        super()._make()
        self.longest = self._kept("longest", "zeros", "int64")

    def end(self) -> None:
        """Be constant from here on, and remember the steps that were made."""
        if self.built:
            now, first, last, longest = (
                int(np.asarray(weight))
                for weight in (
                    *(self.batches, self.first, self.last),
                    self.longest,
                )
            )
            self.longest.assign(max(longest, min(now, last) - first))
        super().end()

    def _height(self, whole: tf.Tensor) -> tf.Tensor:
        longest = ops.cast(self.longest, "float32")
        longest = ops.maximum(longest, ops.maximum(whole, 1.0))
        height = ops.sqrt(whole / longest)
        if self.full_steps is None:
            return height
        full = float(self.full_steps)
        return height * ops.sqrt(full / ops.maximum(whole, full))


class Plan(keras.callbacks.Callback):
    """Tells a `Planned` how many steps a fit will make.

    Args:
        unit: of the rate.
        initial_epoch: as in `fit`.
        optimizer: the `Planned`; None takes the model's.
        repeats: its steps in one of the model's.
        batches_done: of the first epoch, where it goes on in its middle.
    """

    def __init__(
        self,
        unit: float,
        initial_epoch: int = 0,
        optimizer: Any = None,
        repeats: int = 1,
        batches_done: int = 0,
    ):
        super().__init__()
        self.batches_done = batches_done
        self.unit = unit
        self.initial_epoch = initial_epoch
        self.optimizer = optimizer
        self.repeats = repeats

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Plan, if the number of steps is known."""
        if not self.initial_epoch and not self.batches_done:
            self._planned().end()
        self._begin = self._done()
        if self.batches_done and self.params["steps"] is None:
            # What was planned before the save still holds.
            return
        self._plan(self.repeats * (self.params["steps"] or 0))

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Go on from where weights were before they rested."""
        planned = self._planned()
        if planned.trail is not None:
            is_last = epoch + 1 == self.params["epochs"]
            planned.trail.begin_epoch(is_last and planned.is_falling)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Plan once one epoch was counted, if it was not known."""
        is_whole = epoch == self.initial_epoch and not self.batches_done
        if self.params["steps"] is None and is_whole:
            self._plan(self._done() - self._begin)

    def _planned(self):
        return self.optimizer or self.model.optimizer

    def _done(self):
        steps = int(np.asarray(self._planned().batches))
        return steps - self.batches_done * self.repeats

    def _plan(self, steps):
        first = self._begin - self.initial_epoch * steps
        last = first + self.params["epochs"] * steps
        self._planned().plan(self.unit, first, last)
