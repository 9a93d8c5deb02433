"""Deep belief networks: an RBM as the prior, and what it draws downwards."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.models.common.completion import Marginal
from genzoo.models.rbm.model import RBM
from genzoo.models.rbm.stack import Stack, pretrain
from genzoo.runtime import data, random
from genzoo.types import ArrayLike, SeedLike
from genzoo.units import Unit
from genzoo.units.mixed import layer_of, told

_ROWS = 1024


class DeepBeliefNetwork(Stack):
    """`p(x, h) = p(x | h_1) p(h_1 | h_2) ... p(h_(L-1), h_L)`.

    The last factor is an RBM, the others are how the RBMs below it draw their
    visible units. They are trained one after the other, each on hidden states
    of the one below, `q(h_l | h_(l-1))`, which makes the `bound` larger.

    Args:
        units: the layers, `Unit`s or lists of them, that of the examples
            first; at least two.
        seed: int or pair of ints, for all that is drawn at random.
        **options: of each `RBM`, such as centered or dtype.

    Attributes:
        rbms: the `RBM`s, the one that sees examples first. Each has units of
            its own, so that there are two biases for a layer in between: the
            lower RBM's is that of q, the upper one's that of p.

    Raises:
        ValueError: for fewer than two layers, and as `RBM`.

    Reference:
        Hinton, Osindero and Teh, "A fast learning algorithm for deep belief
        nets", 2006. Salakhutdinov and Murray, "On the quantitative analysis
        of deep belief networks", ICML 2008.

    Example:
    >>> network = genzoo.DeepBeliefNetwork(
    ...     [genzoo.units.Bernoulli(n) for n in (64, 10, 5)]
    ... )
    >>> network = network.fit(x_train, epochs=1, verbose=0)
    >>> network.bound(x_test[:3]).value.shape, network.sample(2, seed=0).shape
    ((3,), (2, 64))
    """

    def __init__(
        self,
        units: Sequence[Unit | Sequence[Unit] | Mapping[str, Unit]],
        seed: SeedLike | None = None,
        **options: Any,
    ):
        where = type(self).__name__
        if not isinstance(units, (list, tuple)) or len(units) < 2:
            raise ValueError(
                f"{where}: units must be a list of two layers or more, for "
                "example [Bernoulli(64), Bernoulli(50), Bernoulli(20)]; "
                f"received {units!r}."
            )
        layers = [
            layer_of(unit, f"{where}: units[{number}]")
            for number, unit in enumerate(units)
        ]
        for number, unit in enumerate(layers):
            if not isinstance(unit, Unit):
                raise ValueError(
                    f"{where}: units[{number}] must be units, for example "
                    f"genzoo.units.Bernoulli(64); received {unit!r}."
                )
        rbms = []
        for number, (lower, upper) in enumerate(
            zip(layers[:-1], layers[1:], strict=True)
        ):
            if number:
                lower = type(lower).from_config(lower.get_config())
            own = seed
            if seed is not None:
                key = random.fold_in(random.as_seed(seed), number).key
                own = key.numpy().tolist()
            rbms.append(RBM(lower, upper, seed=own, **options))
        super().__init__(rbms)

    def __repr__(self) -> str:
        layers = [self.rbms[0].visible, *(rbm.hidden for rbm in self.rbms)]
        return f"<{type(self).__name__}: {' x '.join(map(told, layers))} units>"

    def fit(
        self,
        x: ArrayLike,
        epochs: int | Sequence[int] = 10,
        batch_size: int | None = None,
        validation_data: ArrayLike | None = None,
        **options: Any,
    ) -> "DeepBeliefNetwork":
        """Train the RBMs one after the other; see `genzoo.pretrain`.

        Args:
            x: examples, (n, *event_shape).
            epochs: of each RBM, or one number for each.
            batch_size: as in `RBM.fit`.
            validation_data: held-out examples, as x.
            **options: of `genzoo.pretrain`, such as missing or verbose.

        Returns:
            Itself; `histories` has those of the RBMs.

        Raises:
            ValueError: as `genzoo.pretrain`.
        """
        trained = pretrain(
            self.rbms, x, epochs, batch_size, validation_data, **options
        )
        self.histories += trained.histories
        return self

    def bound(
        self, x: ArrayLike, draws: int = 10, seed: SeedLike = 0
    ) -> Marginal:
        """A lower bound of log p(x) in nats, estimated by draws from q.

        `<log p(x, h) - log q(h | x)>` with the last layer summed out. Of each
        RBM below the last it is `-E(x) - <E(h)>`, where E(h) is that of
        hidden states alone. log Z is that of the last RBM's `log_partition`,
        whose error comes on top.

        Args:
            x: examples, (n, *event_shape).
            draws: of h for each example, at least 2.
            seed: int or pair of ints.

        Returns:
            A `Marginal` (value, stderr) of arrays (n,): the means over the
            draws, and their standard errors.

        Raises:
            ValueError: if x is not in the space, or an RBM has not seen data.
        """
        where = f"{type(self).__name__}.bound"
        draws = checks.whole(2)(draws, f"{where}: draws")
        *below, top = self.rbms
        for rbm in self.rbms:
            rbm._check_adapted("bound")
        first = self.rbms[0]
        x = first.space.check(where, x, wide=first._keeps_float64)
        log_z, seed = top._log_z(), random.as_seed(seed)
        size = max(data.rows_at_once(x, _ROWS) // draws, 1)
        found = []
        for start in range(0, len(x), size):
            rows = np.repeat(x[start : start + size], draws, axis=0)
            own = seed.at_row(start * draws)
            found.append(self._terms(below, top, rows, own).reshape(-1, draws))
        each = np.concatenate(found)
        spread = each.std(axis=1, ddof=1) / np.sqrt(draws)
        return Marginal(each.mean(axis=1) - log_z, spread)

    def _terms(self, below, top, x, seed):
        """log p*(x, h) - log q(h | x) of a draw for each row, float64."""
        total = np.zeros(len(x))
        for number, rbm in enumerate(below):
            machine = rbm._machine
            v = machine.rows(x)
            field = machine.hidden_field(v)
            key = random.fold_in(seed, number).at_row(seed.row)
            h = machine.hidden.sample(field, key)
            upwards = machine.hidden.potential(h)
            upwards += machine.visible.log_cumulant(machine.visible_field(h))
            total -= np.asarray(machine.energy(v, field) + upwards)
            restored = machine.hidden.restore(h)
            x = machine.hidden.space.unflatten(restored)
        return total - np.asarray(tf.cast(top.call(x), tf.float64))
