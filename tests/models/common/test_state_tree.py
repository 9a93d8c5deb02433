"""Trees of all variables, such as Keras's Orbax callback saves."""

import keras
import numpy as np
import pytest

import genzoo as gz

RNG = np.random.default_rng(3)
BITS = (RNG.random((60, 5)) < 0.3).astype("uint8")
REALS = RNG.normal(size=(60, 2)).astype("float32")


def _rbm():
    return gz.RBM(gz.units.Bernoulli(5), gz.units.Bernoulli(3), seed=0)


def _maxent():
    return gz.MaxEnt(gz.spaces.Binary(5), gz.features.Moments(1), seed=0)


def _gan():
    return gz.GAN(*gz.networks.mlp(2, 2, width=8, depth=1), seed=0)


def _energy():
    space = gz.spaces.Real(2)
    network = gz.networks.energy_mlp(space, width=8, depth=1, waves=0, seed=0)
    return gz.EnergyModel(space, network, seed=0)


MODELS = [(_rbm, BITS), (_maxent, BITS), (_gan, REALS), (_energy, REALS)]


def _leaves(tree):
    for value in tree.values():
        yield from _leaves(value) if isinstance(value, dict) else [value]


@pytest.mark.parametrize(("make", "x"), MODELS)
def test_a_run_goes_on_from_a_tree_bit_for_bit(make, x):
    def fit(model, **options):
        model.fit(x, batch_size=20, shuffle=False, verbose=0, **options)
        return model.get_weights()

    one = make()
    one.compile(**_optimizers(make))
    fit(one, epochs=2)
    tree = one.get_state_tree("numpy_array")
    kept = sum(len(o.variables) for o in one._optimizers().values())
    assert len(list(_leaves(tree["optimizer_variables"]))) == kept
    # Orbax refuses empty arrays.
    assert all(np.size(value) for value in _leaves(tree))
    two = make()
    two.compile(**_optimizers(make))
    two.set_state_tree(tree)
    np.testing.assert_array_equal(
        one.sample(3, seed=1, **_short(make)),
        two.sample(3, seed=1, **_short(make)),
    )
    # Of both, epochs go on from the same state.
    for own, other in zip(
        fit(one, epochs=3, initial_epoch=2),
        fit(two, epochs=3, initial_epoch=2),
        strict=True,
    ):
        np.testing.assert_array_equal(own, other)


def _optimizers(make):
    if make is _gan:
        return {
            "optimizer": keras.optimizers.Adam(0.01),
            "discriminator_optimizer": keras.optimizers.Adam(0.01),
        }
    if make is _maxent:
        return {"optimizer": keras.optimizers.Adam(0.01)}
    # The default's averages all have one path.
    return {}


def _short(make):
    return {"steps": 2} if make is _energy else {}


def _text(value):
    return np.full(np.shape(value), "a")


def test_a_tree_of_another_model_changes_nothing():
    model = _rbm()
    model.compile()
    before = [v.numpy() for group in model._state().values() for v in group]
    tree = model.get_state_tree("numpy_array")
    wider = gz.RBM(gz.units.Bernoulli(5), gz.units.Bernoulli(4), seed=0)
    wider.compile()
    parts = wider.get_state_tree("numpy_array")
    narrow = keras.tree.map_structure(np.ravel, tree)
    for wrong, message in [
        (parts, "has shape"),
        (narrow, "has shape"),
        ({**tree, "optimizer_variables": {}}, "optimizer_variables lack"),
        ({**tree, "other": {}}, "must be a dict of trainable_variables"),
        ([1], "received list"),
        ({"metrics_variables": 5}, "metrics_variables must be a dict"),
        (keras.tree.map_structure(_text, tree), "must be numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.set_state_tree(wrong)
    after = [v.numpy() for group in model._state().values() for v in group]
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, two)
    model.set_state_tree({"trainable_variables": tree["trainable_variables"]})
    with pytest.raises(ValueError, match="value_format must be"):
        model.get_state_tree("pickle")


@pytest.mark.parametrize("make", [make for make, _ in MODELS])
def test_models_are_not_quantised(make):
    model = make()
    with pytest.raises(ValueError, match="is not quantised"):
        model.quantize("int8")


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path):
    model = _rbm()
    before = model.get_weights()
    with pytest.raises(ValueError, match="format not supported.*Orbax"):
        model.load_weights(tmp_path)
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_chains_of_all_replicas_are_in_the_tree(two):
    with two.scope():
        one, other = _rbm(), _rbm()
        for model in (one, other):
            model.compile()
        one.fit(BITS, batch_size=20, verbose=0)
        other.set_state_tree(one.get_state_tree("numpy_array"))
    states = one.chains.read_all().numpy()
    first, second = np.split(states, 2)
    assert (first != second).any()
    np.testing.assert_array_equal(other.chains.read_all(), states)
