"""Steps that leave the means of real units where precisions learn."""

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

    Reference:
        Cho, Ilin and Raiko, "Improved learning of Gaussian-Bernoulli restricted
        Boltzmann machines", ICANN 2011.
    """

    def __init__(self, unit: Unit, pulls: Sequence[Pull]):
        self.unit = unit
        self.pulls = pulls

    @classmethod
    def of(
        cls, unit: Unit, pulls: Sequence[Pull], optimizer: Any
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
        return cls(unit, pulls) if can_move else None

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
        found = dict(zip(map(id, parameters), gradients, strict=True))
        total: Any = 0.0
        at_middle: Any = 0.0
        lost: Any = 0.0
        for pull in self.pulls:
            weight = pull.rows(pull.weight.value)
            slope = pull.rows(found[id(pull.weight)])
            total += tf.reduce_sum(weight * slope, axis=1)
            at_middle += tf.linalg.matvec(weight, pull.offset)
            lost += tf.linalg.matvec(slope, pull.offset)
        for block, columns in self._columns():
            if not block.precisions:
                continue
            own = total[columns]
            for weight in _forces(block):
                force = tf.convert_to_tensor(weight.value)
                slope = found[id(weight)]
                if weight is block.bias:
                    force += at_middle[columns]
                    slope += lost[columns]
                own += force * slope
            share = own / len(block.precisions)
            for weight in block.precisions:
                found[id(weight)] += share
        return list(found.values())

    def release(self) -> None:
        """Divide what counts in fields by the precisions."""
        self._scale(-1.0)

    def hold(self) -> None:
        """Multiply it by the precisions, as they are by now."""
        self._scale(1.0)

    def _scale(self, sign):
        of_layer = []
        for block in self.unit.blocks():
            if not block.precisions:
                of_layer.append(tf.ones(block.width, block.bias.dtype))
                continue
            logs = [tf.convert_to_tensor(w.value) for w in block.precisions]
            own = tf.exp(sign * tf.add_n(logs) / len(logs))
            for weight in _forces(block):
                weight.assign(tf.convert_to_tensor(weight.value) * own)
            of_layer.append(own)
        scale = tf.concat(of_layer, axis=0)
        for pull in self.pulls:
            own = scale if pull.is_by_column else scale[:, None]
            value = tf.convert_to_tensor(pull.weight.value)
            pull.weight.assign(value * tf.cast(own, value.dtype))

    def _columns(self):
        first = 0
        for block in self.unit.blocks():
            yield block, slice(first, first + block.width)
            first += block.width


def _forces(block):
    """Its weights that count as fields do."""
    own = {id(weight) for weight in block.precisions}
    return [weight for weight in block.parameters if id(weight) not in own]
