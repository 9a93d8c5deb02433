"""Spins of four kinds on any lattice: what a site and a cluster may do.

`p(x) = exp(coupling * sum_<ij> e(x_i, x_j) + field * sum_i f(x_i)) / Z` over
the bonds of a lattice; couplings and fields are already divided by T, and have
any sign.

- `Ising`: x = -1 or 1, e = x_i x_j, f = x_i;
- `Potts`: x = 0, ..., q - 1, e = 1 where x_i = x_j, f = 1 where x_i = 0;
- `Clock`: x = 0, ..., q - 1, angles 2 pi x / q, e = cos(x_i - x_j) of the
  angles, f = cos x_i;
- `XY`: unit vectors x = exp(i angle), complex, e = cos(x_i - x_j), f = cos x_i.

A site is drawn given its neighbours. A cluster is what a symmetry of the
coupling, an involution R such as a reflection, changes together: bonds join
sites with probability `1 - exp(-coupling * (e(x_i, x_j) - e(R x_i, x_j)))`
where that is above 0. All work on arrays of the host: there is nothing to
compile.

Reference:
    Swendsen and Wang, "Nonuniversal critical dynamics in Monte Carlo
    simulations", Phys. Rev. Lett. 58, 1987. Wolff, "Collective Monte Carlo
    updating for spin systems", Phys. Rev. Lett. 62, 1989. Wang, Swendsen and
    Kotecky, "Antiferromagnetic Potts models", Phys. Rev. Lett. 63, 1989.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from genzoo.types import Array


class Model(Protocol):
    """What the moves ask of a kind of spin.

    Attributes:
        numbers: how many random numbers a site takes.
        nothing: what stands for a neighbour that is not there.
    """

    numbers: ClassVar[int]
    nothing: ClassVar[int]

    @property
    def coupling(self) -> float:
        """J / T."""

    @property
    def field(self) -> float:
        """h / T."""

    def values(self, uniform: Array) -> Array:
        """Spins without a preference, of numbers in [0, 1)."""

    def drawn(self, x: Array, near: list[Array], uniform: Array) -> Array:
        """The sites x (lattices, sites) given each of their neighbours.

        Args:
            x: what they are.
            near: arrays like x.
            uniform: numbers in [0, 1), (lattices, sites, numbers).
        """

    def reflected(self, x: Array, uniform: Array) -> Array:
        """All sites under a symmetry of the coupling, by some numbers."""

    def joined(
        self, x: Array, other: Array, image: Array, uniform: Array
    ) -> Array:
        """Which bonds from x to other join, where x may become its image."""

    def gain(self, x: Array, image: Array) -> Array:
        """What log p gains by the field where x becomes its image."""


@dataclass(frozen=True)
class Ising:
    """Spins -1 and 1, int8."""

    coupling: float
    field: float = 0.0

    numbers: ClassVar[int] = 1
    nothing: ClassVar[int] = 0

    def values(self, uniform: Array) -> Array:
        """Up or down."""
        return np.where(uniform < 0.5, 1, -1).astype(np.int8)

    def drawn(self, x: Array, near: list[Array], uniform: Array) -> Array:
        """Up with probability sigmoid(2 (coupling * sum + field))."""
        most = len(near)
        total = sum(near[1:], start=near[0] + np.int8(most)) if near else 0 * x
        up = 2 * (self.coupling * np.arange(-most, most + 1) + self.field)
        chance = _sigmoid(up).astype(np.float32)[total]
        return np.where(uniform[..., 0] < chance, 1, -1).astype(np.int8)

    def reflected(self, x: Array, uniform: Array) -> Array:
        """All spins the other way."""
        return -x

    def joined(
        self, x: Array, other: Array, image: Array, uniform: Array
    ) -> Array:
        """Bonds that are satisfied, with probability 1 - exp(-2 |J| / T)."""
        satisfied = x == other if self.coupling > 0 else x != other
        return satisfied & (uniform < -math.expm1(-2 * abs(self.coupling)))

    def gain(self, x: Array, image: Array) -> Array:
        """-2 field x."""
        return -2 * self.field * x


@dataclass(frozen=True)
class Potts:
    """Levels 0, ..., q - 1, integers."""

    states: int
    coupling: float
    field: float = 0.0

    numbers: ClassVar[int] = 1
    nothing: ClassVar[int] = -1

    def values(self, uniform: Array) -> Array:
        """Any level."""
        return _level(uniform, self.states)

    def drawn(self, x: Array, near: list[Array], uniform: Array) -> Array:
        """A level by its number of neighbours: exp(coupling * number)."""
        logits = []
        for level in range(self.states):
            same = np.zeros(x.shape, np.int8)
            for other in near:
                same += other == level
            logits.append(np.float32(self.coupling) * same)
        logits[0] = logits[0] + np.float32(self.field)
        return _chosen(logits, uniform[..., 0]).astype(x.dtype)

    def reflected(self, x: Array, uniform: Array) -> Array:
        """Levels in pairs at random, each the other of its pair."""
        order = np.argsort(uniform[: self.states], kind="stable")
        image = np.arange(self.states)
        first, second = order[: len(order) // 2], order[-(len(order) // 2) :]
        image[first], image[second] = second, first
        return image.astype(x.dtype)[x]

    def joined(
        self, x: Array, other: Array, image: Array, uniform: Array
    ) -> Array:
        """Equal levels, or those of a pair where the coupling is below 0."""
        like = x if self.coupling > 0 else image
        chance = -math.expm1(-abs(self.coupling))
        return (like == other) & (x != image) & (uniform < chance)

    def gain(self, x: Array, image: Array) -> Array:
        """The field times what becomes level 0, less what was."""
        return self.field * ((image == 0).astype(float) - (x == 0))


@dataclass(frozen=True)
class Clock:
    """Levels 0, ..., q - 1, integers, of angles 2 pi x / q."""

    states: int
    coupling: float
    field: float = 0.0

    numbers: ClassVar[int] = 1
    # The last of the vectors, which is 0.
    nothing: ClassVar[int] = -1

    @property
    def vectors(self) -> Array:
        """Of each level, and 0 behind them, complex."""
        angles = 2 * math.pi * np.arange(self.states) / self.states
        return np.append(np.exp(1j * angles), 0).astype(np.complex64)

    def values(self, uniform: Array) -> Array:
        """Any level."""
        return _level(uniform, self.states)

    def drawn(self, x: Array, near: list[Array], uniform: Array) -> Array:
        """A level by exp(field . its vector)."""
        vectors = self.vectors
        near = [vectors[other] for other in near]
        pull = _pull(self, x.shape, near)
        logits = [
            pull.real * vector.real + pull.imag * vector.imag
            for vector in vectors[:-1]
        ]
        return _chosen(logits, uniform[..., 0]).astype(x.dtype)

    def reflected(self, x: Array, uniform: Array) -> Array:
        """Angles mirrored at a line that keeps the levels."""
        return ((int(uniform[0] * self.states) - x) % self.states).astype(
            x.dtype
        )

    def joined(
        self, x: Array, other: Array, image: Array, uniform: Array
    ) -> Array:
        """By what the bond would lose."""
        vectors = self.vectors
        loss = (vectors[x] - vectors[image]) * vectors[other].conj()
        return uniform < -np.expm1(-self.coupling * loss.real)

    def gain(self, x: Array, image: Array) -> Array:
        """The field times the change of cos."""
        vectors = self.vectors
        return self.field * (vectors[image] - vectors[x]).real


@dataclass(frozen=True)
class XY:
    """Unit vectors as complex numbers."""

    coupling: float
    field: float = 0.0

    numbers: ClassVar[int] = 2
    nothing: ClassVar[int] = 0

    def values(self, uniform: Array) -> Array:
        """Any angle."""
        return np.exp(2j * math.pi * uniform).astype(np.complex64)

    def drawn(self, x: Array, near: list[Array], uniform: Array) -> Array:
        """A von Mises angle about the field, or the old one.

        Offered from a wrapped Cauchy distribution, which is within 1.52 times
        of it (Best and Fisher, Applied Statistics 28, 1979): a uniform point
        w of the circle becomes (w + rho) / (1 + rho w) and is turned to the
        field. Taken with probability min(1, ratio of the densities' ratios),
        hardly ever not, it leaves exactly the von Mises distribution.
        """
        pull = _pull(self, x.shape, near)
        kappa = np.abs(pull)
        forward = np.where(kappa > 0, pull / np.maximum(kappa, 1e-30), 1)
        root = np.sqrt(1 + np.sqrt(1 + 4 * kappa**2))
        rho = 2 * kappa / (root * (root + math.sqrt(2)))
        point = np.exp(2j * math.pi * uniform[..., 0]).astype(x.dtype)
        new = (point + rho) / (1 + rho * point)
        old = x * forward.conj()

        def score(z):
            # log of von Mises over wrapped Cauchy, but for constants.
            return kappa * z.real + np.log(
                np.maximum(1 + rho**2 - 2 * rho * z.real, 1e-30)
            )

        taken = np.log(np.maximum(uniform[..., 1], 1e-30)) < (
            score(new) - score(old)
        )
        new = np.where(taken, new, old) * forward
        return (new / np.abs(new)).astype(x.dtype)

    def turned(self, x: Array, near: list[Array]) -> Array:
        """Mirrored at the field, as far on its other side."""
        pull = _pull(self, x.shape, near)
        size = np.abs(pull)
        forward = pull / np.maximum(size, 1e-30)
        return np.where(size > 1e-6, forward**2 * x.conj(), x).astype(x.dtype)

    def reflected(self, x: Array, uniform: Array) -> Array:
        """Mirrored at a line through 0."""
        return np.complex64(np.exp(2j * math.pi * uniform[0])) * x.conj()

    def joined(
        self, x: Array, other: Array, image: Array, uniform: Array
    ) -> Array:
        """By what the bond would lose."""
        loss = ((x - image) * other.conj()).real
        return uniform < -np.expm1(-self.coupling * loss)

    def gain(self, x: Array, image: Array) -> Array:
        """The field times the change of cos."""
        return self.field * (image - x).real


def _pull(model, shape, near):
    """coupling * sum of the neighbours + field, complex."""
    total = np.full(shape, model.field, np.complex64)
    for other in near:
        total += np.float32(model.coupling) * other
    return total


def _level(uniform, states):
    dtype = np.int8 if states < 128 else np.int16
    return np.minimum(uniform * states, states - 1).astype(dtype)


def _chosen(logits, uniform):
    """The number of the weight, exp(logit), in which a part of all falls."""
    sums = np.exp(logits - np.max(logits, axis=0))
    np.cumsum(sums, axis=0, out=sums)
    point = uniform * sums[-1]
    return np.sum([point >= below for below in sums[:-1]], axis=0)


def _sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))
