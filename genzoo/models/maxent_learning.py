"""How a MaxEnt learns: one step, and what its losses ask for."""

import keras
import numpy as np
import tensorflow as tf

from genzoo import optimizers
from genzoo.models import pairwise_losses
from genzoo.models.maxent_observing import TOLERANCES
from genzoo.optimizers import Evaluation
from genzoo.runtime import distribute


class Learning:
    """The part of `MaxEnt` that `train_step` and losses call."""

    # One step --------------------------------------------------------------

    def train_step(self, data):
        """One Newton step, one of L-BFGS, or one from chains."""
        optimizer = self.optimizer
        if isinstance(optimizer, optimizers.Solver):
            return distribute.shape_logs(self._solver_step(data))
        if not self.loss.uses_averages:
            return super().train_step(data)
        if self.loss.samples:
            loss, logs, gradient, fisher = self._chain_moments()
        else:
            evaluation, facts = self.exact_evaluation(second=False)
            loss, gradient, fisher = evaluation
            residual = tf.reduce_max(tf.abs(gradient * self._mask()))
            logs = {"residual": residual, **facts}
        if isinstance(optimizer, optimizers.NaturalGradient):
            optimizer.advance_noisy(
                self.multiplier_weights,
                gradient,
                fisher,
                self.chains.count,
                self._l1(),
                self._mask(),
            )
        else:
            x = tf.convert_to_tensor(self.multiplier_weights.value)
            gradient += self._l1() * tf.sign(x)
            share = self._mask() * gradient / distribute.replica_count()
            optimizer.apply([share], [self.multiplier_weights])
        self.adapted.assign(1)
        self._loss_tracker.update_state(loss)
        return distribute.shape_logs(
            {"loss": self._loss_tracker.result(), **logs}
        )

    def _solver_step(self, data):
        facts = {}

        if self.loss.uses_averages:

            def evaluate():
                evaluation, found = self.exact_evaluation(
                    self.optimizer.needs_hessian
                )
                facts.update(found)
                return evaluation

        else:
            x, _, _ = keras.utils.unpack_x_y_sample_weight(data)

            def evaluate():
                value, (gradient,) = self.loss.gradients(self, x, None)
                multipliers = tf.convert_to_tensor(
                    self.multiplier_weights.value
                )
                l2 = self._l2()
                value = tf.cast(distribute.all_sum(value), tf.float32)
                penalty = 0.5 * tf.reduce_sum(l2 * multipliers**2)
                gradient = tf.cast(distribute.all_sum(gradient), tf.float64)
                return Evaluation(
                    value + tf.cast(penalty, value.dtype),
                    gradient + l2 * multipliers,
                )

        value, residual = self.optimizer.advance(
            self.multiplier_weights, evaluate, self._l1(), self._mask()
        )
        self.adapted.assign(1)
        return {"loss": value, "residual": residual, **facts}

    def penalty_gradients(self):
        """As of any model, and those of the loss and the tolerance.

        For Keras's optimizers; the gradient of an L1 term where a multiplier
        is zero is taken as zero.
        """
        (own,) = super().penalty_gradients()
        x = tf.convert_to_tensor(self.multiplier_weights.value)
        share = self._l1() * tf.sign(x) + self._l2() * x
        share /= distribute.replica_count()
        return [share if own is None else own + share]

    def _mask(self):
        """1 for the multipliers that are solved for."""
        free = 1 - tf.convert_to_tensor(self.is_redundant.value)
        return free * float(self.multiplier_weights.trainable)

    def _l1(self):
        return self._penalty("laplace", 1) + self.loss_penalty("l1")

    def _l2(self):
        return self._penalty("gaussian", 2) + self.loss_penalty("l2")

    def _penalty(self, kind, power):
        record = tf.convert_to_tensor(self.observation_record.value)
        errors = tf.convert_to_tensor(self.observed_stderr.value)
        on = tf.cast(record[1] == TOLERANCES.index(kind), tf.float64)
        return on * errors**power

    def loss_penalty(self, name):
        """Weights of the loss's own l1 or l2 term, (features,)."""
        size = getattr(self.loss, name, 0.0) if self.compiled else 0.0
        weights = np.zeros(len(self.features))
        if size:
            # Fields are not held down, only couplings.
            weights[self.quadratic.pair_features] = size
        return tf.constant(weights)

    # What losses ask for ---------------------------------------------------

    def check_enumerable(self, owner):
        """Raise a ValueError if the space cannot be summed over."""
        if not self.is_exact:
            raise ValueError(
                f"{owner}: the space has too many points to sum over; at most "
                "2**22 states, or three continuous sites. Use loss='pcd'."
            )

    def check_discrete(self, owner):
        """Raise a ValueError unless the energy is pairwise."""
        if self.quadratic is None or self.reference is not None:
            raise ValueError(
                f"{owner}: needs discrete sites with the same levels and a "
                "pairwise energy, as a BoltzmannMachine has; features such "
                "as these learn by 'exact_likelihood', 'pcd' or 'cd'."
            )

    check_flow = check_discrete

    def check_pseudolikelihood(self, loss):
        """Raise a ValueError if its arguments are for RBMs."""
        if loss.sites is not None:
            raise ValueError(
                "Pseudolikelihood: sites is for RBMs; here all sites cost no "
                "more than one. Leave it out."
            )

    def pseudolikelihood_gradients(self, x, sites, seed):
        """The negative mean log-pseudolikelihood, and its gradient."""
        return self._site_loss(pairwise_losses.pseudolikelihood, x)

    def pseudolikelihood_loss(self, x):
        """The negative mean log-pseudolikelihood."""
        return self._site_loss(pairwise_losses.pseudolikelihood, x)[0]

    def flow_gradients(self, x):
        """The probability flow out of the data, and its gradient."""
        return self._site_loss(pairwise_losses.probability_flow, x)

    def _site_loss(self, rule, x):
        pairwise = self.pairwise()
        phi = pairwise.encode(self.space.flatten(tf.cast(x, tf.float32)))
        _, rows = distribute.global_rows(tf.shape(phi)[0])
        weight = 1 / tf.cast(rows, tf.float32)
        value, slope = rule(pairwise, phi, pairwise.field(phi))
        gradient = pairwise_losses.multiplier_gradient(
            self.quadratic, phi, slope, weight
        )
        return weight * tf.reduce_sum(value), [tf.cast(gradient, tf.float64)]

    def exact_gradients(self, x):
        """The negative mean log-likelihood of a batch, and its gradient."""
        log_z, mean, _, _ = self._exact_moments()
        states, weight = self._states_and_weight(x)
        share = 1.0 / distribute.replica_count()
        of_data = weight * tf.reduce_sum(self.features(states), axis=0)
        loss = weight * tf.reduce_sum(self.state_energy(states))
        return loss + share * log_z, [share * mean - of_data]

    def exact_loss(self, x):
        """This replica's share of the negative mean log-likelihood."""
        states, weight = self._states_and_weight(x)
        log_z = self._exact_moments()[0] / distribute.replica_count()
        return weight * tf.reduce_sum(self.state_energy(states)) + log_z

    def _states_and_weight(self, x):
        states = self.space.flatten(tf.cast(x, tf.float64))
        _, total = distribute.global_rows(tf.shape(states)[0])
        return states, 1 / tf.cast(total, tf.float64)

    def free_energy_difference(self, x, states, seed):
        """Mean energy of data less that of chains."""
        shares = []
        for part in (x, self.space.unflatten(states)):
            part, weight = self._states_and_weight(part)
            shares.append(weight * tf.reduce_sum(self.state_energy(part)))
        return shares[0] - shares[1]

    def contrast(self, x, start, steps, seed):
        """(loss, gradients, end) of chains against a batch of data."""
        end = self.train_chains(start, steps, seed)
        gradient = 0.0
        for part, sign in ((self.space.unflatten(end), 1.0), (x, -1.0)):
            part, weight = self._states_and_weight(part)
            gradient += (
                sign * weight * tf.reduce_sum(self.features(part), axis=0)
            )
        return self.free_energy_difference(x, end, seed), [gradient], end

    def _chain_moments(self):
        """What the persistent chains say after some sweeps."""
        seed = self.draws.next()
        chains = self.chains
        start = tf.convert_to_tensor(chains.states.value)
        end = self.train_chains(
            start, self.loss.steps, seed.at_row(chains.first_row)
        )
        chains.states.assign(end)
        self.chains_walked.assign(1)
        values = self.features(tf.cast(end, tf.float64))
        count = float(chains.count)
        mean = distribute.all_sum(tf.reduce_sum(values, axis=0)) / count
        residual = mean - tf.convert_to_tensor(self.observed.value)
        fisher = None
        l2 = self._l2()
        x = tf.convert_to_tensor(self.multiplier_weights.value)
        if isinstance(self.optimizer, optimizers.NaturalGradient):
            centred = values - mean
            square = tf.matmul(centred, centred, transpose_a=True)
            fisher = distribute.all_sum(square) / count + tf.linalg.diag(l2)
        loss = tf.reduce_sum(x * residual)
        logs = {"residual": tf.reduce_max(tf.abs(residual))}
        return loss, logs, residual + l2 * x, fisher
