"""What a fitted MaxEnt tells: multipliers, entropy, probabilities."""

import numpy as np
import tensorflow as tf

from genzoo.runtime import data, probability

# Draws behind averages of models that cannot be summed over.
_DRAWS = 10000


class Results:
    """The part of `MaxEnt` that answers questions."""

    def log_partition(self, method="auto", **options):
        """log Z in nats, with what is known of its error.

        Args:
            method: "enumeration" or "quadrature" where the space can be
                summed over, "transfer_matrix" for larger lattices with a
                side of at most 10, "ais" (annealed importance sampling), or
                "auto", which takes the first that is possible.
            **options: of "ais": `chains` (100), `temperatures` (1000),
                `reverse` (True) and `seed` (0).

        Returns:
            A `genzoo.partition.LogPartition`. Of a quadrature, `stderr` is
            the difference from one with fewer nodes.

        Raises:
            ValueError: for an unknown or impossible method, or a model that
                was not fitted.
        """
        methods = {"auto", "ais"}
        if self.is_exact:
            methods.add(self._exact_method)
        if method not in methods:
            raise ValueError(
                f"{type(self).__name__}.log_partition: method must be one of "
                f"{sorted(methods)} for this space; received {method!r}."
            )
        if method == "ais" or not self.is_exact:
            return super().log_partition("ais", **options)
        self._check_adapted("log_partition")
        result = self.exact_log_partition()
        record = [*result.to_record(), self._digest()]
        self.known_log_partition.assign(record)
        return result

    @property
    def _exact_method(self):
        if self.strip is not None:
            return "transfer_matrix"
        continuous = len(self.space.continuous_sites)
        return "quadrature" if continuous else "enumeration"

    def _log_z(self):
        """The value of log Z; exact values are not kept, being quick."""
        if self.is_exact:
            return float(self._exact_results()[0])
        return (self.stored_log_partition or self.log_partition()).value

    def log_prob(self, x):
        """log p(x) in nats, a float64 array of shape (n,).

        For continuous sites it is the log of a density.

        Raises:
            ValueError: if x is not in the space, or the model not fitted.
        """
        self._check_adapted("log_prob")
        x = self.check_array("log_prob", x)
        return -self._energies(x) - self._log_z()

    def prob(self, x):
        """p(x), a float64 array of shape (n,); see `log_prob`."""
        return np.exp(self.log_prob(x))

    def _energies(self, x):
        parts = [
            self.energy(tf.cast(x[i : i + 4096], tf.float64)).numpy()
            for i in range(0, len(x), 4096)
        ]
        return np.concatenate(parts)

    def entropy(self):
        """The entropy `-<log p>` in nats; differential for continuous sites.

        Where the space cannot be summed over: from samples and log Z, with
        the errors of both.
        """
        self._check_adapted("entropy")
        if self.is_exact:
            log_z, mean, _, log_r, _ = self._exact_results()
            return float(log_z - np.dot(self.multipliers, mean.numpy()) - log_r)
        return float(-self.log_prob(self._draws()).mean())

    def expectation(self, function=None):
        """<f(x)> under the model, exact where `route` is.

        Args:
            function: of examples, (batch, *event_shape) to (batch,) or
                (batch, n); None takes the model's features.

        Returns:
            A float64 array of shape (n,), or a float for (batch,). From
            10,000 samples where the space cannot be summed over.
        """
        self._check_adapted("expectation")
        is_scalar = False

        def values(states):
            nonlocal is_scalar
            if function is None:
                return self.features(states)
            value = function(self.space.unflatten(states))
            value = tf.cast(value, states.dtype)
            is_scalar = len(value.shape) == 1
            return value[:, None] if is_scalar else value

        if function is None and self.is_exact:
            return self._exact_results()[1].numpy()
        if self.is_summable:
            result = self.exact_expectation(values).numpy()
        else:
            states = self.space.flatten(tf.cast(self._draws(), tf.float64))
            result = tf.reduce_mean(values(states), axis=0).numpy()
        return float(result[0]) if is_scalar else result

    def _draws(self):
        return self.sample(_DRAWS, seed=0)

    def feature_covariance(self):
        """The Fisher matrix: the covariance of the features, (n, n)."""
        self._check_adapted("feature_covariance")
        if self.is_exact:
            return self._exact_results()[2].numpy()
        states = self.space.flatten(tf.cast(self._draws(), tf.float64))
        return np.atleast_2d(np.cov(self.features(states).numpy().T))

    @property
    def multiplier_stderr(self):
        """Standard errors of the multipliers, (n,); nan if not determined.

        From the Fisher matrix F: with n independent examples behind the
        averages it is `sqrt(diag(F^-1) / n)`. With `observation_stderr` s the
        error of the averages is theirs, `diag(F^-1 diag(s^2) F^-1)`, where F
        includes the tolerance.
        """
        count, kind = self.observation_record.numpy()
        if not count:
            raise ValueError(
                f"{type(self).__name__}.multiplier_stderr: there are no "
                "observations yet. Call fit first."
            )
        free = self._mask().numpy() > 0
        if kind == 2:
            free &= self.multipliers != 0
        errors = np.full(len(free), np.nan)
        fisher = self.feature_covariance() + np.diag(self._l2().numpy())
        inverse = np.linalg.pinv(fisher[np.ix_(free, free)], hermitian=True)
        noise = self.observed_stderr.numpy()[free]
        if noise.any():
            variance = np.square(inverse) @ np.square(noise)
        else:
            variance = np.diag(inverse) / count
        errors[free] = np.sqrt(np.maximum(variance, 0))
        return errors

    def summary(self, line_length=None, print_fn=None, **kwargs):
        """Print the constraints: observed, model, multiplier and its error.

        Args:
            line_length: not used; as in Keras.
            print_fn: what to print with, by default `print`.
            **kwargs: not used; as in Keras.
        """
        names = self.features.names
        show = print_fn or print
        where = f"{type(self).__name__} on {self.space.description}"
        many = "constraint" if len(names) == 1 else "constraints"
        show(f"{where}: {len(names)} {many}, {self.route}")
        if not self.is_adapted:
            show("not fitted: " + ", ".join(names[:20]))
            return
        known = self.observation_record.numpy()[0] > 0
        columns = [
            self.observed.numpy() if known else np.full(len(names), np.nan),
            self.expectation(),
            self.multipliers,
            self.multiplier_stderr if known else np.full(len(names), np.nan),
        ]
        wide = max(10, *(len(name) for name in names[:50]))
        titles = ("observed", "model", "multiplier", "stderr")
        show(" ".join([" " * wide, *(f"{title:>12}" for title in titles)]))
        for name, *row in list(zip(names, *columns, strict=True))[:50]:
            numbers = " ".join(f"{value:12.6g}" for value in row)
            note = ""
            if self.is_redundant.numpy()[names.index(name)]:
                note = "  redundant"
            show(f"{name:<{wide}} {numbers}{note}")
        if len(names) > 50:
            show(f"... and {len(names) - 50} more")
        if self.is_exact:
            show(
                f"entropy {self.entropy():.6g} nats, "
                f"log Z {self._log_z():.6g} nats"
            )

    def to_distribution(self):
        """The model as a TensorFlow Probability `Distribution`.

        Raises:
            ValueError: if the space has a continuous site, or more than 2**20
                states.
        """
        count = self.space.state_count
        if count is None or count > 2**20:
            raise ValueError(
                f"{type(self).__name__}.to_distribution: needs a discrete "
                "space of at most 2**20 states; this one has "
                f"{count or 'infinitely many'}. Use log_prob and sample."
            )
        states = self.space.states()
        return probability.finite_distribution(states, self.log_prob(states))

    # The identities of training --------------------------------------------

    def evaluate(self, x=None, *args, return_dict=False, **kwargs):
        """The loss on examples, and whether the identities of training hold.

        On exact routes two facts of mathematics are checked, and what is
        missing from them is among the results:

        - `gradient_identity`: the largest |d log Z / d lambda_i - <f_i>|,
          the derivative taken by central differences of log Z;
        - `likelihood_identity`: |<log p>_data + H(data) + KL(data || model)|,
          for discrete spaces of up to 2**20 states, beside `data_entropy`
          H(data) and `kl_divergence` KL(data || model) themselves.

        Args:
            x: examples, an array or a dataset; None takes the observations
                that the model was fitted to.
            *args: as in Keras.
            return_dict: as in Keras.
            **kwargs: as in Keras.

        Raises:
            ValueError: if x is not in the space.
        """
        cached = kwargs.get("_use_cached_eval_dataset")
        if x is None and not cached:
            self._check_adapted("evaluate")
            results = self._evaluate_observations()
        else:
            results = super().evaluate(x, *args, return_dict=True, **kwargs)
            is_array = x is not None and data.is_array(x)
            if self.is_exact and not cached:
                results["gradient_identity"] = self._gradient_identity()
            if (
                is_array
                and not cached
                and (self.space.state_count or 2**21) <= 2**20
            ):
                results.update(self._likelihood_identity(x))
        if return_dict:
            return results
        values = list(results.values())
        return values[0] if len(values) == 1 else values

    def _evaluate_observations(self):
        observed = self.observed.numpy()
        residual = np.abs(self.expectation() - observed).max()
        results = {"residual": float(residual)}
        if self.is_exact:
            dual = self._log_z() - self.multipliers @ observed
            results = {"loss": float(dual), **results}
            results["entropy"] = self.entropy()
            results["gradient_identity"] = self._gradient_identity()
        return results

    def _gradient_identity(self):
        kept, step = self.multipliers, 1e-4
        mean = self._exact_results()[1].numpy()
        scale = np.sqrt(np.diag(self._exact_results()[2].numpy()))
        worst = 0.0
        # A few directions, each through many multipliers.
        generator = np.random.default_rng(0)
        try:
            for _ in range(3):
                direction = generator.standard_normal(len(kept))
                direction /= np.maximum(scale, 1e-12) * np.sqrt(len(kept))
                direction *= self.is_redundant.numpy() == 0
                ends = []
                for sign in (1, -1):
                    move = sign * step * direction
                    self.multiplier_weights.assign(kept + move)
                    ends.append(float(self._exact_results()[0]))
                slope = (ends[0] - ends[1]) / (2 * step)
                worst = max(worst, abs(slope - direction @ mean))
        finally:
            self.multiplier_weights.assign(kept)
        return worst

    def _likelihood_identity(self, x):
        x = self.check_array("evaluate", x).reshape(len(x), -1)
        states, counts = np.unique(x, axis=0, return_counts=True)
        share = counts / counts.sum()
        log_p = self.log_prob(states.reshape(-1, *self.event_shape))
        entropy = float(-np.sum(share * np.log(share)))
        divergence = float(np.sum(share * (np.log(share) - log_p)))
        mean = float(self.log_prob(x.reshape(-1, *self.event_shape)).mean())
        return {
            "data_entropy": entropy,
            "kl_divergence": divergence,
            "likelihood_identity": abs(mean + entropy + divergence),
        }
