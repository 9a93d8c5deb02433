"""TensorFlow Probability, imported when something first needs it.

The import takes about a second and loads Keras 2 as tf_keras.
"""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf


def effective_sample_size(
    series: np.ndarray | tf.Tensor, across_chains: bool = False
) -> tf.Tensor:
    """The number of independent draws that correlated ones are worth.

    Args:
        series: tensor of shape (draws, chains) or (draws, chains, k), a
            number for each draw.
        across_chains: whether to take all chains together, at least two, and
            so to count for little chains that stay in different places.

    Returns:
        A float tensor (chains,) or (chains, k): draws / (1 + 2 sum of
        autocorrelations), the sum cut where pairs of them turn negative. Of
        all chains together, () or (k,).

    References:
        Geyer, "Practical Markov chain Monte Carlo", Statistical Science 7,
        1992.

        Vehtari et al., "Rank-normalization, folding, and localization: an
        improved R-hat", Bayesian Analysis 16, 2021.
    """
    import tensorflow_probability as tfp

    with _quiet():
        return tfp.mcmc.effective_sample_size(
            tf.convert_to_tensor(series),
            filter_beyond_positive_pairs=True,
            cross_chain_dims=1 if across_chains else None,
        )


def potential_scale_reduction(series: np.ndarray | tf.Tensor) -> tf.Tensor:
    """Split R-hat, () or (k,), of a series (draws, chains[, k]).

    Chains are cut into halves. R-hat is the square root of the variance of
    all draws over the mean variance within the halves: 1 where all are alike.

    References:
        Gelman and Rubin, "Inference from iterative simulation using multiple
        sequences", Statistical Science 7, 1992.

        Vehtari et al., "Rank-normalization, folding, and localization: an
        improved R-hat", Bayesian Analysis 16, 2021.
    """
    import tensorflow_probability as tfp

    series = tf.convert_to_tensor(series)
    corrected_square = tfp.mcmc.potential_scale_reduction(
        series, independent_chain_ndims=1, split_chains=True
    )
    # Without Brooks and Gelman's correction for few chains, and with the
    # root: the thresholds in use are for this one.
    n, m = series.shape[0] // 2, 2 * series.shape[1]
    return tf.sqrt((corrected_square + (n - 1) / (n * m)) * m / (m + 1))


def no_u_turn_step(
    log_prob: Callable[[tf.Tensor], tf.Tensor],
    step_size: tf.Tensor,
    max_tree_depth: int,
    x: tf.Tensor,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, Any]:
    """(x, results) after a trajectory of its no-U-turn sampler.

    Args:
        log_prob: function from (chains, width) to (chains,).
        step_size: tensor, a number or one for each coordinate.
        max_tree_depth: a trajectory has at most 2**max_tree_depth steps.
        x: where the chains are, (chains, width).
        seed: int32 tensor (2,).
    """
    import tensorflow_probability as tfp

    kernel = tfp.mcmc.NoUTurnSampler(log_prob, step_size, max_tree_depth)
    return kernel.one_step(x, kernel.bootstrap_results(x), seed=seed)


def is_distribution(value: Any) -> bool:
    """Whether it is one of `tfp.distributions`."""
    # Where none was imported there is none.
    if "tensorflow_probability" not in sys.modules:
        return False
    import tensorflow_probability as tfp

    return isinstance(value, tfp.distributions.Distribution)


def to_config(value: Any, where: str) -> Any:
    """The name and the parameters of a distribution, as plain data.

    Args:
        value: of `tfp.distributions`, made of numbers, others, and bijectors.
        where: who asks, for messages.

    Raises:
        ValueError: if something of it is no plain data, such as a function.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [to_config(one, where) for one in value]
    if isinstance(value, tf.DType):
        return {"dtype": value.name}
    if isinstance(value, (np.ndarray, np.generic)) or tf.is_tensor(value):
        array = np.asarray(value)
        return {"array": array.tolist(), "dtype": array.dtype.name}
    if isinstance(value, tf.Variable):
        return to_config(value.numpy(), where)
    kind = type(value)
    if _part(kind.__name__) is not kind:
        raise ValueError(
            f"{where}: a distribution can be saved if it is one of "
            f"tfp.distributions made of numbers; it has {value!r}. Save "
            "weights alone, by save_weights."
        )
    parameters = {
        name: to_config(one, where)
        for name, one in value.parameters.items()
        if name != "name"
    }
    return {"class": kind.__name__, "parameters": parameters}


def from_config(config: Any, where: str) -> Any:
    """What `to_config` has written down.

    Raises:
        ValueError: for a class that TensorFlow Probability does not have.
    """
    if isinstance(config, (list, tuple)):
        return [from_config(one, where) for one in config]
    if not isinstance(config, dict):
        return config
    if "array" in config:
        return tf.constant(config["array"], config["dtype"])
    if "dtype" in config:
        return tf.as_dtype(config["dtype"])
    kind = _part(config["class"])
    if kind is None:
        raise ValueError(
            f"{where}: {config['class']!r} is none of tfp.distributions."
        )
    parameters = config["parameters"].items()
    return kind(**{name: from_config(one, where) for name, one in parameters})


def _part(name):
    """A class of distributions or bijectors, or None."""
    import tensorflow_probability as tfp

    for room, base in (
        (tfp.distributions, tfp.distributions.Distribution),
        (tfp.bijectors, tfp.bijectors.Bijector),
    ):
        found = getattr(room, name, None)
        if isinstance(found, type) and issubclass(found, base):
            return found
    return None


@contextlib.contextmanager
def _quiet():
    # Its Fourier transforms warn of dropping imaginary parts that are zero.
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def finite_distribution(states: np.ndarray, log_prob: np.ndarray) -> Any:
    """A TFP `Distribution` on a list of states.

    Args:
        states: array (count, *event_shape), all different.
        log_prob: log-probability of each, (count,), float64.

    Returns:
        A `tfp.distributions.Distribution` of float64 events with `sample`,
        `prob`, `log_prob`, `entropy`, `mean` and `variance`.
    """
    import tensorflow_probability as tfp

    distributions: Any = tfp.distributions

    class FiniteStates(distributions.Distribution):
        """Listed states with given probabilities."""

        def __init__(self, states, log_prob, name="FiniteStates"):
            parameters = {"states": states, "log_prob": log_prob, "name": name}
            self.states = tf.constant(states, tf.float64)
            self.index = distributions.Categorical(
                logits=tf.constant(log_prob, tf.float64)
            )
            super().__init__(
                dtype=tf.float64,
                reparameterization_type=distributions.NOT_REPARAMETERIZED,
                validate_args=False,
                allow_nan_stats=True,
                parameters=parameters,
                name=name,
            )

        @classmethod
        def _parameter_properties(cls, dtype, num_classes=None):
            return {}

        def _batch_shape_tensor(self):
            return tf.zeros((0,), tf.int32)

        def _batch_shape(self):
            return tf.TensorShape([])

        def _event_shape_tensor(self):
            return tf.shape(self.states)[1:]

        def _event_shape(self):
            return self.states.shape[1:]

        def _sample_n(self, n, seed=None):
            return tf.gather(self.states, self.index.sample(n, seed=seed))

        def _log_prob(self, value):
            rank = len(self.states.shape) - 1
            axes = list(range(-rank, 0))
            value = tf.cast(value, tf.float64)
            value = tf.expand_dims(value, -rank - 1)
            equal = tf.reduce_all(value == self.states, axis=axes)
            logits = tf.math.log_softmax(self.index.logits)
            inside = tf.where(equal, logits, -float("inf"))
            return tf.reduce_max(inside, axis=-1)

        def _entropy(self):
            return self.index.entropy()

        def _mean(self):
            share = tf.nn.softmax(self.index.logits)
            return tf.tensordot(share, self.states, 1)

        def _variance(self):
            share = tf.nn.softmax(self.index.logits)
            square = tf.tensordot(share, self.states**2, 1)
            return square - self._mean() ** 2

    return FiniteStates(states, log_prob)
