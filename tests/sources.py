"""Sources of data as other libraries give them."""

import keras
import numpy as np


class Csr:
    """What SciPy's csr matrices are, where there is no SciPy."""

    def __init__(self, dense):
        rows, self.indices = np.nonzero(dense)
        self.data = dense[rows, self.indices]
        self.indptr = np.searchsorted(rows, np.arange(len(dense) + 1))
        self.shape = dense.shape

    def tocsr(self):
        return self

    def toarray(self):
        raise AssertionError("the whole is not made dense")

    __array__ = toarray


class Pages(keras.utils.PyDataset):
    def __init__(self, x, size, length):
        super().__init__()
        self.x, self.size, self.length, self.ends = x, size, length, 0

    @property
    def num_batches(self):
        return self.length

    def __getitem__(self, number):
        first = number * self.size % (-(-len(self.x) // self.size) * self.size)
        return (self.x[first : first + self.size], None)

    def on_epoch_end(self):
        self.ends += 1


class Frame:
    """What pandas gives for columns of Int64 or boolean."""

    def __init__(self, values, kinds="iiii"):
        self.values = np.array(values, dtype=object)
        self.shape = self.values.shape
        self.dtypes = np.empty(len(kinds), object)
        self.dtypes[:] = [Kind(kind) for kind in kinds]
        self.columns = list("abcdefgh"[: len(kinds)])

    def __array__(self, dtype=None, copy=None):
        return self.values.astype(dtype or object)

    def to_numpy(self, dtype, na_value):
        """Numbers, where there is a value."""
        found = np.where(self.values == None, na_value, self.values)  # noqa: E711
        return found.astype(dtype)


class Kind:
    """A dtype of pandas, which is none of NumPy."""

    def __init__(self, kind):
        self.kind = kind

    def __str__(self):
        return {"O": "category"}.get(self.kind, self.kind)
