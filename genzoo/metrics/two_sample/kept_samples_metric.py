"""Metrics that need the samples themselves, up to a fixed number."""

from typing import Any

import numpy as np
import tensorflow as tf

from genzoo.checks import positive_int
from genzoo.metrics.numerics.estimate import as_generator
from genzoo.metrics.two_sample.two_sample_metric import (
    Features,
    TwoSampleMetric,
)
from genzoo.runtime import distribute, random
from genzoo.runtime.memory import check_memory
from genzoo.types import SeedLike


class KeptSamplesMetric(TwoSampleMetric):
    """A metric that keeps rows of both samples until `result`.

    Of more than `capacity` rows it keeps a uniform random subset, by Vitter's
    algorithm R: row i, counted over all batches and replicas, replaces the
    row at a place below i + 1, if that is below the capacity. The place is a
    function of the seed and i, so the subset does not depend on batching.

    State: 2 capacity x width numbers in the dtype of the features (on each
    replica), whatever the number of samples.

    Args:
        features: as in `TwoSampleMetric`.
        capacity: rows kept of the real and of the generated samples.
        seed: int or pair of ints, for what is drawn at random.
        name: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: as `TwoSampleMetric` does; if capacity is not positive or
            needs more memory than there is.

    Reference:
        Vitter, "Random sampling with a reservoir", ACM TOMS 11, 1985.
    """

    def __init__(
        self,
        features: Features = None,
        capacity: int = 10_000,
        seed: SeedLike = 0,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__(features, name=name, dtype=dtype)
        random.as_seed(seed)
        self.capacity = positive_int(
            capacity, f"{type(self).__name__}: capacity"
        )
        self.seed = seed

    def create_state(self, width: int, dtype: str) -> None:
        """Room for the rows, and how many were seen on all replicas."""
        size = np.dtype(dtype).itemsize
        check_memory("capacity", 2 * self.capacity, width, size)
        self._kept = [
            self.add_variable(
                (self.capacity, width), "zeros", dtype=dtype, name=name
            )
            for name in ("real", "generated")
        ]
        self._seen = self.add_variable(
            (2,),
            "zeros",
            dtype="int64",
            name="seen",
            aggregation="only_first_replica",
        )

    def accumulate(self, real: tf.Tensor, generated: tf.Tensor) -> None:
        """Keep the rows, each replica its own, and zeros for the others'."""
        key = random.as_seed(self.seed)
        totals = [
            self._keep(side, rows, random.fold_in(key, side))
            for side, rows in enumerate((real, generated))
        ]
        self._seen.assign_add(tf.stack(totals))

    def _keep(self, side, rows, seed):
        count = tf.shape(rows)[0]
        first, total = distribute.global_rows(count)
        seen = tf.convert_to_tensor(self._seen.value)[side]
        order = tf.range(total)
        number = seen + tf.cast(order, tf.int64)
        chance = random.uniform((total,), seed.at_row(seen), tf.float64)
        place = tf.cast(chance * tf.cast(number + 1, tf.float64), tf.int64)
        place = tf.where(number < self.capacity, number, place)
        # Of the rows at one place, the last one stays; those beyond the
        # capacity go nowhere.
        place = tf.minimum(place, self.capacity)
        last = tf.math.unsorted_segment_max(order, place, self.capacity + 1)
        stays = (place < self.capacity) & (order == tf.gather(last, place))
        order = tf.boolean_mask(order, stays)
        mine = (order >= first) & (order < first + count)
        variable = self._kept[side]
        # The others' rows are zeros here; a replica may have none of its own.
        padded = tf.pad(tf.cast(rows, variable.dtype), [[0, 1], [0, 0]])
        # In place, where `assign` would copy all rows with every batch.
        tf.raw_ops.ResourceScatterUpdate(
            resource=variable.value.handle,
            indices=tf.boolean_mask(place, stays),
            updates=tf.gather(padded, tf.where(mine, order - first, count)),
        )
        return tf.cast(total, tf.int64)

    def samples(self, least: int = 1) -> tuple[np.ndarray, ...]:
        """(real, generated), float64 arrays of the rows that were kept."""
        self.counts(least)
        return tuple(
            variable.numpy()[:seen].astype(np.float64)
            for variable, seen in zip(
                self._kept, self._seen.numpy().tolist(), strict=True
            )
        )

    def generator(self) -> np.random.Generator:
        """A NumPy generator that follows from the seed alone."""
        return as_generator(self.seed)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        seed = np.asarray(self.seed).tolist()
        return {**super().get_config(), "capacity": self.capacity, "seed": seed}
