"""Functions of the user's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo
from genzoo import features, spaces


def test_as_many_nodes_as_are_asked_for():
    @keras.saving.register_keras_serializable("test_function")
    def narrow(x):
        return tf.exp(-0.5 * ((x[:, 0] - 0.7) / 1e-4) ** 2)

    # log Z by hand: 1 + the integral of exp(f) - 1.
    t = np.linspace(-12, 12, 20_001)
    bump = np.trapezoid(np.expm1(np.exp(-0.5 * t**2)), t) * 1e-4
    found = {}
    for nodes in (None, 60_000):
        part = features.Function(narrow, nodes=nodes, breaks=[0.2])
        model = genzoo.MaxEnt(spaces.Interval(0, 1), part)
        model.multipliers = [1.0]
        found[nodes] = model.log_partition().value
    assert abs(found[None] - np.log1p(bump)) > 1e-6
    assert found[60_000] == pytest.approx(np.log1p(bump), abs=1e-12)
    assert part.get_config()["nodes"] == 60_000
