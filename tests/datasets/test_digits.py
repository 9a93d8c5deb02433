import numpy as np

import genzoo as gz


def test_digits_are_those_of_uci():
    (x, y), (x_test, y_test) = gz.datasets.digits.load_data()
    assert x.shape == (1500, 8, 8)
    assert x_test.shape == (297, 8, 8)
    assert x.dtype == y.dtype == np.uint8
    assert (x.min(), x.max()) == (0, 16)
    # Each class has about a tenth of the images, and its own mean image.
    counts = np.bincount(np.append(y, y_test))
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    means = np.array([x[y == digit].mean(0) for digit in range(10)])
    distances = ((x_test[:, None] - means) ** 2.0).sum((2, 3))
    assert np.mean(distances.argmin(1) == y_test) > 0.8
