"""Standard errors of what is computed from groups of samples."""

import numpy as np

from genzoo.metrics import Estimate


def jackknife(statistic, groups):
    """A statistic of all groups together, and its standard error.

    Args:
        statistic: a function of such an array, to a float.
        groups: array of averages or samples, (groups, ...), the groups
            independent and of equal size.

    Returns:
        A `metrics.Estimate`.

    Reference:
        Quenouille 1949; Efron, "The jackknife, the bootstrap and other
        resampling plans", SIAM 1982.
    """
    count = len(groups)
    others = [statistic(np.delete(groups, i, axis=0)) for i in range(count)]
    spread = np.std(others) * np.sqrt(count - 1)
    return Estimate(float(statistic(groups)), float(spread))
