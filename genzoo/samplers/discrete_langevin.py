"""Many sites of two levels at once, by the gradient of log p.

Reference:
    Zhang, Liu and Liu, "A Langevin-like sampler for discrete distributions",
    ICML 2022. One site at a time: Grathwohl et al., "Oops I took a gradient:
    scalable sampling for discrete distributions", ICML 2021.
"""

import tensorflow as tf
from keras import ops

from genzoo.runtime import random
from genzoo.samplers.chain import LogProb, Step, StepSize, check_moves
from genzoo.samplers.hmc import value_and_gradient
from genzoo.samplers.metropolis import choose
from genzoo.types import ArrayLike


def discrete_langevin(
    log_prob: LogProb,
    levels: ArrayLike,
    step_size: StepSize,
    kept: tf.Tensor | None = None,
) -> Step:
    """A step that proposes to change each site, and accepts all or none.

    Site i is changed with probability sigmoid(g_i / 2 - 1 / (2 s)), where
    g_i is the gain of log p to first order; Metropolis's rule makes the step
    exact for p, whatever log p is between the levels. Where sites are coupled
    weakly many change for two gradients; `gibbs_energy` takes two energies
    for each site. An acceptance of 0.57 is best; where log p is steep a large
    s is refused for ever, and chains need steps of several sizes.

    Args:
        log_prob: function from (chains, width) to log p but for a constant,
            (chains,), with a gradient between the levels.
        levels: the two levels of each site, (width, 2).
        step_size: s, float or scalar: the greater the more sites change.
        kept: which sites of which chains keep their values, bool (chains,
            width); None for none.

    Returns:
        A function `(seed, x) -> (x, Info)`.
    """
    check_moves(log_prob, step_size, "discrete_langevin")

    def step(seed, x):
        first, second = random.split(seed, 2)
        ends = ops.cast(levels, x.dtype)
        s = ops.cast(step_size, x.dtype)

        def looked_at(x):
            value, gradient = value_and_gradient(log_prob, x)
            other = ends[:, 0] + ends[:, 1] - x
            logit = 0.5 * gradient * (other - x) - 0.5 / s
            return value, other, logit

        def log_chance(logit, changes):
            each = tf.where(changes, logit, -logit)
            each = tf.math.log_sigmoid(each)
            if kept is not None:
                each = tf.where(kept, tf.zeros_like(each), each)
            return tf.reduce_sum(each, axis=-1)

        value, other, logit = looked_at(x)
        uniform = random.uniform(ops.shape(x), first, x.dtype)
        changes = uniform < tf.sigmoid(logit)
        if kept is not None:
            changes &= ~kept
        proposed = tf.where(changes, other, x)
        found, _, back = looked_at(proposed)
        log_ratio = found - value + log_chance(back, changes)
        log_ratio -= log_chance(logit, changes)
        return choose(second, x, proposed, log_ratio)

    return step
