"""All layers at work: mean field, energies, chains in two blocks."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from genzoo.models.dbm.kernels import Kernels
from genzoo.models.rbm.machine import Machine
from genzoo.runtime import random
from genzoo.units import Mixed, Unit
from genzoo.units.clamped import Clamped

# Of each row, until its means move by less.
SWEEPS, TOLERANCE = 100, 1e-5
# The same where a batch is learned from.
FEW_SWEEPS, COARSE = 20, 1e-3
# Joint states of a block of hidden layers that are summed over for one row,
# times the numbers that each has.
_MOST_TERMS = 2**22


class MeanField(NamedTuple):
    """q(h), independent units, of which each layer's are in a field.

    Attributes:
        units: what is unknown of the even layers.
        kernel: its rows of the kernel.
        field: on them, (rows, width); with their potential it is all of q.
        mean: their means in it.
        odd_field: the field on the odd layers at these means.
        given: the potential of what is known and not among `units`, (rows,).
    """

    units: Any
    kernel: tf.Tensor
    field: tf.Tensor
    mean: tf.Tensor
    odd_field: tf.Tensor
    given: Any


class DeepMachine(Machine):
    """A machine of two layers: those with even and those with odd numbers.

    Given the one block the other is independent, since there are kernels only
    between neighbours. So chains, paths and sums are those of an RBM whose
    visible units are the layers 0, 2, ... and whose hidden units are 1, 3,
    ...; an example is the first part of such a visible state.

    Args:
        units: the layers.
        kernels: W_l between layers l and l + 1.
        means: variables of the mean even and odd states, at which mean field
            and annealing begin.

    Attributes:
        first: the layer 0.
        rest: the layers 2, 4, ...
    """

    def __init__(
        self,
        units: list[Unit],
        kernels: list[keras.Variable],
        means: tuple[keras.Variable, keras.Variable],
    ):
        self.kernels = Kernels(kernels)
        joint: Any = self.kernels
        super().__init__(
            side_by_side(units[::2]), side_by_side(units[1::2]), joint, means
        )
        self.first = units[0]
        self.rest = side_by_side(units[2::2])

    @property
    def parameters(self) -> list[keras.Variable]:
        """The kernels, then the even and the odd layers' weights."""
        rest = [*self.visible.parameters, *self.hidden.parameters]
        return [*self.kernels.parts, *rest]

    def spread(self, joint: list) -> list:
        """Gradients in the order of `parameters`, from `gather`'s."""
        _, *rest = super().spread(joint)
        return [*self.kernels.split(joint[0]), *rest]

    def gather(self, gradients: list) -> list:
        """That of the joint kernel, then by the statistics of both blocks."""
        count = len(self.kernels.parts)
        kernels, rest = gradients[:count], gradients[count:]
        own = len(self.visible.parameters)
        return [
            self.kernels.join(kernels),
            *self.visible.gather(rest[:own]),
            *self.hidden.gather(rest[own:]),
        ]

    # Mean field -------------------------------------------------------------

    def rows(self, x: Any) -> tf.Tensor:
        """Examples, (batch, *event_shape), as states of the layer 0."""
        x = self.first.space.flatten(ops.convert_to_tensor(x))
        return self.first.standardise(x)

    def beside(self, v: tf.Tensor) -> tf.Tensor:
        """Even states with the layer 0 at v, and zeros for the others."""
        zeros = tf.zeros((tf.shape(v)[0], self.rest.width), v.dtype)
        return tf.concat([v, zeros], axis=1)

    def infer(
        self,
        v: tf.Tensor,
        seen: tf.Tensor | None = None,
        sweeps: int = SWEEPS,
        tolerance: float = TOLERANCE,
    ) -> MeanField:
        """The q(h) at a maximum of the bound of log p(v), for each row.

        By turns the odd and the even layers are set to the best for the
        others, which never makes the bound smaller. A row that has come to
        rest stays, so that it does not depend on those beside it.

        Args:
            v: states of the layer 0, (rows, width).
            seen: which of them are known, bool, of the same shape; q is then
                of the others too. None for all.
            sweeps: at most.
            tolerance: of the change of means in a sweep, at which to stop.
        """
        at, kernel = self.first.width, self.kernels.value
        start = ops.cast(self.means[0], v.dtype)[None]
        units: Any
        given: Any
        if seen is None:
            units, base = self.rest, tf.matmul(v, kernel[:at])
            kernel, start = kernel[at:], start[:, at:]
            given = self.first.potential(v)
            start = tf.repeat(start, tf.shape(v)[0], axis=0)
        else:
            hidden = tf.zeros((tf.shape(v)[0], self.rest.width), tf.bool)
            seen = tf.concat([seen, hidden], axis=1)
            units, base = Clamped(self.visible, self.beside(v), seen), 0.0
            given = tf.zeros_like(v[:, 0])
            start = tf.where(seen, units.known, start)

        def odd_field(mean):
            return base + tf.matmul(mean, kernel)

        def body(number, mean, field, moves):
            of_odd = self.hidden.mean(odd_field(mean))
            new = tf.matmul(of_odd, kernel, transpose_b=True)
            field = tf.where(moves, new, field)
            new = units.mean(field)
            change = tf.reduce_max(tf.abs(new - mean), axis=1, keepdims=True)
            return number + 1, new, field, moves & (change > tolerance)

        _, mean, field, _ = tf.while_loop(
            lambda number, mean, field, moves: (
                (number < sweeps) & tf.reduce_any(moves)
            ),
            body,
            (
                tf.zeros((), tf.int32),
                start,
                tf.zeros_like(start),
                tf.ones_like(start[:, :1], tf.bool),
            ),
            parallel_iterations=1,
        )
        return MeanField(units, kernel, field, mean, odd_field(mean), given)

    def free_energy(self, found: MeanField) -> tf.Tensor:
        """The bound of E(v) from above, (rows,), in the units of states.

        `<E(v, h)>_q - H(q)`, with the odd layers at their best.
        """
        entropy = found.units.log_cumulant(found.field)
        entropy -= tf.reduce_sum(found.field * found.mean, axis=1)
        return -(
            found.given + entropy + self.hidden.log_cumulant(found.odd_field)
        )

    def even_mean(self, v: tf.Tensor, found: MeanField) -> tf.Tensor:
        """The mean even state, (rows, width)."""
        if isinstance(found.units, Clamped):
            return found.mean
        return tf.concat([v, found.mean], axis=1)

    def even_statistics(self, v: tf.Tensor, found: MeanField) -> list:
        """The mean statistics of the even layers, in the order of theirs."""
        own = self.first.statistics(v)
        at = self.first.width
        if not isinstance(found.units, Clamped):
            rest = self.rest.mean_statistics(found.field)
        else:
            field, seen = found.field[:, :at], found.units.seen[:, :at]
            own = _where(seen, self.first, v, field)
            rest = self.rest.mean_statistics(found.field[:, at:])
        both = tf.concat([own[0], rest[0]], axis=1)
        return [both, *own[1:], *rest[1:]]

    def drawn(
        self, v: tf.Tensor, found: MeanField, seed: random.Seed
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """(an even state drawn from q, the field on the odd layers)."""
        free = found.units.sample(found.field, seed)
        field = found.odd_field + tf.matmul(free - found.mean, found.kernel)
        if isinstance(found.units, Clamped):
            return free, field
        return tf.concat([v, free], axis=1), field

    # Chains -----------------------------------------------------------------

    def at(
        self, x: tf.Tensor, seed: random.Seed, dtype: Any = None
    ) -> tf.Tensor:
        """Odd states given examples, drawn from the mean field."""
        found = self.infer(self.rows(x))
        return self.hidden.sample(found.odd_field, seed)

    # Sums over all hidden layers --------------------------------------------

    @property
    def sums_over(self) -> str | None:
        """The block of hidden layers that can be summed over, or None."""
        costs = {}
        for name, unit, terms in (
            ("odd", self.hidden, self.width + self.first.width),
            ("rest", self.rest, self.width * self.rest.width),
        ):
            if unit.state_count is not None:
                costs[name] = unit.state_count * terms
        best = min(costs, key=lambda name: costs[name], default=None)
        return None if best is None or costs[best] > _MOST_TERMS else best

    @property
    def rows_at_once(self) -> int:
        """Rows that are summed over together."""
        unit = self.hidden if self.sums_over == "odd" else self.rest
        count = unit.state_count or 1
        width = 1 if self.sums_over == "odd" else self.width
        return max(_MOST_TERMS // (count * width), 1)

    def energy_of(self, x: tf.Tensor) -> tf.Tensor:
        """-log sum_h exp(-E(x, h)) of examples, float64 (batch,).

        By a sum over the block that `sums_over` names.
        """
        v = tf.cast(self.rows(x), tf.float64)
        at, kernel = self.first.width, tf.cast(self.kernels.value, tf.float64)
        base = tf.matmul(v, kernel[:at])
        if self.sums_over == "odd":
            listed = _all_states(self.hidden)
            own = self.hidden.potential(listed) + self.rest.log_cumulant(
                tf.matmul(listed, kernel[at:], transpose_b=True)
            )
            log_w = tf.matmul(base, listed, transpose_b=True) + own
        else:
            listed = _all_states(self.rest)
            field = base[:, None] + tf.matmul(listed, kernel[at:])
            cumulant = self.hidden.log_cumulant(
                tf.reshape(field, (-1, self.width))
            )
            log_w = self.rest.potential(listed) + tf.reshape(
                cumulant, tf.shape(field)[:2]
            )
        found = self.first.potential(v) + tf.reduce_logsumexp(log_w, axis=1)
        return tf.cast(self.first.log_scale(), tf.float64) - found


def side_by_side(units: list[Unit]) -> Unit:
    """Layers as one."""
    blocks = [block for unit in units for block in unit.blocks()]
    if len(units) == 1:
        return units[0]
    return Mixed(blocks, [f"block_{number}" for number in range(len(blocks))])


def _all_states(unit):
    return unit.states(0, unit.state_count, "float64")


def _where(seen, unit, v, field):
    """The statistics of what is seen of a layer, else their means."""
    first, further, at = [], [], 0
    for block in unit.blocks():
        own = slice(at, at + block.width)
        at += block.width
        parts = [
            tf.where(seen[:, own], known, mean)
            for known, mean in zip(
                block.statistics(v[:, own]),
                block.mean_statistics(field[:, own]),
                strict=True,
            )
        ]
        first.append(parts[0])
        further += parts[1:]
    return [tf.concat(first, axis=1), *further]
