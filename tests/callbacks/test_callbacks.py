import numpy as np
import pytest

import genzoo as gz


def test_log_likelihood_goes_into_history(small_rbm, bits):
    rbm, silent = small_rbm("pcd"), small_rbm("pcd")
    callback = gz.callbacks.LogLikelihood(
        {"train": bits[:200], "test": bits[200:]}, every=2
    )
    history = rbm.fit(bits, epochs=4, verbose=0, callbacks=[callback]).history
    silent.fit(bits, epochs=4, verbose=0)
    assert len(history["train_log_likelihood"]) == 2
    assert history["test_log_likelihood"][-1] == pytest.approx(
        rbm.log_prob(bits[200:]).mean()
    )
    assert history["log_likelihood_stderr"] == [0.0, 0.0]
    np.testing.assert_array_equal(rbm.kernel.numpy(), silent.kernel.numpy())


def test_log_likelihood_of_one_array_by_annealing(small_rbm, bits):
    rbm = small_rbm("cd")
    callback = gz.callbacks.LogLikelihood(
        bits, method="ais", chains=20, temperatures=30, reverse=False
    )
    history = rbm.fit(bits, verbose=0, callbacks=[callback]).history
    assert history["log_likelihood_stderr"][0] > 0
    assert history["log_likelihood"][0] < 0


def test_log_likelihood_checks_its_data_before_training(small_rbm, bits):
    rbm = small_rbm("pcd")
    rbm.adapt(bits)
    kernel = rbm.kernel.numpy()
    callback = gz.callbacks.LogLikelihood(bits * 255)
    with pytest.raises(ValueError, match="LogLikelihood: x must hold"):
        rbm.fit(bits, verbose=0, callbacks=[callback])
    np.testing.assert_array_equal(kernel, rbm.kernel.numpy())
    with pytest.raises(ValueError, match="every"):
        gz.callbacks.LogLikelihood(bits, every=0)


def health(rbm, x):
    watch = gz.callbacks.ChainHealth(sweeps=100)
    history = rbm.fit(x, verbose=0, callbacks=[watch]).history
    return {name: values[0] for name, values in history.items()}


def test_chain_health_of_chains_that_move(small_rbm, bits):
    rbm, silent = small_rbm("pcd"), small_rbm("pcd")
    for each in (rbm, silent):
        each.adapt(bits)
        each.kernel.assign(0.01 * np.ones(each.kernel.shape))
    moving = health(rbm, bits)
    silent.fit(bits, verbose=0)
    np.testing.assert_array_equal(rbm.kernel.numpy(), silent.kernel.numpy())
    # Units that hardly see each other are drawn anew in each sweep.
    assert abs(moving["chain_autocorrelation"]) < 0.05
    assert moving["chain_ess"] > 0.8 * 100 * 128
    # of the 16 states of four units
    assert 12 <= moving["chain_distinct"] <= 16
    assert moving["chain_r_hat"] < 1.05


def test_chain_health_of_chains_that_are_stuck(small_rbm):
    # Two wells, all spins up or all down, of different energies.
    units = gz.units.Spin(6), gz.units.Spin(4)
    rbm = small_rbm("pcd", lr=0.0, units=units)
    rbm.adapt(np.tile([[1.0], [-1.0]], (1, 6)))
    rbm.kernel.assign(np.full((6, 4), 5.0))
    rbm.visible.bias.assign(np.full(6, 0.1))
    x = np.tile([[1.0], [-1.0]], (64, 6))
    rbm.fit(x, verbose=0)
    stuck = health(rbm, x)
    assert stuck["chain_distinct"] <= 4
    assert stuck["chain_autocorrelation"] > 0.99
    # Chains that stay where they are, each worth one draw at most.
    assert stuck["chain_ess"] <= 128
    assert stuck["chain_r_hat"] > 1.1


@pytest.mark.parametrize("tilt", [0.0, 0.02])
def test_chains_stuck_in_modes_of_one_energy_are_stuck(small_rbm, tilt):
    # All bits off or on, nearly alike in energy: F(v) alone sees nothing.
    units = gz.units.Bernoulli(10), gz.units.Bernoulli(10)
    rbm = small_rbm("pcd", lr=0.0, units=units)
    x = np.repeat([[0.0], [1.0]] * 64, 10, axis=1)
    rbm.adapt(x)
    rbm.kernel.assign(np.full((10, 10), 3.0))
    rbm.visible.bias.assign(np.full(10, -15.0 + tilt))
    rbm.hidden.bias.assign(np.full(10, -15.0))
    rbm.fit(x, verbose=0)
    stuck = health(rbm, x)
    assert stuck["chain_ess"] <= 128
    assert stuck["chain_r_hat"] > 1.1


def test_chain_health_needs_chains(small_rbm, bits):
    rbm = small_rbm("cd")
    with pytest.raises(ValueError, match="keeps no persistent chains"):
        rbm.fit(bits, verbose=0, callbacks=[gz.callbacks.ChainHealth()])
    with pytest.raises(ValueError, match="sweeps must be an int of at least 4"):
        gz.callbacks.ChainHealth(sweeps=2)
