"""Maximum likelihood: its exact gradient, and estimates by Markov chains.

The gradient of the mean log-likelihood is a difference of two averages,
<d(-E)/d theta>_data - <d(-E)/d theta>_model. The rules differ in how they
come by the second.
"""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.losses.loss import LearningRule
from genzoo.losses.protocols import (
    Enumerable,
    Gradients,
    Judge,
    Step,
    Walkable,
    rules_of,
)
from genzoo.runtime import random
from genzoo.runtime.random import Seed


@keras.saving.register_keras_serializable("genzoo")
class ContrastiveDivergence(LearningRule):
    """Chains of a few steps, started at the data anew for each batch.

    The value shown as `contrast` is the mean energy of the data less that of
    the chains' ends, in nats; it may be negative and is not a likelihood.

    Args:
        steps: number of Gibbs sweeps k.

    Raises:
        ValueError: if `steps` is not a positive int.

    Reference:
        Hinton, "Training products of experts by minimizing contrastive
        divergence", Neural Computation 14, 2002.

    Example:
    >>> rbm = genzoo.RBM(genzoo.units.Bernoulli(64), genzoo.units.Bernoulli(8))
    >>> rbm.compile(loss=genzoo.losses.ContrastiveDivergence(steps=2))
    >>> history = rbm.fit(x_train, verbose=0)
    """

    needs = Walkable
    samples = True
    measure = "contrast"

    arguments: ClassVar[checks.Arguments] = {"steps": checks.positive_int}

    def __init__(self, steps: int = 1):
        (self.steps,) = checks.arguments(self, steps=steps)

    def gradients(
        self, model: Any, x: tf.Tensor, seed: Seed, judge: Judge | None = None
    ) -> Step:
        """The energy difference and the estimated gradient."""
        start = rules_of(model).chains_at(x, seed)
        # Only models that are `Judged` know the word.
        told = {} if judge is None else {"judge": judge}
        found = rules_of(model).contrast(x, start, self.steps, seed, **told)
        return found.step()

    def ends(self, model: Any, x: tf.Tensor, seed: Seed) -> Any:
        """The states of chains that a batch is compared with."""
        first, second, _ = random.split(seed, 3)
        start = rules_of(model).chains_at(x, first)
        return rules_of(model).advance(start, self.steps - 1, second)

    def value(self, model: Any, x: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The energy difference between data and chains' ends."""
        third = random.split(seed, 3)[2]
        end = self.ends(model, x, seed)
        return rules_of(model).energy_difference(x, end, third)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"steps": self.steps}


@keras.saving.register_keras_serializable("genzoo")
class PersistentContrastiveDivergence(LearningRule):
    """Chains that go on from batch to batch while the model changes slowly.

    The chains are weights of the model: they are saved, and resume. The value
    shown as `contrast` is the mean energy of the data less that of the
    chains, in nats. In equilibrium it is near zero, well learned or not.

    Args:
        steps: number of Gibbs sweeps between updates.
        chains: number of chains, shared out evenly among the replicas. None
            takes 128, and for a `MaxEnt` of many features more, up to 4,096:
            the noise of all its averages adds up.
        jumps: whether, at each update of an RBM, chains may jump between
            modes: hidden states to such as examples of the batch have, and an
            eighth of the chains as from one example to another. Metropolis
            accepts by the model's energies.
            Those of an `EnergyModel` jump to places near examples, half of
            them near such as lie far from all others, so that rare places
            are found, too; not where it has more than 64 sites, all of them
            discrete. After each update they are drawn anew by what it changed
            of their densities, so that the shares of modes follow at once.
            Chains that cannot mix by sweeps would let the weights of the modes
            drift without end.
        fresh: the share of the chains that begin anew at each update, from
            where all did: independent sites, of an `EnergyModel` its
            reference. They find the weight that a network has left where
            the others never come; 0.05 with some 20 `steps` and more is usual
            for images. They count as the others do, and after few steps are
            not yet the model's.

    Raises:
        ValueError: if a number is not a positive int, `jumps` no bool, or
            `fresh` not from 0 to 1.

    Reference:
        Younes, "Parametric inference for imperfectly observed Gibbsian
        fields", 1989. Tieleman, "Training restricted Boltzmann machines using
        approximations to the likelihood gradient", ICML 2008. Jumps: ter Braak,
        "A Markov chain Monte Carlo version of the genetic algorithm
        differential evolution", Statistics and Computing 16, 2006. New chains:
        Du and Mordatch, "Implicit generation and modeling with energy-based
        models", NeurIPS 2019.

    Example:
    >>> rule = genzoo.losses.PersistentContrastiveDivergence(chains=100)
    >>> rbm = genzoo.RBM(genzoo.units.Bernoulli(64), genzoo.units.Bernoulli(8))
    >>> rbm.compile(loss=rule)
    >>> history = rbm.fit(x_train, validation_data=x_test, verbose=0)
    >>> sorted(history.history)
    ['contrast', 'log_partition_stderr', 'loss', 'val_loss']
    """

    needs = Walkable
    uses_averages = samples = True
    measure = "contrast"

    arguments: ClassVar[checks.Arguments] = {
        "steps": checks.positive_int,
        "chains": checks.optional(checks.positive_int),
        "jumps": checks.flag,
        "fresh": checks.number(0.0, 1.0),
    }

    def __init__(
        self,
        steps: int = 1,
        chains: int | None = None,
        jumps: bool = True,
        fresh: float = 0.0,
    ):
        self.steps, self.chains, self.jumps, self.fresh = checks.arguments(
            self, steps=steps, chains=chains, jumps=jumps, fresh=fresh
        )

    def gradients(
        self, model: Any, x: tf.Tensor, seed: Seed, judge: Judge | None = None
    ) -> Step:
        """The energy difference and the estimated gradient."""
        start = self.ends(model, x, seed)
        seed = seed.at_row(model.chains.first_row)
        start = model.walks.with_new(start, self.fresh, seed)
        told = {} if judge is None else {"judge": judge}
        found = rules_of(model).contrast(
            x, start, self.steps, seed, self.jumps, **told
        )
        model.chains.states.assign(found.states)
        return found.step()

    def ends(self, model: Any, x: tf.Tensor, seed: Seed) -> Any:
        """The states of chains that a batch is compared with."""
        return tf.convert_to_tensor(model.chains.states.value)

    def value(self, model: Any, x: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The energy difference between data and chains."""
        end = self.ends(model, x, seed)
        seed = seed.at_row(model.chains.first_row)
        return rules_of(model).energy_difference(x, end, seed)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "steps": self.steps,
            "chains": self.chains,
            "jumps": self.jumps,
            "fresh": self.fresh,
        }


@keras.saving.register_keras_serializable("genzoo")
class ExactLikelihood(LearningRule):
    """The negative mean log-likelihood itself, by enumeration, in nats.

    For an RBM the joint states of the smaller discrete layer are enumerated
    in float64: cost and time grow as 2^n with its number n of binary units.
    For a MaxEnt the sum is over its whole space, or an integral.

    Example:
    >>> machine = genzoo.BoltzmannMachine(genzoo.spaces.Binary(4))
    >>> machine.compile(loss=genzoo.losses.ExactLikelihood())
    >>> history = machine.fit(x_train[:, 26:30], verbose=0)
    >>> loss = machine.evaluate(x_test[:, 26:30], verbose=0)
    """

    needs = Enumerable
    uses_averages = True
    measure = "loss"

    def gradients(self, model: Any, x: tf.Tensor, seed: Seed) -> Gradients:
        """The negative mean log-likelihood and its exact gradient."""
        return rules_of(model).exact_gradients(x)

    def value(self, model: Any, x: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The negative mean log-likelihood."""
        return rules_of(model).exact_loss(x)
