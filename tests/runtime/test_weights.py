"""What is remembered of weights is put back, whatever it was."""

import keras
import numpy as np

from genzoo.runtime import weights


def test_zeros_large_and_small_are_put_back_as_they_were():
    model = keras.Sequential([keras.Input((300,)), keras.layers.Dense(300)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    held = [*model.variables, *model.optimizer.variables]
    # Negative zeros are zeros, too; one number that is none is kept.
    kernel = np.zeros((300, 300), "float32")
    kernel[7, 3] = 1e-30
    model.layers[0].kernel.assign(kernel)
    before = [variable.numpy().copy() for variable in held]
    put_back = weights.remember(model)
    for _ in range(2):
        for variable in held:
            variable.assign(np.ones(variable.shape))
        put_back()
        for variable, value in zip(held, before, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value)
