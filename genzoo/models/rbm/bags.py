"""An RBM of bags of words: what is given is the total of each row.

`p(v | D) = sum_h exp(-E(v, h)) / Z(D)` with `Multinomial` visible units. The
total is read off the row itself, wherever there is one.
"""

from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import partition
from genzoo.models.common.posterior import Posterior
from genzoo.models.rbm.conditional import Given
from genzoo.models.rbm.machine import Machine
from genzoo.runtime import batch, data, random
from genzoo.runtime.sparse import SparseRows
from genzoo.types import Array
from genzoo.units.multinomial import Totalled
from genzoo.units.shifted import Shifted

# Rows that share one sum over words: those of a batch, or so.
_SHARED = 64
# Numbers of the sum over hidden states: about a second.
_SUMMED = 2**26
# Numbers that are held at once.
_ELEMENTS = 2**21
# The greatest total: a float32 counts no further.
_MOST = 2**24


class BagMachine(Machine):
    """The machine of rows of given totals."""

    def path(
        self, *inputs: tf.Tensor, beta: Any = 1.0
    ) -> partition.AnnealingPath:
        """From hidden units that do not know the total, to the model."""
        of_visible, of_hidden = inputs
        # Else a bias of D words would meet no field of D words.
        own: Any = of_hidden[None] - self.hidden.shift
        return partition.AnnealingPath(self.layers(beta), of_visible, own)


class Totals:
    """What a total adds to the biases: (D - 1) b to the hidden ones.

    It stands where a conditional RBM has its `Links`, and has no weights.
    """

    parameters: tuple = ()

    def center(self, found: list, biases: list) -> tuple[list, list]:
        """Nothing: the kernel's own centring takes v for v less D c."""
        return [], [0.0, 0.0]


class Counted(Given):
    """The walker of rows of which the total is given.

    Args:
        machine: the `Machine`, with `Multinomial` visible units.
    """

    learned, followed, possible = 2**19, 2**20, 2**24

    def __init__(self, machine: Machine):
        links: Any = Totals()
        super().__init__(machine, links)

    def conditions(self, x: Any) -> tf.Tensor:
        """The totals of a batch, (rows, 1), those of its examples if any."""
        known = batch.condition(x)
        if known is not None:
            return known
        rows = self.machine.rows(batch.examples(x))
        return self.machine.visible.totals(rows)[:, None]

    def at(self, c: tf.Tensor) -> Machine:
        """The machine of these totals, (rows, 1)."""
        plain = self.machine
        total = ops.cast(c, plain.dtype)
        visible: Any = Totalled(plain.visible, total[:, 0])
        bias = ops.cast(plain.hidden.bias, plain.dtype)
        hidden: Any = Shifted(plain.hidden, (total - 1) * bias[None])
        return BagMachine(visible, hidden, plain.kernel, plain.means)

    def clamped(self, x: tf.Tensor, seen: tf.Tensor) -> Machine:
        """The machine of rows of which nothing is seen but the total."""
        return self.at(self.parted(x)[1])

    # Sums -------------------------------------------------------------------

    @property
    def terms(self) -> float:
        """Of the sum over hidden states for a batch, which share the words'."""
        count = self.machine.hidden.state_count
        if count is None:
            return np.inf
        return float(count) * (self.example_width + _SHARED)

    def log_z(self, machine: Machine) -> tf.Tensor:
        """log Z of each row of the machine, (rows,)."""
        visible: Any = machine.visible
        log_w = self._log_weights(visible.total, *self._listed())
        return tf.cast(tf.reduce_logsumexp(log_w, axis=1), machine.dtype)

    def _listed(self):
        """All hidden states, and the log-sum over one word given each."""
        machine = self.machine
        count = machine.hidden.state_count or 0
        states = machine.hidden.states(0, count, "float64")
        kernel = ops.cast(machine.kernel, "float64")
        size = max(_ELEMENTS // self.example_width, 1)
        parts = [
            machine.visible.log_cumulant(
                tf.matmul(states[at : at + size], kernel, transpose_b=True)
            )
            for at in range(0, count, size)
        ]
        return states, tf.concat(parts, axis=0)

    def _log_weights(self, total, states, of_word):
        """-E of each hidden state, the words summed over, (rows, states)."""
        hidden = self.machine.hidden
        total = tf.cast(total, tf.float64)[:, None]
        field = tf.linalg.matvec(states, ops.cast(hidden.bias, "float64"))
        own = hidden.potential(states)
        return total * of_word + (total - 1) * field + own

    def posterior(
        self, x: Array, seen: Array, seed: random.Seed
    ) -> Posterior | None:
        """Documents of given totals, by a sum; None if it takes too long."""
        machine = self.machine
        count = machine.hidden.state_count
        if count is None or count * self.example_width > _SUMMED:
            return None
        total = np.asarray(x, np.float64)[:, -1]
        first, second = random.split(seed, 2)
        uniform = random.uniform((len(x), 1), first, "float64")
        states, of_word = self._listed()
        kernel = tf.cast(machine.kernel, tf.float64)
        words = machine.visible.mean(
            tf.matmul(states, kernel, transpose_b=True)
        )
        parts = []
        size = max(_ELEMENTS // max(count, self.example_width), 1)
        for at in range(0, len(x), size):
            own = slice(at, at + size)
            log_w = self._log_weights(total[own], states, of_word)
            share = tf.nn.softmax(log_w)
            ends = tf.cumsum(share, axis=1)
            place = uniform[own] * ends[:, -1:]
            chosen = tf.searchsorted(ends, place, side="right")[:, 0]
            h = tf.gather(states, tf.minimum(chosen, count - 1))
            field = machine.visible_field(tf.cast(h, machine.dtype))
            drawn = Totalled(machine.visible, tf.constant(total[own])).sample(
                field, second.at_row(at)
            )
            mean = total[own, None] * tf.matmul(share, words)
            log_sum = tf.reduce_logsumexp(log_w, axis=1)
            parts.append((log_sum.numpy(), mean.numpy(), drawn.numpy()))
        return Posterior(
            *(np.concatenate(each) for each in zip(*parts, strict=True))
        )


# What users give ------------------------------------------------------------


def refuse_text(where: str, x: Any) -> None:
    """Raise a ValueError for documents whose words are not yet counted."""
    is_text = isinstance(x, str)
    if isinstance(x, (list, tuple, np.ndarray)) and len(x):
        first = np.asarray(x[0], object).ravel()
        is_text = first.size > 0 and isinstance(first[0], str)
    if is_text:
        raise ValueError(
            f"{where}: x must be counts of words, (n, words); it holds text. "
            "Count first, for example with scikit-learn: "
            "CountVectorizer().fit_transform(documents)."
        )


def totals_of(x: Any) -> Array:
    """The totals of checked counts, (n, 1), float64."""
    if isinstance(x, SparseRows):
        ends = np.concatenate([[0.0], np.cumsum(x.values, dtype=np.float64)])
        return np.diff(ends[x.starts])[:, None]
    return np.concatenate(
        [
            np.reshape(part, (len(part), -1)).sum(axis=1, dtype=np.float64)
            for part, _ in data.parts(x)
        ]
    )[:, None]


def check_totals(where: str, given: Any, rows: int | None) -> Array:
    """Totals that are asked for, (n, 1), float64.

    Args:
        where: who asks, for messages.
        given: a whole number, or one for each row.
        rows: how many there must be; None for any number.

    Raises:
        ValueError: if there are none, not as many, or other numbers.
    """
    told = (
        f"{where}: condition must be the total of each document, how many "
        "words it has: a whole number from 0 to 2**24, or as many as rows"
    )
    if given is None:
        raise ValueError(f"{told}. Pass condition=, for example condition=100.")
    found = np.asarray(given)
    if found.dtype.kind not in "iuf" or not found.size:
        raise ValueError(f"{told}; received {given!r}.")
    found = found.astype(np.float64)
    is_row = found.ndim < 2 or (found.ndim == 2 and found.shape[1] == 1)
    inside = (found >= 0) & (found <= _MOST) & (found == np.floor(found))
    if not is_row or not inside.all():
        raise ValueError(f"{told}; received {given!r}.")
    found = found.reshape(-1, 1)
    if rows is not None and len(found) == 1:
        found = np.repeat(found, rows, axis=0)
    if rows is not None and len(found) != rows:
        raise ValueError(f"{told}, {rows}; received {len(found)}.")
    return found


def mean_totals(
    x: Any, weight: Any = None, steps: int | None = None
) -> tuple[float, float]:
    """(mean, root of the mean square) of the totals of checked data."""
    sums = np.zeros(3)
    for part, own, _ in data.known_parts(x, weight, None, steps):
        total = totals_of(part)[:, 0]
        own = np.ones(len(total)) if own is None else np.asarray(own)
        sums += own.sum(), own @ total, own @ np.square(total)
    count = max(sums[0], 1e-12)
    return sums[1] / count, float(np.sqrt(sums[2] / count))
