"""The no-U-turn sampler, of TensorFlow Probability."""

from typing import NamedTuple

import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import probability, random
from genzoo.samplers.chain import LogProb, Step, StepSize, check_moves


class NutsInfo(NamedTuple):
    """What a trajectory was, of each chain, (chains,).

    Attributes:
        acceptance: mean over the trajectory of min(1, p / p at its start).
        leapfrogs: how many leapfrog steps were made.
        diverged: whether it was cut since its energy went wrong.
        reached_depth: whether it was cut at `max_tree_depth`.
    """

    acceptance: tf.Tensor
    leapfrogs: tf.Tensor
    diverged: tf.Tensor
    reached_depth: tf.Tensor


def nuts(
    log_prob: LogProb, step_size: StepSize, max_tree_depth: int = 8
) -> Step:
    """A step of the no-U-turn sampler of TensorFlow Probability, for real x.

    Trajectories are as long as they move away from where they began. Tracing
    takes seconds. The draws are TensorFlow Probability's: they are a function
    of the seed, but chains are not addressed by row, and the same seed gives
    others under `jit_compile`.

    Args:
        log_prob: function from (chains, width) to log p but for a constant,
            (chains,), with a gradient everywhere.
        step_size: of a leapfrog step: float or scalar, or one number per
            coordinate, in the units of x.
        max_tree_depth: a trajectory has at most 2**max_tree_depth steps.

    Returns:
        A function `(seed, x) -> (x, NutsInfo)`.

    Reference:
        Hoffman and Gelman, "The no-U-turn sampler", JMLR 15, 2014.
    """
    check_moves(log_prob, step_size, "nuts")
    checks.whole(1, 20)(max_tree_depth, "nuts: max_tree_depth")

    def step(seed, x):
        size = ops.convert_to_tensor(step_size, x.dtype)
        x, results = probability.no_u_turn_step(
            log_prob, size, max_tree_depth, x, _tfp_seed(seed)
        )
        info = NutsInfo(
            tf.exp(results.log_accept_ratio),
            results.leapfrogs_taken,
            results.has_divergence,
            results.reach_max_depth,
        )
        return x, info

    return step


def _tfp_seed(seed):
    # TensorFlow Probability knows no rows: other rows have another seed.
    key = random.fold_in(seed, seed.row).key
    return tf.bitcast(key[0], tf.int32)
