import functools

import numpy as np
import pytest
import tensorflow as tf

from genzoo.runtime import random
from genzoo.units import (
    Bernoulli,
    Binomial,
    Categorical,
    Gaussian,
    Poisson,
    ReLU,
    Spin,
    UnitInterval,
)
from genzoo.units.tempered import Tempered

UNITS = {
    "bernoulli": functools.partial(Bernoulli, 3),
    "spin": functools.partial(Spin, 3),
    "categorical": functools.partial(Categorical, 2, 3),
    "gaussian": functools.partial(Gaussian, 3, variance=[0.3, 1.0, 4.0]),
    "relu": functools.partial(ReLU, 3),
    "unit interval": functools.partial(UnitInterval, 3),
}


@pytest.mark.parametrize("beta", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("name", UNITS)
def test_tempered_units_have_the_density_they_say(name, beta):
    unit = UNITS[name]()
    rng = np.random.default_rng(3)
    unit.bias.assign(rng.normal(size=unit.width))
    field = rng.normal(size=(1, unit.width))
    tempered = Tempered(unit, beta)
    if unit.levels is None:
        # One unit at a time, on a fine grid.
        low = np.maximum(unit.space.low[0], -40.0)
        high = np.minimum(unit.space.high[0], 40.0)
        grid, step = np.linspace(low, high, 200_001, retstep=True)
        log_cumulant, mean, square = [], [], []
        for site in range(unit.size):
            x = np.zeros((len(grid), unit.size))
            x[:, site] = grid
            log_w = beta * unit.potential(tf.constant(x)).numpy()
            w = np.exp(log_w + field[0, site] * grid)
            w[[0, -1]] /= 2
            log_cumulant.append(np.log(w.sum() * step))
            mean.append((w @ grid) / w.sum())
            square.append((w @ grid**2) / w.sum())
        mean, square = np.array(mean), np.array(square)
        log_cumulant = sum(log_cumulant)
    else:
        x = unit.states(0, unit.state_count, "float64")
        log_w = beta * unit.potential(x).numpy() + x.numpy() @ field[0]
        log_cumulant = np.logaddexp.reduce(log_w)
        p = np.exp(log_w - log_cumulant)
        mean, square = p @ x.numpy(), p @ x.numpy() ** 2
    field = tf.constant(field)
    np.testing.assert_allclose(
        tempered.log_cumulant(field)[0], log_cumulant, rtol=1e-4, atol=1e-4
    )
    np.testing.assert_allclose(
        tempered.mean(field)[0], mean, rtol=1e-4, atol=1e-4
    )
    n = 20_000
    rows = tf.cast(tf.repeat(field, n, axis=0), tf.float32)
    drawn = tempered.sample(rows, random.as_seed(1)).numpy()
    error = np.sqrt((square - mean**2) / n)
    assert (np.abs(drawn.mean(axis=0) - mean) < 5 * error + 1e-6).all()


def test_units_of_another_kind_have_no_temperature():
    class Odd(Bernoulli):
        def potential(self, x):
            return super().potential(x) - tf.reduce_sum(x, 1) ** 2

    for unit in (Odd(3), Binomial(3, trials=4), Poisson(2)):
        name = type(unit).__name__
        with pytest.raises(ValueError, match=f"{name} units have no temp"):
            Tempered(unit, 2.0)
