"""Several conditions at once, and generators that take conditions alone."""

import gan_cases
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import genzoo as gz

rng = np.random.default_rng(7)
x = gan_cases.ring(40)
kinds = rng.integers(3, size=40)
energies = rng.uniform(50, 100, (40, 1)).astype("float32")
maps = rng.normal(size=(40, 4, 4, 1)).astype("float32")


def named(names=("kind", "energy", "map")):
    """Fresh inputs of a label, a number and an image."""
    kinds = ((), "int32"), ((1,), "float32"), ((4, 4, 1), "float32")
    return [
        keras.Input(shape, dtype=dtype, name=name)
        for name, (shape, dtype) in zip(names, kinds, strict=True)
    ]


def seen(kind, energy, image):
    return [
        layers.Embedding(3, 4)(kind),
        gz.layers.Standardization()(energy),
        layers.Flatten()(image),
    ]


def pair(order=(0, 1, 2), latent=3, **names):
    """Networks of three conditions, which D takes in this order."""
    told, z = named(**names), keras.Input((3,))
    parts = [z] if latent else []
    found = layers.Concatenate()([*parts, *seen(*told)])
    generator = keras.Model([*parts, *told], layers.Dense(2)(found))
    told, example = named(**names), keras.Input((2,))
    found = layers.Concatenate()([example, *seen(*told)])
    found = layers.LeakyReLU()(layers.Dense(8)(found))
    inputs = [example, *(told[place] for place in order)]
    return generator, keras.Model(inputs, layers.Dense(1)(found))


def three_gan(seed=3, **options):
    keras.utils.set_random_seed(seed)
    gan = gz.GAN(*pair(**options), seed=seed)
    gan.compile("sgd")
    return gan


@pytest.fixture(scope="module")
def three():
    return three_gan(order=(2, 0, 1))


def forms():
    """The same data in every form they come, and how they are passed on."""
    told = (kinds, energies, maps)
    by_name = {"map": maps, "energy": energies, "kind": kinds[:, None]}
    rows = tf.data.Dataset.from_tensor_slices
    yield x, told, None
    yield x, [kinds.astype("uint8"), energies.astype("float64"), maps], None
    yield x, by_name, None
    yield (x, told), None, None
    yield rows((x, told)).batch(20), None, None
    yield rows((x, by_name)).batch(20), None, None
    yield rows({"points": x, **by_name}).batch(20), None, None
    halves = [(x[s], tuple(v[s] for v in told)) for s in _halves()]
    yield Batches(halves), None, None
    weights = np.full(40, 3.0)
    yield rows((x, told, weights)).batch(20), None, None
    yield x, told, weights


def _halves():
    return slice(0, 20), slice(20, 40)


class Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    num_batches = 2

    def __getitem__(self, place):
        return self.batches[place]


def test_several_conditions_in_every_form_teach_the_same(three):
    start, found = three.get_weights(), []
    for data, y, weight in forms():
        three.set_weights(start)
        rows = 20 if isinstance(data, (np.ndarray, tuple)) else None
        logs = three.fit(
            data,
            y,
            batch_size=rows,
            sample_weight=weight,
            shuffle=False,
            verbose=0,
        ).history
        found.append((three.get_weights(), logs["loss"]))
    for weights, loss in found[1:]:
        np.testing.assert_allclose(loss, found[0][1], rtol=1e-5)
        for a, b in zip(weights, found[0][0], strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
    held = (x, {"map": maps, "energy": energies, "kind": kinds})
    logs = three.fit(*held, validation_data=held, verbose=0).history
    assert "val_loss" in logs
    logs = three.fit(*held, validation_split=0.5, verbose=0).history
    assert np.isfinite(logs["val_loss"]).all()
    three.train_on_batch(*held)
    assert np.isfinite(three.test_on_batch(*held)).all()


def test_parts_reach_the_inputs_they_belong_to(three):
    """Against the networks themselves; D takes them in another order."""
    told = (kinds[:6], energies[:6], maps[:6])
    z = rng.normal(size=(6, 3)).astype("float32")
    expected = three.averaged_generator([z, *told]).numpy()
    for given in ([z, *told], [z, told]):
        found = three.predict_on_batch(given)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    logits = three.discriminator([x[:6], told[2], told[0], told[1]]).numpy()
    scores = three.score(x[:6], conditions=told)
    np.testing.assert_allclose(scores, logits[:, 0], atol=1e-5)
    one = {"kind": 2, "energy": [70.0], "map": maps[0]}
    many = (np.full(5, 2), np.full((5, 1), 70.0), np.stack([maps[0]] * 5))
    np.testing.assert_array_equal(
        three.sample(5, seed=1, conditions=one),
        three.sample(5, seed=1, conditions=many),
    )
    paths = three.interpolate(2, 3, seed=1, conditions=one)
    first = three.sample(2, seed=1, conditions=one)
    np.testing.assert_allclose(paths[:, 0], first, atol=1e-5)
    found = three.invert(first, steps=20, conditions=one_each(one, 2), seed=2)
    assert found.latents.shape == (2, 3)
    cut = three.sample(3, seed=1, conditions=one, truncation=0.5)
    assert cut.shape == (3, 2)


def one_each(one, n):
    return {name: np.stack([np.asarray(v)] * n) for name, v in one.items()}


def test_units_are_of_each_condition(three):
    layers_of = gz.layers.Standardization
    found = [
        layer
        for network in (three.generator, three.discriminator)
        for layer in network.layers
        if isinstance(layer, layers_of)
    ]
    assert len(found) == 2
    for layer in found:
        np.testing.assert_allclose(layer.mean, energies.mean(0), rtol=1e-5)
        np.testing.assert_allclose(layer.scale, energies.std(0), rtol=1e-4)


def test_they_are_saved_resumed_and_served(three, tmp_path):
    told = {"kind": kinds, "energy": energies, "map": maps}
    monitor = gz.callbacks.CollapseMonitor(x, conditions=told, limit=20)
    grid = gz.callbacks.SampleGrid(
        tmp_path, conditions=tuple(np.resize(v, (4096, *v.shape[1:]))
                                   for v in told.values())
    )  # fmt: skip
    three.fit(x, told, verbose=0, callbacks=[monitor, grid])
    assert len(list(tmp_path.glob("*.png"))) == 1
    three.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    logs = [m.fit(x, told, verbose=0).history for m in (three, again)]
    assert logs[0] == logs[1]
    few = one_each({"kind": 1, "energy": [60.0], "map": maps[3]}, 4)
    np.testing.assert_array_equal(
        three.sample(4, seed=1, conditions=few),
        again.sample(4, seed=1, conditions=few),
    )
    three.export(tmp_path / "served")
    served = gz.load_exported(tmp_path / "served")
    assert {k: set(v) for k, v in served.endpoints.items()} == {
        "serve": {"z", "kind", "energy", "map"},
        "sample": {"n", "seed", "kind", "energy", "map"},
        "score": {"x", "kind", "energy", "map"},
    }
    np.testing.assert_array_equal(
        served.sample(4, seed=1, kind=1, energy=[60.0], map=maps[3]),
        three.sample(4, seed=1, conditions=few),
    )
    np.testing.assert_allclose(
        served.score(x[:4], **few),
        three.score(x[:4], conditions=few),
        rtol=1e-5,
    )
    with pytest.raises(TypeError):
        served.sample(4, 1, 60.0, 1, maps[3])


def test_wrong_parts_are_told_of(three):
    good = {"kind": kinds, "energy": energies, "map": maps}
    for given, message in (
        (None, "is conditional; pass a tuple or dict of .kind: labels 0 to 2"),
        (kinds, "received an object of type ndarray"),
        ((kinds, energies), "received 2 parts"),
        ({**good, "mass": energies}, "received a dict of .*'mass'"),
        ({**good, "kind": kinds + 1}, r"kind: .*received values in \[1, 3\]"),
        ({**good, "energy": energies[:3]}, "energy: .*40 examples and 3"),
        ((energies, kinds, maps), "kind: .*received shape .40, 1|received val"),
    ):
        with pytest.raises(ValueError, match=message):
            three.fit(x, given, verbose=0)
    with pytest.raises(ValueError, match="labels were given.*conditions="):
        three.sample(3, labels=1)
    rows = tf.data.Dataset.from_tensor_slices
    wrong = np.append(kinds[:-1], 3)
    late = rows((x, (wrong, energies, maps))).batch(20)
    with pytest.raises(ValueError, match="batch of the dataset has conditions"):
        three.fit(late, verbose=0)
    missing = rows({"points": x, "kind": kinds, "map": maps}).batch(20)
    with pytest.raises(ValueError, match=r"there are no \['energy'\]"):
        three.fit(missing, verbose=0)


def test_inputs_that_are_not_alike():
    generator, critic = pair()
    with pytest.raises(ValueError, match="inputs, latents and 3 conditions"):
        gz.GAN(generator, gz.networks.mlp(3, 2, classes=3)[1])
    other = gz.networks.mlp(3, 2, classes=3, condition=2)[1]
    with pytest.raises(ValueError, match="The same conditions|have the same"):
        gz.GAN(generator, other)
    # Without names the order counts.
    names = {"names": (None, None, None)}
    with pytest.raises(ValueError, match="same order or by the same names"):
        gz.GAN(*pair(order=(1, 0, 2), **names))
    gan = gz.GAN(*pair(**names))
    assert list(gan.conditions.parts) == ["part_1", "part_2", "part_3"]
    z, told = keras.Input((3,)), named()
    found = layers.Concatenate()([z, *seen(*told)])
    swapped = keras.Model([*told, z], layers.Dense(2)(found))
    with pytest.raises(ValueError, match="first input must be latents"):
        gz.GAN(swapped, critic)
    several = keras.Model(z, [layers.Dense(2)(z), layers.Dense(3)(z)])
    with pytest.raises(ValueError, match="'output_2' of shape .*same names"):
        gz.GAN(several, critic)


def test_classes_of_several_labels():
    def network(first, sizes, encoded):
        labels = [keras.Input((), dtype="int32") for _ in sizes]
        found = [
            layers.Embedding(size, 2)(label)
            if encoded
            else layers.Reshape((1,))(layers.Rescaling(1.0)(label))
            for label, size in zip(labels, sizes, strict=True)
        ]
        width = 2 if first.shape[1] == 3 else 1
        out = layers.Dense(width)(layers.Concatenate()([first, *found]))
        return keras.Model([first, *labels], out)

    def make(sizes, encoded=True, **options):
        z, example = keras.Input((3,)), keras.Input((2,))
        both = [network(first, sizes, encoded) for first in (z, example)]
        return gz.GAN(*both, **options)

    gan = make((3, 5))
    assert [p.classes for p in gan.conditions.parts.values()] == [3, 5]
    gan = gz.GAN.from_config(gan.get_config())
    assert gan.networks.classes == (3, 5)
    with pytest.raises(ValueError, match="pass classes=.*for each label"):
        make((3, 5), encoded=False)
    gan = make((3, 5), encoded=False, classes=(3, 5))
    assert gan.sample(2, seed=0, conditions=(2, 4)).shape == (2, 2)
    with pytest.raises(ValueError, match="one number for each of the 2"):
        make((3, 5), classes=[3])


@pytest.mark.parametrize("conditioning", ["projection", "auxiliary"])
def test_networks_of_classes_and_vectors_are_presets(conditioning, tmp_path):
    keras.utils.set_random_seed(0)
    networks = gz.networks.mlp(
        3, 2, 8, 1, classes=3, condition=1, conditioning=conditioning
    )
    gan = gz.GAN(*networks, seed=0)
    gan.compile("sgd")
    told = {"label": kinds, "condition": energies}
    if conditioning == "auxiliary":
        # Labels may be missing.
        told["label"] = np.where(np.arange(40) % 2, -1, kinds)
    logs = gan.fit(x, told, verbose=0).history
    assert np.isfinite([v[0] for v in logs.values()]).all()
    gan.save_to_preset(tmp_path / "preset")
    again = gz.from_preset(str(tmp_path / "preset"))
    asked = {"label": [0, 2], "condition": [[60.0], [80.0]]}
    np.testing.assert_array_equal(
        gan.sample(2, seed=3, conditions=asked),
        again.sample(2, seed=3, conditions=asked),
    )
    with pytest.raises(ValueError, match="label: .*received values in .-1"):
        gan.sample(2, conditions=(-1, [60.0]))
    scores = gan.score(x, conditions=(kinds, energies))
    given = [energies] if conditioning == "auxiliary" else [kinds, energies]
    expected = gan.discriminator([x, *given])
    if conditioning == "auxiliary":
        _, classes = expected
        assert classes.shape == (40, 3)
        (expected, _) = expected
    np.testing.assert_allclose(scores, expected[:, 0], atol=1e-5)


@pytest.mark.parametrize("make", ["dcgan", "resnet", "modern"])
def test_pictures_of_classes_and_vectors(make):
    for conditioning in ("concatenation", "projection", "auxiliary"):
        networks = getattr(gz.networks, make)(
            3, (8, 8, 1), width=2, classes=3, condition=2,
            conditioning=conditioning,
        )  # fmt: skip
        gan = gz.GAN(*networks, seed=0)
        found = gan.sample(2, seed=0, conditions=(1, [0.5, 1.0]))
        assert found.shape == (2, 8, 8, 1)


# Without latents ------------------------------------------------------------


def lifted():
    """A linear map of (u, v), and D of both: no latents."""
    u = keras.Input((3,), name="source")
    generator = keras.Model(u, layers.Dense(2, use_bias=False)(u))
    example, u = keras.Input((2,)), keras.Input((3,), name="source")
    found = layers.Concatenate()([example, u])
    found = layers.LeakyReLU()(layers.Dense(8)(found))
    return generator, keras.Model([example, u], layers.Dense(1)(found))


@keras.saving.register_keras_serializable("tests")
def far(turn):
    return tf.reduce_mean(tf.abs(turn.real - turn.generated), axis=1)


@pytest.fixture(scope="module")
def mapping():
    keras.utils.set_random_seed(1)
    gan = gz.GAN(*lifted(), seed=1)
    gan.compile(gan_cases.constant(), generator_losses=[far])
    return gan


source = rng.normal(size=(40, 3)).astype("float32")
matrix = np.array([[1.0, 0.5], [-1.0, 0.2], [0.3, -0.7]], "float32")


def test_a_generator_without_latents_is_a_function(mapping, tmp_path):
    logs = mapping.fit(source @ matrix, source, epochs=2, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    assert "no latents" in repr(mapping)
    assert mapping.latent_shape == (0,)
    expected = source @ mapping.averaged_generator.get_weights()[0]
    counter = mapping.draws.state.numpy()
    for found in (
        mapping.sample(40, conditions=source),
        mapping.sample(40, seed=9, conditions={"source": source}),
        mapping.predict(source, verbose=0),
        mapping.predict_on_batch(source),
        mapping(source).numpy(),
    ):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    # Nothing is drawn.
    np.testing.assert_array_equal(mapping.draws.state, counter)
    logs = mapping.evaluate(
        source @ matrix, source, verbose=0, return_dict=True
    )
    assert np.isfinite(logs["loss"])
    mapping.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    fits = [
        m.fit(source @ matrix, source, verbose=0).history
        for m in (mapping, again)
    ]
    assert fits[0] == fits[1]
    mapping.export(tmp_path / "served")
    served = gz.load_exported(tmp_path / "served")
    assert served.endpoints == {
        "serve": ("conditions",),
        "score": ("x", "conditions"),
    }
    np.testing.assert_allclose(
        served.serve(source), mapping.sample(40, conditions=source), atol=1e-6
    )


def test_it_learns_the_function():
    """The L1 term and D together find the matrix, by least squares known."""
    keras.utils.set_random_seed(1)
    gan = gz.GAN(*lifted(), seed=1)
    rate = gz.optimizers.FallingAdam(2e-2, beta_1=0.0, beta_2=0.99)
    gan.compile(rate, generator_losses=[far])
    u = np.random.default_rng(2).normal(size=(400, 3)).astype("float32")
    gan.fit(u @ matrix, u, batch_size=40, epochs=60, verbose=0)
    np.testing.assert_allclose(
        gan.averaged_generator.get_weights()[0], matrix, atol=0.05
    )


def test_what_needs_latents_is_refused(mapping):
    for call in (
        lambda: mapping.sample(2, conditions=source[:2], truncation=0.5),
        lambda: mapping.interpolate(2, conditions=source[:2]),
        lambda: mapping.invert(source[:2, :2], conditions=source[:2]),
    ):
        with pytest.raises(ValueError, match="takes no latents"):
            call()
    with pytest.raises(ValueError, match="the generator takes no latents"):
        gz.GAN(*lifted(), latent="uniform")
    with pytest.raises(ValueError, match="needs networks of"):
        gz.GAN(*lifted(), self_conditioned=True)
    with pytest.raises(ValueError, match="is conditional"):
        mapping.sample(3)
    # A label alone is not a latent either.
    label, of = (keras.Input((), dtype="int32") for _ in range(2))
    example = keras.Input((2,))
    found = layers.Concatenate()([example, layers.Embedding(3, 2)(of)])
    gan = gz.GAN(
        keras.Model(label, layers.Embedding(3, 2)(label)),
        keras.Model([example, of], layers.Dense(1)(found)),
    )
    rows = gan.averaged_generator.get_weights()[0]
    found = gan.sample(3, labels=[2, 0, 2])
    np.testing.assert_allclose(found, rows[[2, 0, 2]])


def test_several_conditions_without_latents(tmp_path):
    gan = three_gan(latent=0, order=(1, 2, 0))
    told = {"kind": kinds, "energy": energies, "map": maps}
    gan.fit(x, told, verbose=0)
    expected = gan.averaged_generator([kinds, energies, maps]).numpy()
    for found in (
        gan.sample(40, conditions=told),
        gan.predict(told, verbose=0),
        gan.predict((kinds, energies, maps), verbose=0),
    ):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    gan.export(tmp_path / "served")
    served = gz.load_exported(tmp_path / "served")
    np.testing.assert_allclose(served.serve(**told), expected, atol=1e-5)


def test_layers_of_a_calorimeter_are_one_array(tmp_path):
    """What is said of several outputs works: joined in G, apart in D."""
    shapes = [(3, 4), (2, 2), (5,)]
    ends = np.cumsum([0, 12, 4, 5])
    z, energy = keras.Input((3,)), keras.Input((1,))
    hidden = layers.Concatenate()([z, energy])
    parts = [
        layers.Reshape(shape)(
            layers.Dense(int(np.prod(shape)), activation="relu")(hidden)
        )
        for shape in shapes
    ]
    joined = layers.Concatenate()([layers.Flatten()(part) for part in parts])
    generator = keras.Model([z, energy], joined)
    x, energy = keras.Input((21,)), keras.Input((1,))
    found = [
        layers.Flatten()(layers.Reshape(shape)(x[:, first:last]))
        for shape, first, last in zip(shapes, ends, ends[1:], strict=False)
    ]
    logit = layers.Dense(1)(layers.Concatenate()([*found, energy]))
    gan = gz.GAN(generator, keras.Model([x, energy], logit), seed=0)
    gan.compile("sgd")
    showers = rng.exponential(size=(40, 21)).astype("float32")
    gan.fit(showers, energies / 100, verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    drawn = gan.sample(4, seed=1, conditions=[0.7])
    np.testing.assert_array_equal(
        again.sample(4, seed=1, conditions=[0.7]), drawn
    )
    assert (drawn >= 0).all()
