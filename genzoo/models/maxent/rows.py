"""A space of rows that are known, whose features stand in a table."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.features.feature import Feature
from genzoo.runtime import distribute
from genzoo.spaces import Space
from genzoo.types import Array


@keras.saving.register_keras_serializable("genzoo.spaces")
class Rows(Space):
    """The numbers 0 to n - 1 of rows.

    Args:
        rows: n.
    """

    def __init__(self, rows: int):
        self.rows = int(rows)
        numbers = np.arange(self.rows, dtype=np.float64)
        super().__init__(1, [numbers], 0.0, self.rows - 1.0)

    @property
    def description(self) -> str:
        """In words."""
        return f"numbers of {self.rows} rows"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"rows": self.rows}


@keras.saving.register_keras_serializable("genzoo")
class Table(keras.layers.Layer):
    """Rows by number: (batch, 1) to (batch, columns), from a weight.

    Args:
        rows: of the table.
        columns: of the table.
        **kwargs: of the layer.
    """

    def __init__(self, rows: int, columns: int, **kwargs: Any):
        kwargs["dtype"] = "float64"
        super().__init__(trainable=False, **kwargs)
        self.table = distribute.mirrored_weight(self, "table", (rows, columns))
        self.built = True

    @classmethod
    def of(cls, values: Array) -> "Table":
        """One with these values, (rows, columns)."""
        made = cls(*values.shape)
        made.table.assign(values)
        return made

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """The rows with these numbers."""
        number = tf.cast(tf.reshape(x, (-1,)), tf.int64)
        return tf.gather(tf.convert_to_tensor(self.table.value), number)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        rows, columns = self.table.shape
        return {"rows": rows, "columns": columns, "name": self.name}


@keras.saving.register_keras_serializable("genzoo.features")
class OfTable(Feature):
    """The columns of a `Table` as features of row numbers.

    Args:
        names: of the columns.
        table: the `Table`, saved with the model that has the feature.
    """

    def __init__(self, names: list[str], table: Any):
        if isinstance(table, dict):
            table = keras.saving.deserialize_keras_object(table)
        self.column_names = list(names)
        self.layer = table

    def count(self, space: Space) -> int:
        """The number of columns."""
        return len(self.column_names)

    def names(self, space: Space) -> list[str]:
        """Of the columns."""
        return self.column_names

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The rows, (batch, columns)."""
        assert self.layer is not None
        return self.layer(x)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        table = keras.saving.serialize_keras_object(self.layer)
        return {"names": self.column_names, "table": table}
