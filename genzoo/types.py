"""Names for what signatures take and give."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from genzoo.runtime.random import Seed

Array: TypeAlias = np.ndarray
ArrayLike: TypeAlias = np.ndarray | tf.Tensor | Sequence
# What `seed` is: None takes the model's own next one.
SeedLike: TypeAlias = int | Sequence[int] | np.ndarray | tf.Tensor | Seed
# What `fit` takes: examples in memory, or batches of them.
Examples: TypeAlias = np.ndarray | tf.Tensor | Sequence | tf.data.Dataset
