"""Neural energies on two replicas, in presets and in mixed precision."""

import keras
import numpy as np
import pytest

import genzoo as gz
from genzoo import spaces

X = np.random.default_rng(0).normal(size=(75, 2)) * [3, 0.1] + [5, 0]
BITS = (np.random.default_rng(1).random((75, 4)) < 0.3).astype("uint8")


def _model(space, loss, **options):
    network = gz.networks.energy_mlp(space, width=4, depth=1, seed=1)
    model = gz.EnergyModel(space, network, seed=5, **options)
    model.compile(keras.optimizers.SGD(0.05), loss, watch=False)
    return model


@pytest.mark.parametrize(
    ("space", "x", "loss"),
    [
        (
            spaces.Real(2),
            X,
            gz.losses.PersistentContrastiveDivergence(chains=16),
        ),
        (spaces.Real(2), X, "denoising_score_matching"),
        (spaces.Binary(4), BITS, "exact_likelihood"),
        (spaces.Binary(4), BITS, gz.losses.Pseudolikelihood(sites=2)),
    ],
)
def test_two_replicas_learn_what_one_device_learns(space, x, loss, two):
    alone = _model(space, loss)
    alone.fit(x, batch_size=20, verbose=0)
    with two.scope():
        both = _model(space, loss)
    both.fit(x, batch_size=20, verbose=0)
    for one, other in zip(alone.parameters, both.parameters, strict=True):
        np.testing.assert_allclose(
            other.numpy(), one.numpy(), rtol=1e-4, atol=2e-5
        )


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_presets_hold_what_defines_the_distribution(policy, tmp_path):
    space = spaces.Product([spaces.Spin(2), spaces.Real(1)])
    x = np.concatenate([2.0 * BITS[:, :2] - 1, X[:, :1]], axis=1)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = _model(spaces.Real(2), "nce")
    finally:
        keras.config.set_dtype_policy(before)
    model.fit(X, verbose=0)
    model.log_partition()
    model.save_to_preset(tmp_path / "preset")
    found = gz.from_preset(tmp_path / "preset")
    tolerance = 0 if policy == "float32" else 0.05
    np.testing.assert_allclose(
        found.log_prob(X), model.log_prob(X), atol=tolerance
    )
    assert found.sample(3, seed=0).shape == (3, 2)
    if policy != "float32":
        return
    # Parts that a preset cannot hold are named, and nothing is written.
    mixed = _model(space, "pcd")
    mixed.adapt(x)
    with pytest.raises(ValueError, match="a preset can hold"):
        mixed.save_to_preset(tmp_path / "mixed")
    assert not (tmp_path / "mixed").exists()


def test_presets_hold_chains_of_a_size_that_is_known_before(tmp_path):
    loss = gz.losses.PersistentContrastiveDivergence(chains=16)
    model = _model(spaces.Binary(4), loss)
    model.fit(BITS, verbose=0)
    model.save_to_preset(tmp_path / "preset")
    found = gz.from_preset(tmp_path / "preset")
    chains = model.chains.read_all().numpy()
    np.testing.assert_array_equal(found.chains.read_all(), chains)
    begun = [m.sample(5, 3, start="chains", steps=2) for m in (model, found)]
    np.testing.assert_array_equal(*begun)
    stored = found.preset_weights().values()
    config = {**model.preset_config(), "network": model.network}
    size = gz.EnergyModel.preset_size(**config)
    assert size == sum(int(np.prod(weight.shape)) for weight in stored)
    # One that was made before presets held any.
    assert gz.from_preset("energy_digits_8x8").chains is None
    # Nothing was made for so many.
    more = gz.EnergyModel.preset_size(**{**config, "chains": 2**16})
    assert more - size == (2**16 - 16) * 4


def test_the_reference_is_that_of_weighted_data():
    weight = np.linspace(0, 2, 75)
    model = _model(spaces.Real(2), "pcd")
    model.adapt(X, sample_weight=weight)
    mean = np.average(X, axis=0, weights=weight)
    spread = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weight))
    np.testing.assert_allclose(model.sites.middle.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(model.sites.spread.numpy(), spread, rtol=1e-5)
    # A new model is its reference: normal, 1.5 times as wide.
    wide = 1.5 * spread
    log_p = -0.5 * ((X - mean) / wide) ** 2 - np.log(wide * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(model.log_prob(X), log_p.sum(1), atol=1e-4)
