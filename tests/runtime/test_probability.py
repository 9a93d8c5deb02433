import numpy as np

from genzoo.runtime.probability import effective_sample_size


def test_effective_sample_size_of_a_known_process():
    # x_t = rho x_{t-1} + noise has n (1 - rho) / (1 + rho) independent draws.
    rng = np.random.default_rng(0)
    draws, chains = 4000, 32
    for rho in (0.0, 0.5, 0.8):
        x = np.zeros((draws, chains))
        x[0] = rng.normal(size=chains)
        for t in range(1, draws):
            noise = np.sqrt(1 - rho**2) * rng.normal(size=chains)
            x[t] = rho * x[t - 1] + noise
        ess = effective_sample_size(x).numpy()
        assert ess.shape == (chains,)
        # The sum over lags of up to about 20 has, in one chain, a relative
        # error of sqrt(80 / draws); four of these for the mean of 32 chains.
        theory = draws * (1 - rho) / (1 + rho)
        np.testing.assert_allclose(ess.mean(), theory, rtol=0.1)
