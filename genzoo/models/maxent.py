"""Maximum entropy: the least biased distribution with given averages."""

import keras
import numpy as np
import tensorflow as tf

from genzoo import losses, optimizers
from genzoo.features import FeatureList
from genzoo.features.function import serialize as serialize_function
from genzoo.models.energy_based_model import EnergyBasedModel
from genzoo.models.maxent_annealing import Annealing
from genzoo.models.maxent_checks import Checks
from genzoo.models.maxent_exact import Exact
from genzoo.models.maxent_fitting import Fitting
from genzoo.models.maxent_learning import Learning
from genzoo.models.maxent_observing import Observing
from genzoo.models.maxent_results import Results
from genzoo.models.maxent_sampling import Walking
from genzoo.models.maxent_serving import Served
from genzoo.models.maxent_window import Window
from genzoo.spaces.space import get as get_space

# Up to so many multipliers `compile` takes a method with a matrix of them.
_MOST_FOR_NEWTON = 2000
_MOST_FOR_NATURAL_GRADIENT = 256


@keras.saving.register_keras_serializable("genzoo")
class MaxEnt(
    Fitting,
    Observing,
    Learning,
    Results,
    Checks,
    Window,
    Exact,
    Walking,
    Served,
    Annealing,
    EnergyBasedModel,
):
    """The distribution of largest entropy with given averages of features.

    `p(x) = r(x) exp(sum_i lambda_i f_i(x)) / Z`, so that the energy is
    `E(x) = -sum_i lambda_i f_i(x) - log r(x)`. The multipliers lambda are
    those at which `<f_i>_model = <f_i>_observed`, which is where the convex
    dual `log Z - sum_i lambda_i <f_i>_observed` is least. It is also where
    the likelihood of data with these averages is greatest.

    What is summed over: all states of a discrete space (enumeration), or the
    nodes of a Gauss-Legendre quadrature in up to three continuous sites, up
    to 2**22 points in all; for `LatticeBonds` of spins with a side of at most
    10 the transfer matrix. There all is exact, and `fit` takes damped Newton
    steps. Larger spaces are sampled by persistent Markov chains. `route` says
    which.

    Args:
        space: a `genzoo.spaces.Space`.
        features: one or a list of `genzoo.features`, functions of examples,
            (batch, *event_shape) to (batch, n), or Keras layers.
        reference: function from examples to the log-density r of a reference
            distribution, (batch,), which need not be normalised: the entropy
            relative to it is maximised. None for a constant.
        seed: int or pair of ints, for all that is drawn at random.

    Attributes:
        features: the `FeatureList`; its `names` are those of the constraints.

    Raises:
        ValueError: if a feature does not apply to the space.

    Reference:
        Jaynes, "Information theory and statistical mechanics", Physical
        Review 106, 1957. Della Pietra, Della Pietra and Lafferty, "Inducing
        features of random fields", IEEE PAMI 19, 1997.

    Example:
    >>> die = genzoo.MaxEnt(
    ...     genzoo.spaces.Categorical([1, 2, 3, 4, 5, 6]),
    ...     genzoo.features.Moments(1),
    ... )
    >>> die.compile()
    >>> history = die.fit(observations=[4.5], verbose=0)
    >>> die.entropy()                              # 1.61358 nats
    """

    costly = ("multiplier_stderr",)

    def __init__(self, space, features, reference=None, seed=None, **kwargs):
        space = get_space(space)
        if isinstance(reference, (dict, str)):
            reference = keras.saving.deserialize_keras_object(reference)
        if reference is not None and not callable(reference):
            raise ValueError(
                "MaxEnt: reference must be a function from examples to a "
                f"log-density (batch,), or None; received {reference!r}."
            )
        features = FeatureList(space, features)
        super().__init__(seed=seed, **kwargs)
        self.space = space
        self.features = features
        self.reference = reference
        # Tracked, so that they are saved with their weights.
        self.feature_layers = [
            part.layer
            for part in features.parts
            if getattr(part, "layer", None) is not None
        ]
        if isinstance(reference, keras.layers.Layer):
            self.feature_layers.append(reference)
        for layer in self.feature_layers:
            layer.trainable = False
        self.multiplier_weights = self._add("multipliers", (len(features),))
        for name in ("observed", "observed_stderr", "is_redundant"):
            setattr(self, name, self._add(name, (len(features),), False))
        # How many observations, and which tolerance; 0 before there are any.
        self.observation_record = self._add("observation_record", (2,), False)
        self.window = self._add("window", (space.width, 2), False)
        self.window.assign(np.tile([-20.0, 20.0], (space.width, 1)))
        self.windows_tried = 0
        # 1 once the chains have walked; until then `fit` may place them.
        self.chains_walked = self._add("chains_walked", (), False)
        self.chain_step_size = self._add("chain_step_size", (), False)
        self.chain_step_size.assign(0.3)
        self.built = True

    def _add(self, name, shape, trainable=True):
        return self.add_weight(
            name=name,
            shape=shape,
            dtype="float64",
            initializer="zeros",
            trainable=trainable,
            autocast=False,
            aggregation="only_first_replica",
        )

    # Compiling -------------------------------------------------------------

    def compile(self, optimizer=None, loss="auto", metrics=None, **options):
        """Choose the optimizer and the learning rule.

        Args:
            optimizer: any Keras optimizer, or one of `genzoo.optimizers`, or
                "newton", "lbfgs", "natural_gradient". None takes `Newton` for
                an exact likelihood, `LBFGS` if there are more than 2,000
                multipliers, `NaturalGradient` for chains and up to 256
                multipliers, and Adam for more.
            loss: "exact_likelihood", "pcd" (persistent chains), "cd", or a
                learning rule of `genzoo.losses`; "auto" takes the first if
                the space can be summed over, else the second.
            metrics: list of `keras.metrics.Metric`s that compare (data,
                samples) in `evaluate`.
            **options: as in `keras.Model.compile`.

        Raises:
            ValueError: if the loss or the optimizer does not go with the
                model.
        """
        if isinstance(loss, str) and loss == "auto":
            loss = self._default_loss()
        loss = losses.get(loss)
        if isinstance(optimizer, str):
            optimizer = _SOLVERS.get(optimizer, lambda: optimizer)()
        if optimizer is None:
            optimizer = self._default_optimizer(loss)
        noisy = isinstance(optimizer, optimizers.NaturalGradient)
        if isinstance(optimizer, optimizers.Solver) or noisy:
            self._check_solver(optimizer, loss)
        super().compile(
            optimizer=optimizer, loss=loss, metrics=metrics, **options
        )

    def _default_loss(self):
        return "exact_likelihood" if self.is_exact else "pcd"

    def _default_optimizer(self, loss):
        count = len(self.features)
        if loss.samples:
            if count <= _MOST_FOR_NATURAL_GRADIENT and loss.uses_averages:
                return optimizers.NaturalGradient()
            return keras.optimizers.Adam(0.01)
        if count <= _MOST_FOR_NEWTON and loss.uses_averages:
            return optimizers.Newton()
        return optimizers.LBFGS()

    def _check_solver(self, optimizer, loss):
        name = type(optimizer).__name__
        wants_chains = isinstance(optimizer, optimizers.NaturalGradient)
        if wants_chains != bool(loss.samples) or (
            optimizer.needs_hessian and not loss.uses_averages
        ):
            raise ValueError(
                f"{type(self).__name__}.compile: {name} does not go with "
                f"{type(loss).__name__}. Newton and LBFGS need exact values, "
                "LBFGS alone also takes pseudolikelihoods, NaturalGradient "
                "persistent chains; Keras's optimizers go with all."
            )

    @property
    def route(self):
        """How averages of the model are found."""
        if self.compiled and self.loss.samples or not self.is_exact:
            return "persistent chains"
        return self._exact_method.replace("_", " ")

    # What an energy-based model gives --------------------------------------

    @property
    def parameters(self):
        """The multipliers."""
        return [self.multiplier_weights]

    @property
    def multipliers(self):
        """lambda, a float64 array in the order of `features.names`."""
        return self.multiplier_weights.numpy()

    @multipliers.setter
    def multipliers(self, values):
        values = np.asarray(values, np.float64)
        if values.shape != (len(self.features),):
            raise ValueError(
                f"{type(self).__name__}.multipliers: expected "
                f"{len(self.features)} numbers, one for each feature; "
                f"received shape {values.shape}."
            )
        if not np.isfinite(values).all():
            raise ValueError(
                f"{type(self).__name__}.multipliers: all must be finite."
            )
        self.multiplier_weights.assign(values)
        if self.compiled and isinstance(self.optimizer, optimizers.Solver):
            self.optimizer.reset()
        self.adapted.assign(1)
        if self.is_summable and not self.space.is_bounded:
            self.settle_window()

    def free_energy(self, x):
        """The energy, since there is nothing hidden."""
        return self.energy(x)

    def energy(self, x):
        """E(x) = -lambda . f(x) - log r(x), shape (batch,), in nats."""
        states = self.space.flatten(tf.convert_to_tensor(x))
        if not states.dtype.is_floating:
            states = tf.cast(states, tf.float64)
        return self.state_energy(states)

    def state_energy(self, states):
        """The energy of states (batch, width), in their dtype."""
        x = tf.convert_to_tensor(self.multiplier_weights.value)
        x = tf.cast(x, states.dtype)
        value = tf.linalg.matvec(self.features(states), x)
        return -value - self.log_reference(states)

    # Data ------------------------------------------------------------------

    @property
    def event_shape(self):
        """The shape of one example."""
        return self.space.event_shape

    @property
    def space_in_words(self):
        """What examples hold, and what to do with others."""
        return self.space.description, self.space.hint

    def outside(self, x):
        """Whether any value of x is not in the space."""
        return self.space.outside(x)

    def check_array(self, method, x):
        """As of any model; examples of one number may come without an axis."""
        if self.event_shape == (1,) and np.ndim(x) == 1:
            x = np.asarray(x)[:, None]
        return super().check_array(method, x)

    def get_config(self):
        """The constructor's arguments.

        Raises:
            ValueError: if a feature or the reference is a function that Keras
                does not know by name.
        """
        serialize = keras.saving.serialize_keras_object
        config = super().get_config()
        return {
            **config,
            "space": serialize(self.space),
            "features": self.features.serialize(),
            "reference": self.reference
            and serialize_function(self.reference, "The reference"),
            "seed": self.draws.seed,
        }

    @classmethod
    def from_config(cls, config):
        """A model from `get_config`."""
        return cls(**config)


_SOLVERS = {
    "newton": optimizers.Newton,
    "lbfgs": optimizers.LBFGS,
    "natural_gradient": optimizers.NaturalGradient,
}
