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
