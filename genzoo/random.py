"""Draws that follow from a seed, for units, samplers and losses of one's own.

Row r of a draw is a function of the seed and r alone: one device that draws
all rows and several that draw some rows each draw the same. A seed is used
once; `split` and `fold_in` make others of it. A shape begins with the rows,
and may be a tensor, such as `tf.shape(x)`.
"""

from genzoo.runtime.random import (
    Seed,
    as_seed,
    bernoulli,
    fold_in,
    normal,
    split,
    uniform,
)

__all__ = [
    "Seed",
    "as_seed",
    "bernoulli",
    "fold_in",
    "normal",
    "split",
    "uniform",
]
