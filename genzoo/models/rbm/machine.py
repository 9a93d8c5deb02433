"""The two layers and their kernel at work: fields, energies, sweeps, leaps."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import partition, samplers
from genzoo.runtime import random
from genzoo.samplers import gibbs
from genzoo.units import Unit
from genzoo.units.clamped import Clamped
from genzoo.units.shifted import Shifted
from genzoo.units.tempered import can_temper

# Examples behind the means at which annealing begins, for smoothing.
_EXAMPLES = 1000
# Elements of a kernel.
_CHEAP_TO_JUMP = 2**16
# So many sweeps that they have as many terms.
_JUMPED, _MOST_JUMPS = 2**14, 16

# The share of leaps to what is seen in the midst of a batch, in no row of it.
_MIDST = 0.1


class Machine:
    """What walks and learning rules ask of an RBM, inside graphs.

    It is the `genzoo.models.common.walks.Walker` of block Gibbs sampling,
    whose chains are kept as hidden states. All states are rows, (batch,
    width of the layer).

    Args:
        visible: the visible units.
        hidden: the hidden units.
        kernel: the weights W, a variable (visible.width, hidden.width).
        means: variables of the data's mean visible and hidden state, at which
            annealing begins.

    Attributes:
        width: the length of a hidden state.
        example_width: the length of a visible state.
        dtype: of states.
    """

    def __init__(
        self,
        visible: Unit,
        hidden: Unit,
        kernel: keras.Variable,
        means: tuple[keras.Variable, keras.Variable],
    ):
        self.visible = visible
        self.hidden = hidden
        self.kernel = kernel
        self.means = means
        self.width = hidden.width
        self.example_width = visible.width
        self.dtype = kernel.dtype

    @property
    def parameters(self) -> list[keras.Variable]:
        """kernel, then the visible and the hidden units' weights."""
        return [
            self.kernel,
            *self.visible.parameters,
            *self.hidden.parameters,
        ]

    def spread(self, joint: list) -> list:
        """Gradients in the order of `parameters`, from `gradients`'."""
        kernel, *rest = joint
        at_hidden = self.visible.statistic_count
        return [
            kernel,
            *self.visible.spread(rest[:at_hidden]),
            *self.hidden.spread(rest[at_hidden:]),
        ]

    def with_hidden_bias(self, gradients: list, excess: tf.Tensor) -> list:
        """Gradients of `parameters`, with more on the hidden bias."""
        at = 1 + len(self.visible.parameters)
        bias, *rest = self.hidden.gather(gradients[at:])
        return [*gradients[:at], *self.hidden.spread([bias + excess, *rest])]

    def layers(self, beta: float | tf.Tensor = 1.0) -> partition.Layers:
        """The layers of `p(v, h)^beta` with the present kernel."""
        kernel = tf.convert_to_tensor(self.kernel.value)
        layers = partition.Layers(self.visible, self.hidden, kernel)
        return layers if _is_one(beta) else layers.at(beta)

    # Fields and energies ----------------------------------------------------

    def rows(self, x: Any) -> tf.Tensor:
        """Examples, (batch, *event_shape), as visible states."""
        x = self.visible.space.flatten(ops.convert_to_tensor(x))
        return self.visible.standardise(x)

    def hidden_field(self, v: tf.Tensor, dtype: Any = None) -> tf.Tensor:
        """W' v, multiplied in `dtype`, by default that of states."""
        return self._product(v, dtype)

    def visible_field(self, h: tf.Tensor, dtype: Any = None) -> tf.Tensor:
        """W h, multiplied in `dtype`, by default that of states."""
        return self._product(h, dtype, transpose_b=True)

    def _product(self, states, dtype, **options):
        dtype = dtype or self.dtype
        kernel = ops.cast(self.kernel, dtype)
        states = ops.cast(states, dtype)
        return ops.cast(tf.matmul(states, kernel, **options), self.dtype)

    def energy(self, v: tf.Tensor, field: tf.Tensor | None = None) -> tf.Tensor:
        """-log sum_h exp(-E(v, h)), (batch,), in nats; `field` is W' v.

        That of the examples which the states v stand for.
        """
        field = self.hidden_field(v) if field is None else field
        potential = self.visible.potential(v) - self.visible.log_scale()
        return -(potential + self.hidden.log_cumulant(field))

    # Walks ------------------------------------------------------------------

    def fresh(self, n: Any, seed: random.Seed) -> tf.Tensor:
        """Hidden states given visible units drawn without a kernel."""
        first, second = random.split(seed, 2)
        empty = tf.zeros((n, self.example_width), self.dtype)
        field = self.hidden_field(self.visible.sample(empty, first))
        return self.hidden.sample(field, second)

    def at(
        self, x: tf.Tensor, seed: random.Seed, dtype: Any = None
    ) -> tf.Tensor:
        """Hidden states given examples."""
        field = self.hidden_field(self.rows(x), dtype)
        return self.hidden.sample(field, seed)

    def run(
        self, hidden: tf.Tensor, seed: random.Seed, steps: Any, dtype: Any
    ) -> gibbs.State:
        """Both layers after Gibbs sweeps, their products made in `dtype`."""
        # The visible state is written before it is read.
        empty = tf.zeros((tf.shape(hidden)[0], self.example_width), self.dtype)
        state = gibbs.State(empty, hidden)
        return samplers.run(self._step(dtype), seed, state, steps)

    def _step(self, dtype=None):
        return gibbs.block_gibbs(
            self.visible,
            self.hidden,
            lambda h: self.visible_field(h, dtype),
            lambda v: self.hidden_field(v, dtype),
        )

    def walk(
        self, states: tf.Tensor, seed: random.Seed, steps: Any, beta: Any = 1.0
    ) -> tf.Tensor:
        """Visible states after Gibbs sweeps of p(v, h)^beta."""
        if _is_one(beta):
            return self.run(states, seed, steps, self.dtype).visible
        visible, hidden, kernel = self.layers(beta)
        step = gibbs.block_gibbs(
            visible,
            hidden,
            lambda h: tf.matmul(h, kernel, transpose_b=True),
            lambda v: tf.matmul(v, kernel),
        )
        empty = tf.zeros((tf.shape(states)[0], self.example_width), self.dtype)
        state = gibbs.State(empty, states)
        return samplers.run(step, seed, state, steps).visible

    def sweep(
        self, states: tf.Tensor, seed: random.Seed
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """(hidden states, energies of the visible ones) after one sweep."""
        state, info = self._step()(seed, gibbs.State(None, states))
        return state.hidden, self.energy(state.visible, info.hidden_field)

    def opposite(self, states: tf.Tensor) -> tf.Tensor:
        """Hidden states with each discrete unit at another level."""
        return self.hidden.opposite(states)

    @property
    def jumps_are_cheap(self) -> bool:
        """Whether `jump` costs no more than some hundred sweeps."""
        return self.width * self.example_width <= _CHEAP_TO_JUMP

    def jump(
        self, states: tf.Tensor, seed: random.Seed, beta: Any = 1.0
    ) -> tf.Tensor:
        """Hidden states after sweeps unit by unit over each discrete layer.

        The other layer is summed out: so chains pass between modes that
        differ in one unit, which block Gibbs sampling does not.
        """
        visible, hidden, kernel = self.layers(beta)
        back = tf.transpose(kernel)

        def step(seed, h):
            first, second, third, fourth = random.split(seed, 4)
            if _sweeps(self.hidden):
                h = gibbs.collapsed_gibbs(hidden, visible, back)(first, h)
            if not _sweeps(self.visible):
                return h, ()
            v = visible.sample(tf.matmul(h, back), second)
            v = gibbs.collapsed_gibbs(visible, hidden, kernel)(third, v)
            return hidden.sample(tf.matmul(v, kernel), fourth), ()

        size = self.width * self.example_width
        sweeps = min(max(_JUMPED // size, 1), _MOST_JUMPS)
        return samplers.run(step, seed, states, sweeps)

    @property
    def can_cool(self) -> bool:
        """Whether there is another beta than 1 for both layers."""
        return can_temper(self.visible) and can_temper(self.hidden)

    def clamped(self, x: tf.Tensor, seen: tf.Tensor) -> "Machine":
        """The machine of what is left of visible rows x if some is seen."""
        visible: Any = Clamped(self.visible, x, seen)
        return Machine(visible, self.hidden, self.kernel, self.means)

    def under(self, of_visible: tf.Tensor, of_hidden: tf.Tensor) -> "Machine":
        """The machine whose biases are larger by these, in each row others.

        Args:
            of_visible: (rows, visible.width).
            of_hidden: (rows, hidden.width).
        """
        visible: Any = Shifted(self.visible, of_visible)
        hidden: Any = Shifted(self.hidden, of_hidden)
        return Machine(visible, hidden, self.kernel, self.means)

    def expected(self, states: tf.Tensor) -> tf.Tensor:
        """<v> given hidden states, (batch, visible.width)."""
        return self.visible.mean(self.visible_field(states))

    # The path to log Z ------------------------------------------------------

    def path_inputs(self) -> list[tf.Tensor]:
        """Bias changes to independent units with the means of the data."""
        shifts = []
        for unit, mean in zip(
            (self.visible, self.hidden), self.means, strict=True
        ):
            mean = np.asarray(mean, np.float64)
            shift = np.zeros_like(mean)
            # Without data nothing is known of them.
            if mean.any():
                own = np.asarray(unit.bias, np.float64)
                shift = unit.bias_for(unit.smooth(mean, _EXAMPLES)) - own
            shifts.append(tf.constant(shift, self.dtype))
        return shifts

    def path(
        self, *inputs: tf.Tensor, beta: Any = 1.0
    ) -> partition.AnnealingPath:
        """From independent units to p(v, h)^beta."""
        layers = self.layers(beta)
        if _is_one(beta):
            return partition.AnnealingPath(layers, *inputs)
        # The biases with the shifts are those at 1.
        rest = 1 - tf.cast(beta, self.dtype)
        shifts = [
            shift + rest * ops.cast(unit.bias, self.dtype)
            for shift, unit in zip(
                inputs, (self.visible, self.hidden), strict=True
            )
        ]
        return partition.AnnealingPath(layers, *shifts)

    def from_path(
        self, walkers: Any, seed: random.Seed, beta: Any = 1.0
    ) -> tf.Tensor:
        """Hidden states of chains that go on from walkers on the path."""
        return self.layers(beta).hidden.sample(walkers.field, seed)


def _sweeps(unit):
    """Whether there are units to sweep over one by one."""
    return any(block.has_level_potentials for block in unit.blocks())


def _is_one(beta):
    # A tensor may be anything; the plain chain is the quicker one.
    return not tf.is_tensor(beta) and beta == 1


class Leaps:
    """Proposals h of `q(h) = sum_b w_b p(h | v_b)`, taken by Metropolis's rule.

    Where data have modes far apart sweeps do not pass between them, and
    differences of two examples lead from one to another only if the modes are
    narrow beside their distances in each column. Drawn given an example, h is
    in a mode of the data; beside the exact p(h) it is taken as often as the
    model says. The better the model, the nearer q is to p(h): of a good one
    nearly all are taken. Rows of a batch do not depend on the chains, so that
    the model's distribution is left as it is.

    Args:
        machine: the `Machine`.
        fields: W' v of a batch, (rows, hidden.width), the same on all replicas.
        weight: of these rows, or None.

    Reference:
        Tierney, "Markov chains for exploring posterior distributions", Annals
        of Statistics 22, 1994: independence chains.
    """

    def __init__(
        self, machine: Machine, fields: tf.Tensor, weight: tf.Tensor | None
    ):
        self.machine = machine
        if weight is None:
            weight = tf.ones(tf.shape(fields)[0], fields.dtype)
        share = weight / tf.reduce_sum(weight)
        midst = tf.linalg.matvec(fields, share, transpose_a=True)
        self._fields = tf.concat([fields, midst[None]], axis=0)
        self._shares = tf.concat([(1 - _MIDST) * share, [_MIDST]], axis=0)
        cumulant = machine.hidden.log_cumulant(self._fields)
        self._level = tf.math.log(self._shares) - cumulant

    def draw(self, n: Any, seed: random.Seed) -> tf.Tensor:
        """n hidden states of q, (n, hidden.width)."""
        which, own = random.split(seed, 2)
        ends = tf.cumsum(tf.cast(self._shares, tf.float64))
        place = random.uniform((n, 1), which, "float64")[:, 0] * ends[-1]
        row = tf.searchsorted(ends, place, side="right")
        row = tf.minimum(row, tf.size(ends) - 1)
        return self.machine.hidden.sample(tf.gather(self._fields, row), own)

    def log_density(self, h: tf.Tensor) -> tf.Tensor:
        """log q(h), less the hidden units' own potential, (n,)."""
        joint = tf.matmul(h, self._fields, transpose_b=True)
        return tf.reduce_logsumexp(joint + self._level, axis=1)

    def __call__(
        self, h: tf.Tensor, seed: random.Seed, dtype: Any = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Hidden states after each may have leapt, and their fields W h.

        Args:
            h: hidden states of chains, (n, hidden.width).
            seed: a `runtime.random.Seed`, at the row of the chains.
            dtype: in which products with the kernel are made.
        """
        first, second = random.split(seed, 2)
        states = h, self.draw(tf.shape(h)[0], first)
        fields = [self.machine.visible_field(own, dtype) for own in states]
        # The hidden units' own potential is in p and in q.
        excess = [
            self.machine.visible.log_cumulant(field)
            - self.log_density(ops.cast(own, field.dtype))
            for own, field in zip(states, fields, strict=True)
        ]
        uniform = random.uniform((tf.shape(h)[0], 1), second)
        gain = excess[1] - excess[0]
        taken = tf.math.log(ops.cast(uniform, gain.dtype)) < gain[:, None]
        taken_h, taken_field = (
            tf.where(taken, new, old) for old, new in (states, fields)
        )
        return taken_h, taken_field
