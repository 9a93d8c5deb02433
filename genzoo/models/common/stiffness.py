"""Steps that leave means where precisions learn, and odds where kernels do."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import keras
import tensorflow as tf

from genzoo.optimizers import Falling
from genzoo.units import Unit


class Pull(NamedTuple):
    """What counts in the fields of a layer: `W (h - d)` with a kernel W.

    Attributes:
        weight: W, one row or one column for each of the layer's.
        offset: d.
        is_by_column: whether it is W' that has the layer's rows.
    """

    weight: Any
    offset: tf.Tensor
    is_by_column: bool = False

    def rows(self, value: Any) -> tf.Tensor:
        """W, or its gradient, with a row for each of the layer's."""
        value = tf.convert_to_tensor(value)
        return tf.transpose(value) if self.is_by_column else value


class Odds:
    """How often hidden units are on, held where their kernel learns.

    That a hidden unit j of two levels is on, while the others are at their
    mean d, moves the log of its weight by `b_j + W_j . c + q_j` with c the mean
    of the visible units, and

        q_j = (s / 2 - d_j) sum_i W_ij^2 / k_i

    for real units of precision k_i, where s is the sum of the two levels. With
    b alone held, a step towards a far mode would change how often it comes by
    powers of e; held is `b + q`.

    Args:
        unit: the hidden layer.
        visible: the other.
        pull: the kernel, and d.
        middle: c.
    """

    def __init__(
        self, unit: Unit, visible: Unit, pull: Pull, middle: tf.Tensor
    ):
        self.unit = unit
        self.visible = visible
        self.pull = pull
        self.middle = middle

    def _slopes(self):
        """s / 2 - d, 0 of units that have not two levels."""
        sums, counts = [], []
        for block in self.unit.blocks():
            levels = block.levels
            own, has_two = 0.0, 0.0
            if levels is not None and levels.shape == (2, 1):
                own, has_two = float(levels.sum()), 1.0
            sums += [own] * block.width
            counts += [has_two] * block.width
        d = self.pull.offset
        return tf.constant(counts, d.dtype) * (
            tf.constant(sums, d.dtype) / 2 - d
        )

    def _variances(self):
        """1 / k of the visible units, 0 of those without."""
        found = []
        for block in self.visible.blocks():
            own = tf.zeros(block.width, self.middle.dtype)
            if block.precisions:
                own = tf.cast(tf.exp(-_log_precision(block)), own.dtype)
            found.append(own)
        return tf.concat(found, axis=0)

    def excess(self) -> tf.Tensor:
        """q, at the present weights."""
        kernel = self.pull.rows(self.pull.weight.value)
        return self._slopes() * tf.linalg.matvec(
            tf.square(kernel), self._variances(), transpose_a=True
        )

    def turn(self, found: dict[int, tf.Tensor]) -> tf.Tensor:
        """Turn gradients by the number of their weight.

        Returns:
            what the gradients of the logs of visible precisions have more.
        """
        kernel = self.pull.rows(self.pull.weight.value)
        biases = [block.bias for block in self.unit.blocks()]
        of_bias = tf.concat([found[id(bias)] for bias in biases], axis=0)
        slope = found[id(self.pull.weight)]
        of_bias += tf.linalg.matvec(slope, self.middle, transpose_a=True)
        each = of_bias * self._slopes()
        scaled = kernel * self._variances()[:, None]
        turn = -2 * each * scaled
        found[id(self.pull.weight)] = slope + turn
        # As the biases of the centred energy say.
        _add(found, self.visible, -tf.linalg.matvec(turn, self.pull.offset))
        _add(
            found,
            self.unit,
            -tf.linalg.matvec(turn, self.middle, transpose_a=True),
        )
        return -tf.linalg.matvec(kernel * scaled, each)

    def settle(self, before: tf.Tensor) -> None:
        """Let the biases follow what q was before."""
        moved = before - self.excess()
        for block, columns in _columns(self.unit):
            bias = tf.convert_to_tensor(block.bias.value)
            block.bias.assign(bias + moved[columns])


class Stiffness:
    """Precisions of a layer, beside what is divided by them.

    A real unit has the mean `(b + W h) / k` given the other layer, with the
    precision k. Were b and W held where k learns, each step of k would move
    the mean; the two would follow slowly, and the slower the larger k is. Held
    are b / k and W / k in their place: the gradient of log k is then

        k d/dk + b d/db + sum_j W_j d/dW_j,

    and steps of b and W are k times as long, as the curvature is that much
    less. Without offsets; with these b is that of the centred energy,
    `b + W d`.

    Args:
        unit: the layer.
        pulls: what counts in its fields.
        odds: what is held of the layer beyond the first, or None.

    Reference:
        Cho, Ilin and Raiko, "Improved learning of Gaussian-Bernoulli restricted
        Boltzmann machines", ICANN 2011.
    """

    def __init__(
        self, unit: Unit, pulls: Sequence[Pull], odds: Odds | None = None
    ):
        self.unit = unit
        self.pulls = pulls
        self.odds = odds

    @classmethod
    def of(
        cls,
        unit: Unit,
        pulls: Sequence[Pull],
        optimizer: Any,
        odds: Odds | None = None,
    ) -> Self | None:
        """That of a layer, or None where weights learn as they are.

        They do by other optimizers than `Falling`, and if some cannot move.
        """
        # An average of weights would be one of what was divided.
        if not isinstance(optimizer, Falling) or optimizer.use_ema:
            return None
        stiff = [block for block in unit.blocks() if block.precisions]
        moved = [w for block in stiff for w in block.parameters]
        moved += [pull.weight for pull in pulls]
        can_move = bool(stiff) and all(weight.trainable for weight in moved)
        return cls(unit, pulls, odds) if can_move else None

    def turned(
        self,
        parameters: Sequence[keras.Variable],
        gradients: Sequence[tf.Tensor],
    ) -> list[tf.Tensor]:
        """The gradients, those of precisions where means are held.

        Args:
            parameters: weights of a model.
            gradients: of each, of the centred energy.
        """
        plain = dict(zip(map(id, parameters), gradients, strict=True))
        found = dict(plain)
        total: Any = 0.0
        at_middle: Any = 0.0
        lost: Any = 0.0
        for pull in self.pulls:
            weight = pull.rows(pull.weight.value)
            slope = pull.rows(found[id(pull.weight)])
            total += tf.reduce_sum(weight * slope, axis=1)
            at_middle += tf.linalg.matvec(weight, pull.offset)
            lost += tf.linalg.matvec(slope, pull.offset)
        more = 0.0 if self.odds is None else self.odds.turn(found)
        total += more
        for block, columns in _columns(self.unit):
            if not block.precisions:
                continue
            own = total[columns]
            for weight in _forces(block):
                force = tf.convert_to_tensor(weight.value)
                slope = found[id(weight)]
                if weight is block.bias:
                    force += at_middle[columns]
                    slope = plain[id(weight)] + lost[columns]
                own += force * slope
            share = own / len(block.precisions)
            for weight in block.precisions:
                found[id(weight)] += share
        return list(found.values())

    def release(self) -> Any:
        """Divide what counts in fields by the precisions.

        Returns:
            what `hold` is told.
        """
        before = None if self.odds is None else self.odds.excess()
        self._scale(-1.0)
        return before

    def hold(self, before: Any) -> None:
        """Multiply it by the precisions, as they are by now."""
        self._scale(1.0)
        if self.odds is not None:
            self.odds.settle(before)

    def _scale(self, sign):
        of_layer = []
        for block in self.unit.blocks():
            if not block.precisions:
                of_layer.append(tf.ones(block.width, block.bias.dtype))
                continue
            own = tf.exp(sign * _log_precision(block))
            for weight in _forces(block):
                weight.assign(tf.convert_to_tensor(weight.value) * own)
            of_layer.append(own)
        scale = tf.concat(of_layer, axis=0)
        for pull in self.pulls:
            own = scale if pull.is_by_column else scale[:, None]
            value = tf.convert_to_tensor(pull.weight.value)
            pull.weight.assign(value * tf.cast(own, value.dtype))


def _columns(unit):
    first = 0
    for block in unit.blocks():
        yield block, slice(first, first + block.width)
        first += block.width


def _add(found, unit, change):
    """Add to the gradients of a layer's biases."""
    for block, columns in _columns(unit):
        found[id(block.bias)] += change[columns]


def _log_precision(block):
    logs = [tf.convert_to_tensor(weight.value) for weight in block.precisions]
    return tf.add_n(logs) / len(logs)


def _forces(block):
    """Its weights that count as fields do."""
    own = {id(weight) for weight in block.precisions}
    return [weight for weight in block.parameters if id(weight) not in own]
