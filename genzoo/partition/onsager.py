"""Exact results for the Ising model on the square lattice, without field.

`p(s) = exp(coupling * sum s_i s_j) / Z` over the bonds between neighbours;
coupling = 1 / temperature, with J = k_B = 1.

Reference:
    Onsager, "Crystal statistics I", Phys. Rev. 65, 1944. Kaufman, "Crystal
    statistics II", Phys. Rev. 76, 1949. Yang, "The spontaneous magnetization
    of a two-dimensional Ising model", Phys. Rev. 85, 1952. Ferdinand and
    Fisher, "Bounded and inhomogeneous Ising models I", Phys. Rev. 185, 1969.
"""

import math
from collections.abc import Sequence

import tensorflow as tf

from genzoo import checks

CRITICAL_TEMPERATURE = 2 / math.log(1 + math.sqrt(2))


def onsager_energy(temperature: float) -> float:
    """Energy per site of the infinite lattice, a float.

    `-coth(2/T) (1 + 2/pi k' K(k))` with `k' = 2 tanh(2/T)^2 - 1` and K the
    complete elliptic integral of modulus k, k^2 + k'^2 = 1.
    """
    tanh = math.tanh(2 / _checked(temperature))
    modulus = 2 * tanh**2 - 1
    if abs(modulus) < 1e-15:
        return -1 / tanh
    # K(k) = pi / 2 over the arithmetic-geometric mean of 1 and |k'|.
    arithmetic, geometric = 1.0, abs(modulus)
    while abs(arithmetic - geometric) > 1e-15 * arithmetic:
        arithmetic, geometric = (
            (arithmetic + geometric) / 2,
            math.sqrt(arithmetic * geometric),
        )
    return -(1 + modulus / arithmetic) / tanh


def onsager_magnetisation(temperature: float) -> float:
    """Spontaneous magnetisation of the infinite lattice, a float.

    `(1 - sinh(2/T)^-4)^(1/8)` below the critical temperature, 0 above.
    """
    if _checked(temperature) >= CRITICAL_TEMPERATURE:
        return 0.0
    # sinh x = 1 / (2 y) (1 - y^2) with y = exp(-x), which cannot overflow.
    y = math.exp(-2 / temperature)
    return (1 - (2 * y / (1 - y * y)) ** 4) ** 0.125


def torus_log_partition(
    shape: Sequence[int], coupling: float | tf.Tensor
) -> tf.Tensor:
    """log Z of a torus of any size, exact, a float64 scalar tensor.

    Kaufman's sum of four products. `tf.GradientTape` differentiates it by
    the coupling as often as wanted. A side of 2 counts both its bonds.

    Args:
        shape: (rows, columns), 2 or more each.
        coupling: J / kT > 0, a number or scalar tensor.

    Raises:
        ValueError: if the shape is anything else.
    """
    if len(shape) != 2 or min(shape) < 2:
        raise ValueError(
            "torus_log_partition: shape must be (rows, columns), 2 or more "
            f"each; received {shape!r}."
        )
    rows, columns = shape
    coupling = as_float64(coupling)
    twice = 2 * coupling
    waves = tf.range(1, 2 * columns, dtype=tf.float64) * (math.pi / columns)
    mean = tf.cosh(twice) / tf.tanh(twice)
    gamma = tf.acosh(mean - tf.cos(waves))
    # The wave 0 changes its sign at the critical coupling.
    first = twice + tf.math.log(tf.tanh(coupling))
    odd = gamma[::2] * (rows / 2)
    even = tf.concat([first[None], gamma[1::2]], axis=0) * (rows / 2)
    products, scales = [], []
    for x in (odd, even):
        # 2 cosh x and 2 sinh x, relative to exp |x|; a constant's derivative
        # is not missed, since it is added again.
        scale = tf.stop_gradient(tf.abs(x))
        up, down = tf.exp(x - scale), tf.exp(-x - scale)
        products.append(tf.reduce_prod(up + down) + tf.reduce_prod(up - down))
        scales.append(tf.reduce_sum(scale))
    largest = tf.maximum(*scales)
    total = sum(
        p * tf.exp(s - largest) for p, s in zip(products, scales, strict=True)
    )
    # log(2 sinh 2K) without overflow.
    bulk = twice + tf.math.log(-tf.math.expm1(-2 * twice))
    return rows * columns / 2 * bulk + largest + tf.math.log(total / 2)


def torus_energy(shape: Sequence[int], temperature: float) -> float:
    """Energy per site of a torus in equilibrium, exact, a float.

    Args:
        shape: (rows, columns), 2 or more each.
        temperature: T > 0.
    """
    coupling = tf.constant(1 / _checked(temperature), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(coupling)
        log_z = torus_log_partition(shape, coupling)
    return -float(tape.gradient(log_z, coupling)) / (shape[0] * shape[1])


def as_float64(number: float | tf.Tensor) -> tf.Tensor:
    """A float64 tensor, to full precision of a Python number."""
    if not hasattr(number, "dtype"):
        checks.finite_number(number, "coupling or field")
    return tf.cast(
        tf.convert_to_tensor(number, dtype_hint=tf.float64), tf.float64
    )


def _checked(temperature):
    if not checks.is_number(temperature) or not temperature > 0:
        raise ValueError(
            "temperature must be above 0, in units of J / k_B; received "
            f"{temperature!r}."
        )
    return float(temperature)
