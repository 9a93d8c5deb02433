"""Seconds since 1970 and masses in electronvolts are compared as others are."""

import numpy as np
import pytest

from genzoo import metrics

CASES = [
    (metrics.MomentError, {}),
    (metrics.FrechetDistance, {}),
    (metrics.KernelDistance, {"kernel": "gaussian"}),
    (metrics.KernelDistance, {"kernel": "gaussian", "bandwidth": 1.0}),
    (metrics.SlicedWasserstein, {}),
]


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_a_shift_of_both_samples_changes_nothing(kind, options):
    rng = np.random.default_rng(3)
    # Sums of such numbers are exact, and so is what is added.
    x, y = rng.integers(-1024, 1024, (2, 400, 3)) / 1024
    y[:, 0] += 0.25

    def found(shift):
        metric = kind(**options)
        for part in (slice(150), slice(150, None)):
            metric.update_state(x[part] + shift, y[part] + shift)
        result = metric.result()
        return result if isinstance(result, dict) else {"value": result}

    near, far = found(0.0), found(2.0**31)
    assert far == pytest.approx(near, rel=1e-6)
    assert max(near.values()) > 0.01
