"""How a MaxEnt is fitted: `fit`, to averages or to examples."""

import keras
import tensorflow as tf

from genzoo import optimizers
from genzoo.models.checked_examples import SpaceErrors
from genzoo.models.convergence import Converged
from genzoo.runtime import data, distribute

_STEPS_PER_EPOCH = 100


class Fitting:
    """The part of `MaxEnt` that runs `fit`."""

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=None,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        steps_per_epoch=None,
        observations=None,
        observation_stderr=None,
        tolerance="gaussian",
        observation_count=None,
        **kwargs,
    ):
        """Find the multipliers, from bare averages or from examples.

        The features' averages over the examples are all that the likelihood
        depends on: they are taken once, before the first step. Where sums are
        exact an epoch is one Newton step, and `fit` ends when the residual is
        that of rounding. `History` has

        - `loss`: the dual `log Z - lambda . <f>`, in nats, which is the mean
          negative log-likelihood -<log p> of the examples; for chains, the
          mean energy of the observations less that of the chains;
        - `residual`: the largest |<f_i>_model - <f_i>_observed|, with a
          tolerance the largest component of the dual's gradient;
        - `entropy`, `log_partition`: in nats, where sums are exact.

        Args:
            x: examples, an array or a `tf.data.Dataset` of batches.
            y: must be None, as class_weight and sample_weight.
            batch_size: rows of a batch of examples; for chains an epoch has
                as many steps as there are batches.
            epochs: by default 200 where sums are exact, of which few are
                needed, and 10 for chains.
            verbose: as in Keras.
            callbacks: as in Keras.
            validation_split: as in Keras.
            validation_data: examples, for `val_loss`.
            shuffle: as in Keras; the order does not matter here.
            class_weight: must be None.
            sample_weight: must be None.
            steps_per_epoch: of a dataset, how many batches to see; for
                chains, the number of updates in an epoch, by default 100.
            observations: averages <f_i>, in the order of `features.names`.
            observation_stderr: their standard errors, a number or one for
                each: they then need not be met exactly.
            tolerance: what these errors are: "gaussian", which adds
                `sum_i (stderr_i lambda_i)^2 / 2` to the dual, or "laplace",
                which adds `sum_i stderr_i |lambda_i|`: no average is off by
                more than its stderr, and multipliers that are not needed for
                that are zero.
            observation_count: number of independent examples behind the
                observations, by default 1, for `multiplier_stderr`.
            **kwargs: as in Keras.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: for impossible averages, naming the constraint; for
                examples outside of the space.
        """
        self._assert_compile_called("fit")
        name = type(self).__name__
        if not self.loss.uses_averages:
            if observations is not None or observation_stderr is not None:
                raise ValueError(
                    f"{name}.fit: {type(self.loss).__name__} needs examples x, "
                    "not observations. Compile with loss='exact_likelihood' "
                    "or 'pcd' to fit averages."
                )
            return self._fit_examples(
                x,
                y,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_split=validation_split,
                validation_data=validation_data,
                shuffle=shuffle,
                class_weight=class_weight,
                sample_weight=sample_weight,
                steps_per_epoch=steps_per_epoch,
                **kwargs,
            )
        self._refuse(
            "fit", y=y, class_weight=class_weight, sample_weight=sample_weight
        )
        distribute.check_supported()
        if (x is None) == (observations is None):
            raise ValueError(
                f"{name}.fit: pass either examples x or observations, the "
                f"averages of {self.features.names[:6]}."
            )
        rows = self._batch_size("fit", batch_size)
        place = None
        if validation_data is not None:
            validation_data = self._checked(
                "fit: validation_data", validation_data
            )
        steps = steps_per_epoch
        if x is not None:
            x = self._checked("fit", x)
            if validation_split:
                (x, _), (validation_data, _) = self._split(
                    "fit", (x, None), validation_split
                )
            with SpaceErrors(self, "fit"):
                observations, count, place = self._averages(x, steps_per_epoch)
            observation_count = observation_count or count
            if data.is_array(x) and steps is None:
                steps = -(-len(x) // rows)
        exact = not self.loss.samples
        steps = 1 if exact else steps or _STEPS_PER_EPOCH
        self.observe(
            observations,
            observation_stderr,
            tolerance,
            observation_count,
            place=place,
        )
        if data.is_array(x):
            self.place_chains(x)
        replicas = self.distribute_strategy.num_replicas_in_sync
        ticks = tf.data.Dataset.range(steps * replicas).batch(replicas)
        if self.steps_per_execution == 1:
            # Without an end: an iterator for each epoch would take as long
            # as the step itself. Several steps at once need to see the end.
            kwargs["steps_per_epoch"] = steps
            ticks = ticks.repeat()
        if exact:
            callbacks = _appended(callbacks, Converged(self, epochs is None))
        if data.is_array(validation_data):
            kwargs.setdefault("validation_batch_size", rows)
        with SpaceErrors(self, "fit"):
            return keras.Model.fit(
                self,
                ticks,
                epochs=epochs or (200 if exact else 10),
                verbose=verbose,
                callbacks=callbacks,
                validation_data=validation_data,
                shuffle=False,
                **kwargs,
            )

    def _fit_examples(self, x, y, batch_size, epochs, steps_per_epoch, **rest):
        """`fit` for learning rules that look at examples."""
        if steps_per_epoch is not None:
            rest["steps_per_epoch"] = steps_per_epoch
        if isinstance(self.optimizer, optimizers.Solver):
            x = self._in_memory(x, rest.pop("steps_per_epoch", None))
            if batch_size not in (None, len(x)):
                raise ValueError(
                    f"{type(self).__name__}.fit: batch_size={batch_size}, but "
                    f"{type(self.optimizer).__name__} takes all {len(x)} "
                    "examples in one batch. Leave it out, or compile with "
                    "optimizer='adam'."
                )
            batch_size = len(x)
            split = rest.get("validation_split")
            if split:
                batch_size = int(len(x) * (1 - split))
            rest["validation_batch_size"] = self.default_batch_size
            rest["shuffle"] = False
            rest["callbacks"] = _appended(
                rest["callbacks"], Converged(self, epochs is None)
            )
            epochs = epochs or 200
        return super().fit(
            x, y, batch_size=batch_size, epochs=epochs or 1, **rest
        )


def _appended(callbacks, callback):
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(callback)
        return callbacks
    others = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    return [*(other for other in others if other is not None), callback]
