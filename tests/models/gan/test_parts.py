"""Generators of several outputs, on three kinds of data that differ."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import genzoo as gz
from genzoo.models.gan.parts import Parts

LAYERS = {"layer_0": (3, 12), "layer_1": (6, 6), "layer_2": (6, 3)}
N = 40


def showers(n=N, seed=0):
    """(three layers of energies, the total energy): shares of it."""
    rng = np.random.default_rng(seed)
    energy = rng.uniform(1, 10, (n, 1))
    share = energy * rng.dirichlet([4, 8, 3], n)
    cells = [
        share[:, k, None] * rng.dirichlet(np.ones(math.prod(shape)), n)
        for k, shape in enumerate(LAYERS.values())
    ]
    found = [
        cell.reshape(n, *shape).astype("float32")
        for cell, shape in zip(cells, LAYERS.values(), strict=True)
    ]
    return tuple(found), energy.astype("float32")


def digits(n=N):
    """Images in [-1, 1], and the label as ints."""
    (x, y), _ = gz.datasets.digits.load_data()
    images = (x[:n].reshape(-1, 8, 8, 1) / 8 - 1).astype("float32")
    return {"image": images, "label_onehot": np.eye(10, dtype="int64")[y[:n]]}


def series(n=N, seed=0):
    """Waves of two channels, and their height in a unit far from zero."""
    rng = np.random.default_rng(seed)
    height = rng.uniform(0.5, 1.5, (n, 1, 1))
    phase = np.linspace(0, 2 * np.pi, 16)[None, :, None]
    waves = height * np.concatenate([np.sin(phase), np.cos(phase)], axis=2)
    waves = waves + 0.1 * rng.normal(size=waves.shape)
    return waves.astype("float32"), (1e4 + 50 * height[:, 0]).astype("float32")


def flat(shape, x, **options):
    """A dense layer that gives this shape."""
    x = layers.Dense(math.prod(shape), **options)(x)
    return layers.Reshape(shape)(x)


def judge(inputs, told=(), see=None, packing=1, width=8):
    """A discriminator of inputs by name; a logit of all together."""
    made = [
        keras.Input((*shape[:-1], packing * shape[-1]), name=name)
        for name, shape in inputs.items()
    ]
    found = [
        layers.Flatten()(see(part) if see else part)
        for part, shape in zip(made, inputs.values(), strict=True)
    ]
    found = layers.Concatenate()([*found, *told])
    found = layers.LeakyReLU(0.2)(layers.Dense(width)(found))
    return keras.Model([*made, *told], layers.Dense(1, name="logit")(found))


def calorimeter(seed=1, joined=False, packing=1, is_told=True, **options):
    """A compiled GAN of showers given their energy; the same of one array."""
    keras.utils.set_random_seed(seed)
    z, energy = keras.Input((3,)), keras.Input((1,), name="energy")
    hidden = layers.Concatenate()([z, energy]) if is_told else z
    hidden = layers.Dense(8, activation="relu")(hidden)
    parts = [
        layers.Reshape(shape, name=name)(
            layers.Dense(math.prod(shape), activation="softplus")(hidden)
        )
        for name, shape in LAYERS.items()
    ]
    if joined:
        flattened = [layers.Flatten()(part) for part in parts]
        parts = layers.Concatenate()(flattened)
    given = [z, energy] if is_told else z
    told = [keras.Input((1,), name="energy")] if is_told else []
    critic = judge(LAYERS, told, packing=packing)
    if joined:
        row, ends = keras.Input((90,)), np.cumsum([0, 36, 36, 18])
        pieces = [
            layers.Reshape(shape)(row[:, first:last])
            for shape, first, last in zip(
                LAYERS.values(), ends, ends[1:], strict=False
            )
        ]
        critic = keras.Model([row, *told], critic([*pieces, *told]))
    gan = gz.GAN(keras.Model(given, parts), critic, packing=packing, seed=seed)
    options = {"optimizer": keras.optimizers.Adam(0.01), **options}
    gan.compile(**options)
    return gan


def letters(seed=1, names=("label_onehot", "image"), **options):
    """A compiled GAN of digits and labels, D's inputs in another order."""
    keras.utils.set_random_seed(seed)
    z = keras.Input((3,))
    hidden = layers.Dense(8, activation="relu")(z)
    made = {
        "label_onehot": layers.Dense(10, activation="sigmoid")(hidden),
        "image": flat((8, 8, 1), hidden, activation="tanh"),
    }
    shapes = {"image": (8, 8, 1), "label_onehot": (10,)}
    critic = judge({name: shapes[name] for name in names})
    inputs = dict(zip(names, critic.inputs, strict=True))
    critic = keras.Model(inputs, critic.outputs[0])
    gan = gz.GAN(keras.Model(z, made), critic, seed=seed)
    gan.compile(**{"optimizer": "sgd", **options})
    return gan


def waves(seed=1, latent=3, width=8, **options):
    """A compiled GAN of series, whose networks know of units."""
    keras.utils.set_random_seed(seed)
    unit = gz.layers.Standardization
    z = keras.Input((latent,))
    hidden = layers.Dense(width, activation="relu")(z)
    series = unit(inverse=True)(flat((16, 2), hidden))
    height = unit(inverse=True)(layers.Dense(1)(hidden))
    shapes = {"series": (16, 2), "height": (1,)}
    critic = judge(shapes, see=lambda part: unit()(part), width=width)
    gan = gz.GAN(keras.Model(z, (series, height)), critic, seed=seed)
    gan.compile(**options)
    return gan


def weights(gan):
    return [v.numpy() for v in gan.variables if v.dtype != "string"]


def equal(one, other):
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        np.testing.assert_array_equal(a, b)


def close(one, other):
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.fixture(scope="module")
def trained():
    gan = calorimeter()
    x, energy = showers()
    gan.fit(x, energy, batch_size=20, epochs=2, verbose=0)
    return gan


def test_it_learns_what_one_array_of_all_numbers_would(trained):
    """Joined by hand in G and taken apart in D, but for rounding.

    These are two graphs, which a compiler may order otherwise: they are equal
    to the bit nearly always.
    """
    x, energy = showers()
    rows = np.concatenate([part.reshape(N, -1) for part in x], axis=1)
    other = calorimeter(joined=True)
    other.fit(rows, energy, batch_size=20, epochs=2, verbose=0)
    for ours, theirs in zip(weights(trained), weights(other), strict=True):
        close(ours, theirs)
    drawn = trained.sample(5, seed=2, conditions=energy[:5])
    assert [part.shape for part in drawn] == [(5, *s) for s in LAYERS.values()]
    assert all(part.dtype == np.float32 for part in drawn)
    of_rows = other.sample(5, seed=2, conditions=energy[:5])
    # Graphs that end in other layers may round otherwise.
    close(trained.parts.join(drawn), of_rows)
    close(trained.parts.split(of_rows), drawn)
    close(
        trained.score(x, conditions=energy),
        other.score(rows, conditions=energy),
    )
    equal(
        trained.score(rows, conditions=energy), trained.score(x, None, energy)
    )


class Pages(keras.utils.PyDataset):
    def __init__(self, *parts):
        super().__init__()
        self.parts = parts

    def __len__(self):
        return 1

    def __getitem__(self, number):
        return self.parts


class Seen(keras.metrics.Metric):
    """Keeps what metrics are given of the data."""

    def __init__(self):
        super().__init__()
        self.data = []

    def update_state(self, data, samples):
        assert data.shape == samples.shape
        self.data.append(np.asarray(data))

    def result(self):
        return tf.zeros(())


def test_all_forms_of_data_are_the_same_rows():
    (a, b, c), energy = x, _ = showers()
    weight = np.repeat([0.5, 1.5], N // 2).astype("float32")
    named = dict(zip(LAYERS, x, strict=True))
    rows = tf.data.Dataset.from_tensor_slices
    seen = Seen()
    gan = calorimeter(run_eagerly=True, metrics=[seen])
    told = {"y": energy, "sample_weight": weight, "batch_size": N}
    for given in (
        {"x": x, **told},
        {"x": [a, b, c], **told},
        {"x": tuple(map(tf.constant, x)), **told},
        {"x": named, **told},
        {"x": gan.parts.join(x), **told},
        {"x": rows((x, energy, weight)).batch(N)},
        {"x": rows((named, energy, weight)).batch(N)},
        {"x": rows((gan.parts.join(x), energy, weight)).batch(N)},
        {"x": Pages(x, energy, weight)},
        {"x": Pages(named, energy, weight)},
        {"x": iter([(x, energy, weight)]), "steps": 1},
    ):
        gan.evaluate(**given, verbose=0)
    first, *others = seen.data
    # As often as its weight says: a quarter are of the first half.
    assert (first[: N // 4] == gan.parts.join(x)[1 : N // 2 : 2]).all()
    for found in others:
        equal(found, first)
    held = (named, energy, weight)
    gan.fit(x, energy, batch_size=N, verbose=0, validation_data=held)
    equal(seen.data[-1], first)


def test_tuples_of_parts_are_no_labels():
    x, _ = showers()
    weight = np.ones(N, "float32")
    rows = tf.data.Dataset.from_tensor_slices(x).batch(20)
    gan = calorimeter(is_told=False, run_eagerly=True)
    gan.fit(rows, verbose=0, validation_data=x)
    gan.fit(x, verbose=0, validation_split=0.5)
    gan.train_on_batch(x)
    gan.test_on_batch((x, None, weight))
    with pytest.raises(ValueError, match="must be one batch, an array"):
        gan.train_on_batch(rows)


def test_parts_by_name_in_any_order(tmp_path):
    x = digits()
    gan = letters(run_eagerly=True)
    assert list(gan.parts.spaces) == ["image", "label_onehot"]
    gan.fit(x, verbose=0, validation_data=x)
    gan.fit(tf.data.Dataset.from_tensor_slices(x).batch(20), verbose=0)
    drawn = gan.sample(4, seed=0)
    assert set(drawn) == {"image", "label_onehot"}
    assert drawn["image"].shape == (4, 8, 8, 1)
    inputs = dict(
        zip(
            ("label_onehot", "image"),
            (x["label_onehot"], x["image"]),
            strict=True,
        )
    )
    expected = gan.discriminator(
        {k: tf.cast(v, tf.float32) for k, v in inputs.items()}
    )
    np.testing.assert_allclose(gan.score(x), expected[:, 0], rtol=1e-5)
    z = np.zeros((2, 3), "float32")
    predicted = gan.predict(z, verbose=0)
    equal(predicted, gan.averaged_generator(z))
    paths = gan.interpolate(2, steps=5, seed=0)
    assert paths["image"].shape == (2, 5, 8, 8, 1)
    np.testing.assert_allclose(
        paths["label_onehot"][:, 0],
        gan.sample(2, seed=0)["label_onehot"],
        rtol=1e-5,
    )
    assert gan.sample(2, truncation=0.5)["image"].shape == (2, 8, 8, 1)
    assert gan.invert(drawn, steps=2, starts=1).errors.shape == (4,)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    equal(again.sample(4, seed=0), drawn)
    equal(again.score(x), gan.score(x))


def test_units_are_those_of_each_part():
    x = series()
    gan = waves(run_eagerly=True)
    gan.fit(x, verbose=0)
    _, height = gan.sample(200, seed=0)
    assert abs(height.mean() - 1e4) < 500
    found = [
        layer
        for network in (gan.generator, gan.discriminator)
        for layer in network.layers
        if isinstance(layer, gz.layers.Standardization)
    ]
    for layer in found:
        part = x[0] if layer.scale.shape[0] == 2 else x[1]
        rows = part.reshape(-1, part.shape[-1]).astype("float64")
        if part is x[1]:
            np.testing.assert_allclose(layer.mean, rows.mean(0), rtol=1e-6)
            np.testing.assert_allclose(layer.scale, rows.std(0), rtol=1e-4)
    scale = gan._units.scale_of(33)
    assert scale[-1] > 10
    assert (scale[:32] == np.tile(found[-2].scale.numpy(), 16)).all()


def test_units_need_a_part():
    z, example = keras.Input((3,)), [keras.Input((2,)), keras.Input((1,))]
    made = [layers.Dense(2)(z), layers.Dense(1)(z)]
    joined = layers.Concatenate()(example)
    critic = layers.Dense(1)(gz.layers.Standardization(name="late")(joined))
    with pytest.raises(ValueError, match="'late', a Standardization, must"):
        gz.GAN(keras.Model(z, made), keras.Model(example, critic))


def test_series_and_their_height_are_learned_together():
    """The height follows from the series: NumPy's regression says how."""
    x = series(1000)
    gan = waves(latent=8, width=64, steps_per_execution=40)
    gan.fit(x, batch_size=100, epochs=80, verbose=0)
    drawn = gan.sample(1000, seed=0)

    def seen(x):
        waves, height = (part.astype("float64") for part in x)
        phase = np.linspace(0, 2 * np.pi, 16)
        measured = np.mean(waves[..., 0] * np.sin(phase), axis=1)
        return measured, height[:, 0]

    (of_data, height), (of_samples, made) = seen(x), seen(drawn)
    assert abs(made.mean() - height.mean()) < 0.3 * height.std()
    assert 0.7 < made.std() / height.std() < 1.3
    assert np.corrcoef(of_data, height)[0, 1] > 0.98
    # Of parts that are drawn alone it is 0, up to 0.03.
    assert np.corrcoef(of_samples, made)[0, 1] > 0.5


def test_ranges_and_forms_are_told_by_part():
    gan, x = letters(), digits()
    images, labels = x["image"], x["label_onehot"]
    broken = images.copy()
    broken[3, 2, 2, 0] = np.nan
    rows = tf.data.Dataset.from_tensor_slices
    for given, message in (
        ({**x, "image": images * 2}, r"fit: image: x must hold values in .-1"),
        (
            {**x, "label_onehot": 3 * labels},
            r"label_onehot: x must hold .*0, 1",
        ),
        ({**x, "image": broken}, "image: x must hold values"),
        ({**x, "image": images[:, :4]}, r"image: x must have shape \(n, 8, 8"),
        ({**x, "image": images[:30]}, "rows; received 30 of 'image', 40 of"),
        ({"image": images}, r"without \['label_onehot'\]"),
        ({**x, "mass": labels}, r"with \['mass'\], which the generator"),
        ((images, labels), "must be a dict of 2 arrays, 'image' .*tuple of 2"),
        (images, r"rows of all their numbers, \(n, 74\); received shape"),
        ({"image": images[:0], "label_onehot": labels[:0]}, "image: .*empty"),
        (rows({**x, "image": broken}).batch(2), "image.* must hold values"),
        (rows({**x, "label_onehot": 3 * labels}).batch(9), "label_onehot: x"),
        (rows(x), "image: the dataset gives single examples"),
        (rows((x, labels)).batch(9), "must give x alone"),
        (rows({"image": images}).batch(9), r"without \['label_onehot'\]"),
    ):
        with pytest.raises(ValueError, match=message):
            gan.fit(given, verbose=0)
    with pytest.raises(ValueError, match="validation_data: image: x must"):
        gan.fit(x, validation_data={**x, "image": 2 * images}, verbose=0)
    with pytest.raises(ValueError, match="score: image: x must .*finite"):
        gan.score({**x, "image": broken})
    gan = calorimeter(is_told=False)
    (a, b, c), _ = showers()
    for given, message in (
        ((a, b), "must be a tuple or a dict of 3 arrays, .*received 2"),
        ((a, b, c, c), "received 4 of them"),
        ((b, a, c), r"layer_0: x must have shape \(n, 3, 12\)"),
        ((a, -b, c), "layer_1: x must hold finite numbers of at least 0"),
        ((a, b, c[:-1]), "40 of 'layer_1', 39 of 'layer_2'"),
    ):
        with pytest.raises(ValueError, match=message):
            gan.evaluate(given, verbose=0)


def test_networks_that_do_not_fit():
    z = keras.Input((3,))
    made = {"a": layers.Dense(2)(z), "b": layers.Dense(1)(z)}
    generator = keras.Model(z, made)
    good = judge({"a": (2,), "b": (1,)})
    for critic, message in (
        (
            judge({"a": (2,), "c": (2,)}),
            "gives 'b' of shape .1,., so .*input 2",
        ),
        (judge({"b": (2,), "a": (1,)}), "gives 'a' of shape .*input 2, 'a'"),
        (gz.networks.mlp(3, 2)[1], "gives 2 arrays, .*it has 1"),
        (judge({"a": (2,), "b": (1,), "c": (1,)}), "conditions"),
    ):
        with pytest.raises(ValueError, match=message):
            gz.GAN(generator, critic)
    with pytest.raises(ValueError, match="augmentation changes images"):
        gz.GAN(generator, good, augmentation=gz.layers.Augmentation())
    nested = keras.Model(z, {"a": made["a"], "b": [made["b"], made["b"]]})
    with pytest.raises(ValueError, match="a dict of tensors by name; it gives"):
        gz.GAN(nested, good)
    gan = gz.GAN(generator, good)
    with pytest.raises(ValueError, match=r"key 'c'; examples have the parts"):
        gan.compile(metrics={"c": [gz.metrics.SlicedWasserstein()]})
    with pytest.raises(ValueError, match="save_to_preset: a preset holds the"):
        gan.save_to_preset("folder")


def test_packs_of_parts():
    gan = calorimeter(packing=2, is_told=False)
    x, _ = showers()
    gan.fit(x, verbose=0)
    rows = tf.constant(gan.parts.join(x))
    a, _, c = gan._critic.inputs(gan.game.shown(rows, None), ())
    equal(a, np.concatenate([x[0][::2], x[0][1::2]], axis=-1))
    equal(c, np.concatenate([x[2][::2], x[2][1::2]], axis=-1))


@keras.saving.register_keras_serializable("test_parts")
def gap_of_energies(turn):
    """A law of conservation, of the parts."""
    total = [
        tf.add_n([tf.reduce_sum(part, axis=[1, 2]) for part in parts])
        for parts in (turn.generated, turn.real)
    ]
    return tf.square(total[0] - total[1]) + 0.0 * turn.logits(turn.real)


@keras.saving.register_keras_serializable("test_parts")
def feature_gap(turn):
    """Feature matching, of the parts."""
    real, made = (
        tf.reduce_mean(turn.features(parts), axis=0)
        for parts in (turn.real, turn.generated)
    )
    return tf.reduce_sum(tf.square(real - made))


def everything(seed=1):
    """One with terms, penalties of all points, metrics by part."""
    return calorimeter(
        seed,
        penalties=[
            gz.penalties.R1(0.1, 1 / 2),
            gz.penalties.GradientPenalty(1),
        ],
        generator_losses=[gap_of_energies, feature_gap],
        metrics={
            "layer_0": [gz.metrics.SlicedWasserstein()],
            "layer_2": gz.metrics.SlicedWasserstein(),
        },
    )


def test_terms_metrics_callbacks_and_saves(tmp_path):
    x, energy = showers(120)
    gan = everything()
    history = gan.fit(
        x,
        energy,
        validation_data=(x, energy),
        verbose=0,
        callbacks=[
            gz.callbacks.CollapseMonitor(x, conditions=energy),
            gz.callbacks.Equilibrium(x, conditions=energy),
            gz.callbacks.SampleGrid(
                tmp_path,
                part="layer_1",
                rows=2,
                columns=2,
                conditions=energy[:4],
            ),
        ],
    ).history
    assert {"coverage", "critic_auc", "val_loss"} <= set(history)
    names = [name for name in gan.metrics_names if "sliced" in name]
    assert any(n.startswith("layer_0_sliced") for n in names)
    assert any(n.startswith("layer_2_sliced") for n in names)
    assert (tmp_path / "epoch_0001.png").exists()
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    equal(weights(gan), weights(again))
    found, others = (
        model.evaluate(x, energy, return_dict=True, verbose=0)
        for model in (gan, again)
    )
    assert found == others
    assert set(names) <= set(found)
    with pytest.raises(ValueError, match="part must be one of"):
        gan.fit(x, energy, callbacks=[gz.callbacks.SampleGrid(tmp_path)])


def test_a_training_that_was_stopped_goes_on_bit_for_bit(tmp_path):
    x, energy = showers()
    options = {"batch_size": 10, "verbose": 0, "epochs": 2}
    whole = calorimeter(steps_per_execution=2)
    whole.fit(x, energy, **options)

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations >= 6:
                raise KeyboardInterrupt

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path, save_freq=2)

    gan = calorimeter(steps_per_execution=2)
    with pytest.raises(KeyboardInterrupt):
        gan.fit(x, energy, callbacks=[backup(), Stop()], **options)
    gan = calorimeter(seed=9, steps_per_execution=2)
    gan.fit(x, energy, callbacks=[backup()], **options)
    equal(weights(whole), weights(gan))


def test_two_replicas_learn_as_one_device(two):
    # The last of three batches of 16 is one row, of the first replica.
    x, energy = showers(33)
    found = []
    for strategy in (tf.distribute.get_strategy(), two):
        with strategy.scope():
            gan = calorimeter(optimizer=keras.optimizers.SGD(0.05))
        gan.fit(x, energy, batch_size=16, epochs=1, verbose=0, shuffle=False)
        found.append(weights(gan))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_exports_name_the_parts(trained, tmp_path):
    x, energy = showers(5)
    trained.export(tmp_path / "served", verbose=False)
    served = gz.load_exported(tmp_path / "served")
    drawn = served.sample(n=5, seed=3, conditions=energy)
    own = trained.sample(5, seed=3, conditions=energy)
    assert set(drawn) == set(LAYERS)
    equal([drawn[name] for name in LAYERS], own)
    z = np.ones((5, 3), "float32")
    made = served.serve(z=z, conditions=energy)
    equal(
        [made[name] for name in LAYERS],
        trained.predict((z, energy), verbose=0),
    )
    named = dict(zip(LAYERS, x, strict=True))
    np.testing.assert_allclose(
        served.score(**named, conditions=energy),
        trained.score(x, conditions=energy),
        rtol=1e-5,
    )


def test_litert_files_have_an_output_for_each_part(trained, tmp_path):
    file = tmp_path / "gan.tflite"
    trained.export(file, format="litert")
    runner = tf.lite.Interpreter(str(file)).get_signature_runner()
    z, energy = np.ones((1, 3), "float32"), np.full((1, 1), 5, "float32")
    found = runner(z=z, conditions=energy)
    expected = trained.predict((z, energy), verbose=0)
    for name, part in zip(LAYERS, expected, strict=True):
        np.testing.assert_allclose(found[name], part, rtol=1e-4)


def test_clusters_and_tables_of_models_take_rows():
    keras.utils.set_random_seed(0)
    z, label = keras.Input((3,)), keras.Input((), dtype="int32")
    told = layers.Concatenate()([z, layers.Embedding(2, 2)(label)])
    made = (layers.Dense(2)(told), layers.Dense(1)(told))
    label_of_d = keras.Input((), dtype="int32", name="label")
    critic = judge({"a": (2,), "b": (1,)})
    parts = [keras.Input((2,)), keras.Input((1,))]
    logit = layers.Add()([critic(parts), layers.Embedding(2, 1)(label_of_d)])
    gan = gz.GAN(
        keras.Model([z, label], made),
        keras.Model([*parts, label_of_d], logit),
        self_conditioned=True,
        seed=0,
    )
    gan.compile("sgd", run_eagerly=True)
    rng = np.random.default_rng(0)
    side = rng.choice([-5.0, 5.0], (100, 1))
    x = side + rng.normal(size=(100, 2)), side + rng.normal(size=(100, 1))
    gan.fit(x, verbose=0)
    centres = gan.clusters.centres.numpy()
    assert np.allclose(np.abs(centres), 5, atol=1)
    assert (np.sign(centres) == np.sign(centres[:, :1])).all()
    table = gz.metrics.evaluate_generative(
        {"gan": gan},
        gan.parts.join(x),
        gan.parts.join(x),
        [gz.metrics.SlicedWasserstein()],
        repeats=2,
    )
    assert "gan" in table.rows


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("é", "total energy"), ["x_1", "x_2"]),
        (("class", "image"), ["x_1", "image"]),
        # A SavedModel does not tell capitals apart.
        (("A", "a", "b"), ["x_1", "x_2", "b"]),
        (("a b", "x_1"), ["x_1", "x_2"]),
        (("Seed", "energy", "mass"), ["x_1", "x_2", "mass"]),
    ],
)
def test_arguments_have_names_that_a_saved_model_takes(names, expected):
    space = gz.spaces.Spin(2)
    parts = Parts(dict.fromkeys(names, space), is_dict=True)
    assert parts.argument_names(["Energy"]) == expected


def test_an_export_of_names_that_differ_by_capitals_is_called(tmp_path):
    z, keys = keras.Input((3,)), ("Image", "image")
    told = {key: keras.Input((2,)) for key in keys}
    logit = layers.Dense(1)(layers.Concatenate()(list(told.values())))
    gan = gz.GAN(
        keras.Model(z, {key: layers.Dense(2)(z) for key in keys}),
        keras.Model(told, logit),
    )
    gan.compile()
    gan.train_on_batch({key: np.ones((4, 2)) for key in keys})
    gan.export(str(tmp_path / "exported"))
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    x = gan.sample(3, seed=0)
    (score,) = loaded.signatures["score"](
        x_1=tf.constant(x["Image"]), x_2=tf.constant(x["image"])
    ).values()
    np.testing.assert_allclose(np.ravel(score), gan.score(x), rtol=1e-5)


def test_a_dataset_of_parts_as_the_only_one_of_a_tuple():
    x = digits()
    parts = letters().parts
    data = tf.data.Dataset.from_tensor_slices((x,)).batch(8)
    rows = np.concatenate([*parts.joined("fit", data).as_numpy_iterator()])
    np.testing.assert_array_equal(rows, parts.join(x))
    pairs = ((tuple(x[name] for name in parts.spaces),),)
    tupled = Parts(parts.spaces, is_dict=False)
    data = tf.data.Dataset.from_tensor_slices(pairs[0]).batch(8)
    rows = np.concatenate([*tupled.joined("fit", data).as_numpy_iterator()])
    np.testing.assert_array_equal(rows, parts.join(x))


def test_what_is_wrong_in_a_later_batch_is_said_plainly():
    x = digits()
    x["image"] = x["image"].copy()
    x["image"][30] = 9
    data = tf.data.Dataset.from_tensor_slices(x).batch(8)
    with pytest.raises(ValueError, match=r"generator's last .* -1, 1\)\.$"):
        letters().fit(data, verbose=0)


def test_numbers_and_rows_of_another_width_are_no_parts():
    gan = letters()
    with pytest.raises(ValueError, match="image: .*It is one number"):
        gan.fit({**digits(), "image": np.float32(1)})
    with pytest.raises(ValueError, match=r"split: rows .*\(n, 74\).*\(3, 5\)"):
        gan.parts.split(np.zeros((3, 5)))


def test_units_that_no_condition_has_are_refused():
    z, x = keras.Input((3,)), keras.Input((2,))
    made = gz.layers.Standardization()(layers.Dense(2)(z))
    with pytest.raises(ValueError, match="needs inverse=True"):
        gz.GAN(keras.Model(z, made), keras.Model(x, layers.Dense(1)(x)))
