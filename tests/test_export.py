"""What a model serves, and what serves it."""

import gan_cases
import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.zoo import files

N_SEED = ("n", "seed")
WALK = ("seed", "steps")
ENERGY = {
    "serve": ("x",),
    "energy": ("x",),
    "sample": (*N_SEED, "steps"),
    "gibbs": ("x", *WALK),
    "complete": ("x", "mask", *WALK),
}
LOG_PROB = {"log_prob": ("x",)}
HIDDEN = {"hidden_mean": ("x",)}


def _rbm(chains=None):
    rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4), seed=0)
    rbm.adapt(np.eye(6, dtype="uint8"))
    rbm.keep_chains(chains or 0)
    return rbm


def _measured(model):
    model.log_partition()
    return model


def _maxent():
    model = gz.MaxEnt(gz.spaces.Binary((2, 3)), gz.features.Moments(1))
    model.multipliers = np.linspace(-1, 1, 6)
    return _measured(model)


def _boltzmann():
    # Too many sites to sum over all states.
    patterns = np.sign(np.sin(np.arange(1, 33)))[None]
    return gz.BoltzmannMachine.hopfield(patterns)


def _packed():
    return gan_cases.points_gan(networks={"packing": 2}, packing=2)


# How each family is made, and the arguments of its endpoints.
FAMILIES = {
    "rbm": (lambda: _measured(_rbm()), {**ENERGY, **LOG_PROB, **HIDDEN}),
    "rbm with chains": (lambda: _rbm(5), {**ENERGY, **HIDDEN}),
    "maxent": (_maxent, {**ENERGY, **LOG_PROB}),
    "boltzmann machine": (_boltzmann, ENERGY),
    "gan": (
        gan_cases.points_gan,
        {"serve": ("z",), "sample": N_SEED, "score": ("x",)},
    ),
    "packed gan": (_packed, {"serve": ("z",), "sample": N_SEED}),
    "conditional gan": (
        gan_cases.images_gan,
        {
            "serve": ("z", "labels"),
            "sample": (*N_SEED, "labels"),
            "score": ("x", "labels"),
        },
    ),
}
_made = {}


@pytest.fixture(params=FAMILIES)
def family(request, tmp_path_factory):
    """(name, live model, the same from its SavedModel)."""
    name = request.param
    if name not in _made:
        folder = tmp_path_factory.mktemp("served")
        model = FAMILIES[name][0]()
        model.export(folder)
        _made[name] = model, gz.load_exported(folder)
    return name, *_made[name]


def drawing(served):
    """Arguments of `sample` beside n and the seed: one class for all."""
    known = {"steps": 4, "labels": 1, "conditions": [200.0]}
    return {k: v for k, v in known.items() if k in served.endpoints["sample"]}


def test_names_are_one_set_for_all_families(family):
    name, _, served = family
    assert served.endpoints == FAMILIES[name][1]
    for endpoint, arguments in served.endpoints.items():
        assert f"{endpoint}({', '.join(arguments)})" in repr(served)
        assert getattr(served, endpoint)


def test_default_signature_is_what_the_model_gives(family):
    name, model, served = family
    default = served._loaded.signatures["serving_default"]
    for rows in (2, 5):
        if name.endswith("gan"):
            x = {"z": np.ones((rows, 3), "float32")}
            if name == "conditional gan":
                x["labels"] = np.arange(rows, dtype="int32") % 3
        else:
            x = {"x": model.sample(rows, seed=1).astype("float32")}
        given = list(x.values())
        expected = model.predict(
            given[0] if len(given) == 1 else given, verbose=0
        )
        (found,) = default(**{k: tf.constant(v) for k, v in x.items()}).values()
        assert len(found) == rows
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(served.serve(**x), found)


def test_the_seed_decides(family):
    _, model, served = family
    options = drawing(served)
    first = served.sample(6, seed=7, **options)
    np.testing.assert_array_equal(
        first, served.sample(n=6, seed=(7, 0), **options)
    )
    np.testing.assert_array_equal(first, model.sample(6, seed=7, **options))
    # Beyond 32 bits too.
    large = (2**40, -3)
    other = served.sample(6, seed=large, **options)
    assert (first != other).any()
    np.testing.assert_array_equal(other, model.sample(6, seed=large, **options))
    # A batch of any length.
    assert len(served.sample(1, seed=7, **options)) == 1


def test_energies_are_those_of_the_model(family):
    _, model, served = family
    if "energy" not in served.endpoints:
        return
    x = model.sample(4, seed=2)
    energy = served.energy(x)
    np.testing.assert_allclose(energy, model.energy(x), rtol=1e-5)
    np.testing.assert_array_equal(served.serve(x), energy)
    if "log_prob" in served.endpoints:
        log_prob = served.log_prob(x)
        np.testing.assert_allclose(log_prob, model.log_prob(x), rtol=1e-5)
    np.testing.assert_array_equal(
        served.gibbs(x, seed=3, steps=2),
        model.sample(4, seed=3, steps=2, start=x),
    )


# Presets --------------------------------------------------------------------


# The others are of the same class and shape, with other weights.
_SERVED = set(gz.list_presets()) - {
    "ising_rbm_16_critical",
    "ising_rbm_16_disordered",
    "rbm_mnist_500_stochastic",
}


@pytest.mark.parametrize("name", sorted(_SERVED))
def test_presets_draw_the_same_when_they_are_served(name, tmp_path):
    model = gz.from_preset(name)
    assert model.card == gz.zoo.card(name)
    if not hasattr(model, "sample"):
        return
    model.export(tmp_path)
    served = gz.load_exported(tmp_path)
    # Real numbers are rounded otherwise where two operations are one.
    np.testing.assert_allclose(
        served.sample(5, seed=(3, 1), **drawing(served)),
        model.sample(5, seed=(3, 1), **drawing(served)),
        rtol=0,
        atol=2e-6,
    )
    asset = (tmp_path / "assets" / files.METADATA).read_bytes()
    assert files.from_json(asset, "asset") == served.card == gz.zoo.card(name)


def test_a_card_goes_with_its_weights_alone(tmp_path):
    rbm = gz.from_preset("rbm_digits_8x8")
    # What is drawn and measured changes nothing that the card says.
    x = rbm.sample(20, steps=2)
    rbm.log_partition()
    rbm.save(tmp_path / "rbm.keras")
    assert rbm.card is not None
    rbm.export(tmp_path / "served")
    served = gz.load_exported(tmp_path / "served")
    assert served.card == rbm.card
    assert served.card["licence"] == "Apache-2.0"
    told = served.serving
    assert {k: tuple(v) for k, v in told["endpoints"].items()} == (
        served.endpoints
    )
    assert told["endpoints"]["sample"]["n"] == {"shape": [], "dtype": "int32"}
    assert told["limits"]["n"] == [1, 2**20]
    rbm.compile()
    rbm.fit(x, verbose=0)
    assert rbm.card is None
    rbm.export(tmp_path / "served")
    assert gz.load_exported(tmp_path / "served").card is None
    assert not list((tmp_path / "served" / "assets").glob("metadata*"))
    assert keras.models.load_model(tmp_path / "rbm.keras").card is None


# Without genzoo -------------------------------------------------------------

_ALONE = """
import json
import numpy as np
import tensorflow as tf
served = tf.saved_model.load("served")
card = json.loads(tf.io.read_file(served.card.asset_path).numpy())
assert card["class"] == "RBM"
drawn = served.sample(4, [5, 6], 3)
(other,) = served.signatures["sample"](
    n=tf.constant(4), seed=tf.constant([5, 6], tf.int64), steps=tf.constant(3)
).values()
np.savez("drawn.npz", drawn=drawn, other=other)
"""


def test_tensorflow_alone_serves_a_preset(tmp_path, serving):
    model = gz.from_preset("rbm_digits_8x8")
    model.export(tmp_path / "served")
    # Elsewhere, as on another machine.
    (tmp_path / "moved").mkdir()
    (tmp_path / "served").rename(tmp_path / "moved" / "served")
    serving(tmp_path / "moved", "", _ALONE)
    expected = model.sample(4, seed=(5, 6), steps=3)
    with np.load(tmp_path / "moved" / "drawn.npz") as found:
        np.testing.assert_array_equal(found["drawn"], expected)
        np.testing.assert_array_equal(found["other"], expected)


# Errors ---------------------------------------------------------------------


def test_what_is_no_export_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no folder '.*missing'"):
        gz.load_exported(tmp_path / "missing")
    with pytest.raises(ValueError, match="holds no SavedModel. Write one"):
        gz.load_exported(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="no folder"):
        gz.load_exported(tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("assets/serving.json", b'{"family": '),
        ("assets/serving.json", None),
        ("variables/variables.data-00000-of-00001", b"short"),
    ],
)
def test_an_export_that_is_not_whole_is_told(name, content, tmp_path):
    _rbm().export(tmp_path / "e", verbose=False)
    file = tmp_path / "e" / name
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(ValueError, match="damaged or not complete"):
        gz.load_exported(tmp_path / "e")


def test_an_export_has_a_path_that_is_no_pattern(tmp_path):
    with pytest.raises(ValueError, match=r"have no \["):
        _rbm().export(tmp_path / "a[1]", verbose=False)
    assert not list(tmp_path.iterdir())


def test_an_export_is_whole_or_what_it_was(tmp_path, monkeypatch):
    rbm = gz.from_preset("rbm_digits_8x8")
    folder = tmp_path / "mit Leerzeichen é"
    rbm.export(folder, verbose=False)
    before = gz.load_exported(folder)
    kept = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    def fails(saved, place, **options):
        raise tf.errors.OutOfRangeError(None, None, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(tf.saved_model, "save", fails)
        with pytest.raises(tf.errors.OutOfRangeError):
            rbm.export(folder, verbose=False)
    found = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert found == kept
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]
    assert before.card == gz.load_exported(folder).card
    # What is no part of an export stays.
    (folder / "notes.txt").write_text("mine")
    rbm.export(folder, verbose=False)
    assert (folder / "notes.txt").read_text() == "mine"
    variables = folder / "variables" / "variables.index"
    variables.write_bytes(variables.read_bytes()[:40])
    with pytest.raises(ValueError, match="damaged or not complete"):
        gz.load_exported(folder)
    graph = folder / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:999])
    with pytest.raises(ValueError, match="damaged or not complete"):
        gz.load_exported(folder)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    gan_cases.images_gan().export(folder)
    return gz.load_exported(folder)


@pytest.mark.parametrize(
    ("endpoint", "arguments", "message"),
    [
        ("sample", {"n": 0}, "sample: n must be a positive int; .* 0"),
        ("sample", {"n": 2.5}, "n must be int32 integers; .*float64 2.5"),
        ("sample", {"n": 2**31}, "n must be int32 integers"),
        ("sample", {"n": [1, 2]}, r"n must have shape \(\)"),
        ("sample", {"seed": 0.5}, "seed must be an int or a pair"),
        ("sample", {"labels": [1, 2]}, "labels has 2 rows; n is 3"),
        ("sample", {"labels": "two"}, "labels must be int32 integers"),
        ("score", {"x": np.ones((2, 8, 8))}, r"x must have .*8, 8, 1\)"),
        # By the graph itself, whoever calls it.
        ("sample", {"n": 10**8}, r"n must be an int from 1 to 1,048,576; .*\d"),
        ("sample", {"labels": [0, 1, 3]}, "labels must be ints from 0 to 2"),
        ("score", {"x": [[[[np.inf]] * 8] * 8]}, "x must be finite numbers"),
        ("serve", {"z": [[0.0, np.nan, 1.0]]}, "z must be finite numbers"),
        ("serve", {"z": np.ones((1, 3)), "labels": [-1]}, "received -1"),
    ],
)
def test_arguments_are_checked(pictures, endpoint, arguments, message):
    known = {"n": 3, "seed": 0, "labels": 1}
    if endpoint != "sample":
        known = {"labels": [1]}
    given = {k: known[k] for k in pictures.endpoints[endpoint] if k in known}
    with pytest.raises(ValueError, match=message):
        getattr(pictures, endpoint)(**{**given, **arguments})


def test_a_graph_refuses_what_the_model_has_no_answer_to(tmp_path):
    units = gz.units
    rbm = gz.RBM(
        [units.Categorical(1, 3), units.Gaussian(1)],
        units.Bernoulli(2),
        condition=units.Spin(2),
        seed=0,
    )
    rng = np.random.default_rng(0)
    x = np.hstack([np.eye(3)[rng.integers(0, 3, 40)], rng.normal(size=(40, 1))])
    c = np.sign(rng.normal(size=(40, 2)))
    rbm.compile()
    rbm.fit(x, condition=c, epochs=1, verbose=0)
    rbm.export(tmp_path)
    served = gz.load_exported(tmp_path)
    assert served.energy(x, c).shape == (40,)
    few = {"seed": 1, "steps": 3}
    # Of what is unknown nothing is asked: half a group, and NaN.
    gaps = x[:2].copy()
    gaps[0, :2] = gaps[1, 3] = np.nan
    found = served.complete(gaps, ~np.isnan(gaps), c[:2], **few)
    assert not rbm.space.outside(found)
    with pytest.raises(ValueError, match="energy: x must be .* received"):
        served.energy(x + 1, c)
    with pytest.raises(ValueError, match="condition must be .* received .0.5"):
        served.energy(x, np.full_like(c, 0.5))
    with pytest.raises(ValueError, match="complete: x must be"):
        served.complete(x + 1, np.ones_like(x, bool), c, **few)
    with pytest.raises(ValueError, match="steps must be an int from 1 to"):
        served.sample(1, condition=c[:1], seed=1, steps=2**30)
    # For who calls TensorFlow alone it is an error as well.
    raw = served._loaded.signatures
    two, seven = tf.ones((2, 2)), tf.fill((2, 4), np.float32(7))
    with pytest.raises(tf.errors.InvalidArgumentError, match="x must be"):
        raw["energy"](x=seven, condition=two)
    counts = {key: tf.constant(3) for key in ("n", "steps")}
    seed = tf.constant([0, 1], tf.int64)
    with pytest.raises(tf.errors.InvalidArgumentError, match="row for each"):
        raw["sample"](condition=two, seed=seed, **counts)


def test_missing_arguments_and_endpoints_are_named(pictures):
    with pytest.raises(TypeError, match=r"sample\(n, .*missing.*'labels'"):
        pictures.sample(3, seed=0)
    with pytest.raises(AttributeError, match="no endpoint 'energy'; it has"):
        pictures.energy(np.ones((1, 8, 8, 1)))
    assert not hasattr(pictures, "log_prob")


def test_endpoints_are_printed(tmp_path, capsys):
    _rbm().export(tmp_path, verbose=True)
    assert "sample(n, seed, steps)" in capsys.readouterr().out
