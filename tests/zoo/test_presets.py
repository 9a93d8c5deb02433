import json

import gan_cases
import keras
import numpy as np
import pytest

import genzoo as gz

_BITS = np.random.default_rng(0).integers(0, 2, (80, 6))
_SPINS = 2 * _BITS - 1
_REALS = np.random.default_rng(1).standard_normal((80, 6))


def _rbm(visible, hidden, x, **options):
    model = gz.RBM(visible, hidden, seed=3, **options)
    model.compile(keras.optimizers.SGD(0.01))
    model.fit(x, epochs=1, batch_size=20, verbose=0)
    return model


def _maxent(cls, x, *args, **options):
    model = cls(*args, seed=(1, 2), **options)
    model.compile()
    model.fit(x, verbose=0, epochs=3)
    return model


def _gan(function, *args, gan=None, **options):
    pair = getattr(gz.networks, function)(*args, **options)
    model = gz.GAN(*pair, seed=1, **(gan or {}))
    # As after training: the average is not the generator.
    model.averaged_generator.set_weights(
        [w + 0.1 for w in model.generator.get_weights()]
    )
    return model


def _clusters_gan():
    model = gan_cases.clusters_gan()
    model.fit(gan_cases.spots()[0], verbose=0)
    return model


_POTTS = np.random.default_rng(2).integers(0, 3, (200, 2))
_PAIR = {"width": 4, "classes": 3}
MODELS = {
    "rbm": lambda: _rbm(
        gz.units.Bernoulli(6),
        gz.units.Spin(4),
        _BITS,
        kernel_regularizer=keras.regularizers.L2(1e-3),
    ),
    "rbm real": lambda: _rbm(
        gz.units.Gaussian(6, learn_variance=True),
        gz.units.Categorical(2, states=3),
        _REALS,
        centered=False,
    ),
    "rbm relu": lambda: _rbm(gz.units.Spin(6), gz.units.ReLU(2), _SPINS),
    "lattice": lambda: _maxent(
        gz.MaxEnt,
        _SPINS.reshape(-1, 2, 3),
        gz.spaces.Spin((2, 3)),
        [gz.features.LatticeBonds((2, 3)), gz.features.Moments(1, tied=True)],
    ),
    "moments": lambda: _maxent(
        gz.MaxEnt,
        np.abs(_REALS[:, :1]),
        gz.spaces.Interval(0, np.inf),
        gz.features.Moments(1, 2),
    ),
    "histogram": lambda: _maxent(
        gz.MaxEnt,
        np.clip(np.abs(_REALS[:, :1]), 0, 2),
        gz.spaces.Interval(0, 3),
        gz.features.Histogram([0, 0.5, 1]),
    ),
    "boltzmann": lambda: _maxent(
        gz.BoltzmannMachine, _BITS, gz.spaces.Binary(6), start="tap"
    ),
    "boltzmann lattice": lambda: _maxent(
        gz.BoltzmannMachine,
        _SPINS.reshape(-1, 2, 3),
        gz.spaces.Spin((2, 3)),
        edges="lattice",
    ),
    "potts": lambda: _maxent(
        gz.BoltzmannMachine,
        _POTTS,
        gz.spaces.Categorical([0, 1, 2], 2),
        edges=[(0, 1)],
    ),
    "mlp": lambda: _gan(
        "mlp",
        3,
        2,
        width=5,
        packing=2,
        gan={"packing": 2, "latent": "uniform"},
    ),
    "dcgan": lambda: _gan(
        "dcgan",
        3,
        (8, 8, 1),
        **_PAIR,
        spectral_normalization=True,
        gan={"augmentation": gz.layers.Augmentation(fill=-1.0)},
    ),
    "modern": lambda: _gan("modern", 3, (9, 9, 3), **_PAIR, blocks=1),
    "conv1d": lambda: _gan("conv1d", 3, (9, 2), **_PAIR),
    "conv3d": lambda: _gan("conv3d", 3, (4, 5, 6, 1), **_PAIR),
    "clusters": lambda: _clusters_gan(),
    "resnet": lambda: _gan("resnet", 3, (9, 9, 3), **_PAIR, gan={"ema": None}),
}


@pytest.mark.parametrize("name", MODELS)
def test_loaded_model_is_the_saved_one(name, tmp_path):
    model = MODELS[name]()
    model.save_to_preset(tmp_path, card={"data": "drawn at random"})
    loaded = gz.from_preset(tmp_path)
    assert type(loaded) is type(model)
    draws = {} if isinstance(model, gz.GAN) else {"steps": 5}
    np.testing.assert_array_equal(
        loaded.sample(8, seed=5, **draws), model.sample(8, seed=5, **draws)
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "config.json",
        "metadata.json",
        "model.weights.h5",
    ]
    card = gz.zoo.card(str(tmp_path))
    assert card["data"] == "drawn at random"
    assert card["class"] == type(model).__name__


def test_everything_of_an_rbm_but_its_training_is_kept(tmp_path):
    rbm = MODELS["rbm"]()
    log_z = rbm.log_partition()
    rbm.save_to_preset(tmp_path)
    loaded = gz.RBM.from_preset(tmp_path)
    assert loaded.stored_log_partition == log_z
    assert loaded.kernel_regularizer.l2 == pytest.approx(1e-3)
    np.testing.assert_array_equal(loaded.log_prob(_BITS), rbm.log_prob(_BITS))
    loaded.compile()
    before = loaded.visible.bias.numpy()
    loaded.fit(_BITS[:20], epochs=1, verbose=0)
    # It goes on from where it was, and does not adapt to the data anew.
    assert 0 < np.abs(loaded.visible.bias.numpy() - before).max() < 0.1


def test_gan_continues_from_its_average(tmp_path):
    gan = MODELS["mlp"]()
    gan.save_to_preset(tmp_path)
    loaded = gz.GAN.from_preset(tmp_path)
    for part in ("generator", "averaged_generator"):
        for weight, expected in zip(
            getattr(loaded, part).get_weights(),
            gan.averaged_generator.get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(weight, expected)
    loaded.compile()
    loaded.fit(_REALS[:, :2], epochs=1, batch_size=40, verbose=0)


def test_half_precision_halves_the_file(tmp_path):
    gan = _gan("mlp", 3, 2, width=64)
    gan.save_to_preset(tmp_path / "whole")
    gan.save_to_preset(tmp_path / "half", dtype="float16")
    whole, half = (
        (tmp_path / name / "model.weights.h5").stat().st_size
        for name in ("whole", "half")
    )
    assert half < 0.6 * whole
    loaded = gz.from_preset(tmp_path / "half")
    for a, b in zip(
        loaded.discriminator.get_weights(),
        gan.discriminator.get_weights(),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=2**-11, atol=1e-7)


def test_class_of_the_preset_must_be_the_one_asked_for(tmp_path):
    MODELS["boltzmann"]().save_to_preset(tmp_path)
    assert isinstance(gz.MaxEnt.from_preset(tmp_path), gz.BoltzmannMachine)
    with pytest.raises(ValueError, match="is a BoltzmannMachine"):
        gz.RBM.from_preset(tmp_path)


def _untrained():
    return gz.RBM(gz.units.Bernoulli(3), gz.units.Bernoulli(2))


def _of_own_networks():
    generator, _ = gz.networks.mlp(2, 2, width=4)
    _, discriminator = gz.networks.mlp(2, 2, width=5)
    return gz.GAN(generator, discriminator)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_untrained, "has not seen data"),
        (_of_own_networks, "a function of genzoo.networks"),
    ],
)
def test_what_is_no_plain_data_is_not_saved(make, message, tmp_path):
    folder = tmp_path / "preset"
    with pytest.raises(ValueError, match=message):
        make().save_to_preset(folder)
    assert not folder.exists()


def _energy():
    space = gz.spaces.Real(4)
    network = gz.networks.energy_mlp(space, width=4, depth=1, seed=0)
    model = gz.EnergyModel(space, network, seed=1)
    model.adapt(_REALS[:, :4])
    return model


@pytest.mark.parametrize(
    "make",
    [
        _energy,
        _clusters_gan,
        lambda: _gan("dcgan", 3, (8, 8, 1), width=4, classes=3),
    ],
)
def test_models_from_keras_files_become_presets(make, tmp_path):
    # As the best of a training, kept by ModelCheckpoint.
    model = make()
    model.save(tmp_path / "best.keras")
    loaded = keras.models.load_model(tmp_path / "best.keras")
    loaded.save_to_preset(tmp_path / "preset")
    found = gz.from_preset(tmp_path / "preset")
    steps = {"steps": 5} if isinstance(model, gz.EnergyModel) else {}
    drawn = [each.sample(4, seed=3, **steps) for each in (model, found)]
    np.testing.assert_array_equal(*drawn)


def test_function_as_a_feature_is_not_saved(tmp_path):
    model = gz.MaxEnt(gz.spaces.Spin(2), [lambda x: x[:, 0]])
    model.compile()
    model.fit(observations=[0.5], verbose=0)
    with pytest.raises(ValueError, match="a preset can hold features"):
        model.save_to_preset(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "int8"}, "dtype must be"),
        ({"card": {"sha256": {}}}, "card must not have"),
    ],
)
def test_bad_options_of_saving_are_named(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        MODELS["mlp"]().save_to_preset(tmp_path, **options)


def test_unknown_handle_lists_the_names():
    with pytest.raises(ValueError, match="nor one of the presets"):
        gz.from_preset("no_such_preset")


def test_config_is_plain_and_small(tmp_path):
    MODELS["dcgan"]().save_to_preset(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["networks"]["class"] == "networks.dcgan"
    assert config["networks"]["image_shape"] == [8, 8, 1]
