"""What is given to `fit` and `evaluate`: examples, and what belongs to each."""

import math
from typing import Any, NamedTuple, Self

import numpy as np

from genzoo.models.common import sample_weights
from genzoo.runtime import batch, data, looks
from genzoo.runtime.memory import check_memory
from genzoo.runtime.stored import StoredRows
from genzoo.types import Array


class Given(NamedTuple):
    """Checked examples.

    Attributes:
        x: an array, or a dataset, which has all of it in its batches.
        y: conditions of an array, a tuple of several, or None.
        weight: of the rows of an array, in the user's unit, or None.
        seen: which entries of an array are known, or None.
    """

    x: Any
    y: Any = None
    weight: Array | None = None
    seen: Array | None = None

    def scaled(self, where: str, steps: int | None = None) -> Self:
        """With weights of mean one.

        Args:
            where: who asks, for messages.
            steps: how many batches of a dataset are an epoch; None means all.
        """
        if data.is_array(self.x):
            if self.weight is None:
                return self
            return self._replace(weight=sample_weights.scaled(self.weight))
        spec = getattr(self.x, "element_spec", None)
        if not sample_weights.are_in(spec):
            return self
        mean = sample_weights.mean(where, self.x, steps)
        return self._replace(x=sample_weights.divided(self.x, mean))

    def gathered(self, where: str, steps: int | None = None) -> Self:
        """With arrays in place of a dataset, or of rows of a file.

        Args:
            where: who asks, for messages.
            steps: how many batches of a dataset to take; None means all.

        Raises:
            ValueError: for a dataset that has no end, or is larger than the
                machine's memory.
        """
        if isinstance(self.x, StoredRows):
            return self._replace(x=self.x[:])
        if data.is_array(self.x):
            return self
        if steps is None and data.is_endless(self.x):
            raise ValueError(
                f"{where}: the dataset has no end; pass steps_per_epoch."
            )
        found: list[list[Any]] = []
        rows = size = 0
        for part in looks.first_batches(self.x, steps):
            x, y = part if isinstance(part, tuple) else (part, None)
            x = batch.unpacked(x)
            parts = batch.examples(x), y, batch.weight(x), batch.seen(x)
            found.append([None if p is None else np.asarray(p) for p in parts])
            rows += len(found[-1][0])
            size += sum(p.nbytes for p in found[-1] if p is not None)
            # Twice, while they are joined.
            check_memory(f"{where}: rows", rows, -(-2 * size // rows), 1)
        return type(self)(
            *(
                None if parts[0] is None else np.concatenate(parts)
                for parts in zip(*found, strict=True)
            )
        )

    def split(self, where: str, share: float) -> tuple[Self, Self]:
        """The rows to learn from and those held out; see `data.split`.

        Raises:
            ValueError: if the weights of a side have no mean.
        """
        both = [type(self)(*parts) for parts in data.split(where, self, share)]
        for side, own in zip(("first", "last"), both, strict=True):
            if own.weight is not None and not own.weight.sum() > 0:
                raise ValueError(
                    f"{where}: validation_split={share!r}: sample_weight of "
                    f"the {side} {len(own.weight)} examples has the sum "
                    f"{own.weight.sum():g}. Shuffle the rows first."
                )
        return both[0], both[1]

    def batch_size(self, updates: int, least: int, most: int = 128) -> int:
        """Of an array, rows of a batch for so many updates an epoch, or more.

        A power of two. As many more rows as less of them is known: what is
        drawn is noise.
        """
        rows = 2 ** round(math.log2(len(self.x) / updates))
        if self.seen is not None:
            rows /= max(self.seen.mean(), 1e-3)
        return int(np.clip(rows, least, most))

    def packed(self) -> tuple[Any, Any]:
        """(x, y) as Keras's loops take them; x may be a dict of parts."""
        return batch.packed(self.x, self.weight, self.seen), self.y
