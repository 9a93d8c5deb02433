"""-<log p> while a model learns, whatever it learns by."""

from collections.abc import Callable

import keras
import numpy as np

from genzoo.partition.log_partition import RECORD_LENGTH, LogPartition
from genzoo.runtime import distribute

# What is known of log Z, and of which weights.
KNOWN_LENGTH = RECORD_LENGTH + 1
# Terms of a sum that takes less time than the epoch before it.
_FEW_TERMS = 2**20
# Of annealing: its chains, and how many temperatures at least and at most.
CHAINS = 128
_LEAST, _MOST = 80, 1000
# For a search that takes all examples at once, in many epochs of one step.
_SEARCH = 20
# Sweeps of one chain for each row that was learned from.
_SHARE = 0.3


class Watch(keras.layers.Layer):
    """What is known of log Z while the weights move.

    The logs' `loss` is `<E(x) - E0> + level`, where E0 is the energy of a
    point in the midst of the data and `level = log Z + E0`: both move far
    less than E and log Z, whose common part is arbitrary.

    Attributes:
        record: weight, a `LogPartition` and the weights that it belongs to.
        level: weight, log Z + E0 at these weights.
    """

    def __init__(self, **kwargs):
        super().__init__(trainable=False, dtype="float64", **kwargs)
        self.record = distribute.mirrored_weight(
            self, "record", (KNOWN_LENGTH,)
        )
        self.level = distribute.mirrored_weight(self, "level", ())
        self.built = True

    def known(self, of: int) -> LogPartition | None:
        """log Z, if it was found for these weights."""
        *record, found_of = self.record.numpy()
        return LogPartition.from_record(record) if found_of == of else None

    def keep(self, found: LogPartition, of: int) -> None:
        """Remember log Z of some weights."""
        self.record.assign([*found.to_record(), of])


def sums(terms: float, rows: int, width: int) -> bool:
    """Whether a sum of so many terms is quick beside an epoch.

    Args:
        terms: of the sum.
        rows: of the epoch.
        width: of a row.
    """
    return terms <= max(_FEW_TERMS, rows * width // 4)


def temperatures(rows: int) -> int:
    """How many temperatures annealing may have after an epoch of rows.

    Of one row, where a search takes all examples in one step.
    """
    if rows == 1:
        return _SEARCH
    return int(np.clip(_SHARE * rows / CHAINS, _LEAST, _MOST))


class EachEpoch(keras.callbacks.Callback):
    """Finds log Z where an epoch begins.

    Args:
        look: finds it.
    """

    def __init__(self, look: Callable):
        super().__init__()
        self.look = look

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Unless it was found where the last one ended."""
        self.look()
