"""Layer by layer: RBMs whose kernels a deep machine can begin with."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from genzoo.models.rbm.model import RBM
from genzoo.models.rbm.stack import Stack
from genzoo.runtime import random
from genzoo.types import Array
from genzoo.units import Bernoulli, Binomial, Unit


def rbms_of(units: Sequence[Unit], seed: random.Seed, where: str) -> list[RBM]:
    """An `RBM` for each two neighbours, which knows what is to come.

    In the deep machine the field on a hidden layer has two parts, from below
    and from above, where that on an RBM's has one. So each RBM sees or draws
    its end layer twice, with one kernel: two bits are `Binomial` of two
    trials. In between, kernels are halved afterwards.

    Args:
        units: the layers of the deep machine.
        seed: of all RBMs.
        where: who asks, for messages.

    Raises:
        ValueError: if the first or the last layer is not `Bernoulli`.
    """
    ends = 0, len(units) - 1
    for number in ends:
        if type(units[number]) is not Bernoulli:
            raise ValueError(
                f"{where}: the first and the last layer must be Bernoulli, "
                f"which are seen twice; units[{number}] are "
                f"{units[number].said}. fit without it: gradients are "
                "centred, so that no layer needs to be trained before."
            )

    def layer(number: int) -> Unit:
        unit = units[number]
        if number in ends:
            return Binomial(unit.arrangement, 2, dtype=unit.variable_dtype)
        return type(unit).from_config(unit.get_config())

    return [
        RBM(
            layer(lower),
            layer(lower + 1),
            seed=random.fold_in(seed, lower).key.numpy().tolist(),
            dtype=units[lower].variable_dtype,
        )
        for lower in range(ends[1])
    ]


def composed(stack: Stack) -> tuple[list[Array], list[list[Array]]]:
    """(kernels, parameters of each layer) of the deep machine they make.

    A layer that two RBMs have gets the mean of both.
    """
    last = len(stack) - 1
    kernels = [
        rbm.kernel.numpy() / (1 if number in (0, last) else 2)
        for number, rbm in enumerate(stack.rbms)
    ]
    found: list[list[Any]] = [[] for _ in range(last + 2)]
    for number, rbm in enumerate(stack.rbms):
        found[number].append(rbm.visible.parameters)
        found[number + 1].append(rbm.hidden.parameters)
    return kernels, [
        [
            np.mean([weight.numpy() for weight in same], axis=0)
            for same in zip(*layer, strict=True)
        ]
        for layer in found
    ]


def doubled(x: Array, seen: Array | None) -> Array:
    """What the first RBM sees of bits, NaN where they are not known."""
    return 2 * x if seen is None else np.where(seen, 2.0 * x, np.nan)
