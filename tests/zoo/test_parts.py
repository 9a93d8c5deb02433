"""Each part says once which arguments a preset may hold of it."""

import inspect
import json

import keras
import pytest

import genzoo as gz
from genzoo import layers, losses, penalties
from genzoo.features import Feature
from genzoo.networks.recipe import Recipe
from genzoo.spaces import Space
from genzoo.units import Unit
from genzoo.zoo import table

PARTS = {table.name_of(part): part for part in table.PARTS}
_GIVEN = {
    "latent": 3,
    "width": 4,
    "classes": 2,
    "condition": None,
    "conditioning": "projection",
    "packing": 2,
    "activation": "tanh",
    "spectral_normalization": True,
}
# At least one of each part, with arguments that are not the defaults.
EXAMPLES = [
    ("features.CircularMoments", {"orders": [2, 1]}),
    (
        "features.CosineBonds",
        {"shape": [2, 3], "periodic": [True, False], "lattice": "triangular"},
    ),
    ("features.Hinge", {"knots": [0.0, 0.5, 2.0], "sites": [2, 0]}),
    ("features.Histogram", {"bins": [0.0, 0.5, 2.0]}),
    ("features.Indicators", {"values": [3.0, 1.0, 2.0]}),
    (
        "features.LatticeBonds",
        {
            "shape": [2, 3],
            "periodic": [True, False],
            "lattice": "triangular",
            "equal": False,
        },
    ),
    (
        "features.LatticeBonds",
        {"shape": [4], "periodic": False, "lattice": "square", "equal": True},
    ),
    (
        "features.Linear",
        {"weights": [[0.5, -1.0, 0.0]], "names": ["balance"]},
    ),
    ("features.Linear", {"weights": [[1.0], [2.0]], "names": None}),
    ("features.Marginal", {"sites": [1, "age"]}),
    ("features.Moments", {"powers": [2, 1], "tied": True}),
    ("features.PairIndicators", {"values": [0.0, 1.0], "edges": [[0, 2]]}),
    ("features.PairIndicators", {"values": [0.0, 1.0], "edges": None}),
    ("features.Pairwise", {"edges": [[0, 1], [1, 2]]}),
    ("features.Pairwise", {"edges": None}),
    ("features.Threshold", {"knots": [[0.0, 1.0, 2.0]], "sites": None}),
    (
        "layers.Augmentation",
        {
            "translation": 0.25,
            "cutout": 0.0,
            "colour": 1.0,
            "probability": 0.5,
            "target": 0.6,
            "speed": 10.0,
            "fill": -1.0,
        },
    ),
    ("networks.mlp", {**_GIVEN, "output": 2, "depth": 1}),
    ("networks.conv1d", {**_GIVEN, "signal_shape": [9, 2], "mapping": 1}),
    (
        "networks.conv3d",
        {**_GIVEN, "volume_shape": [5, 4, 6, 1], "mapping": None},
    ),
    ("networks.dcgan", {**_GIVEN, "image_shape": [8, 8, 1], "mapping": 1}),
    ("networks.modern", {**_GIVEN, "image_shape": [8, 8, 3], "blocks": 1}),
    ("networks.resnet", {**_GIVEN, "image_shape": [8, 8, 3]}),
    (
        "networks.energy_mlp",
        {
            "space": {"class": "spaces.Real", "shape": [2]},
            "width": 3,
            "depth": 1,
            "waves": 5,
            "seed": 4,
        },
    ),
    (
        "networks.energy_cnn",
        {
            "space": {"class": "spaces.Spin", "shape": [4, 4]},
            "width": 3,
            "depth": 1,
            "filters": 2,
            "seed": None,
        },
    ),
    ("networks.dilepton", {"latent": 2, "width": 3, "depth": 1}),
    ("regularizers.Sparsity", {"target": 0.1, "weight": 2.0}),
    ("spaces.Angle", {"shape": [2], "period": 24.0, "low": 0.0}),
    ("spaces.Binary", {"shape": [2, 3]}),
    ("spaces.Categorical", {"values": [1.0, 3.0, 2.0], "shape": [2]}),
    ("spaces.Counts", {"most": 3, "shape": [2, 2]}),
    ("spaces.Counts", {"most": None, "shape": [3]}),
    ("spaces.Interval", {"low": None, "high": 1.5, "shape": [1]}),
    ("spaces.Interval", {"low": -1.0, "high": None, "shape": [1, 2]}),
    ("spaces.Interval", {"low": None, "high": None, "shape": [3]}),
    ("spaces.OneHot", {"shape": 2, "states": 3}),
    ("spaces.OneHot", {"shape": [2, 2], "states": 3}),
    ("spaces.Real", {"shape": [3]}),
    ("spaces.Spin", {"shape": [2, 2]}),
    ("units.Bernoulli", {"size": 3}),
    ("units.Bernoulli", {"size": [2, 3]}),
    ("units.Binomial", {"size": [2], "trials": 4}),
    ("units.Categorical", {"size": [2], "states": 3}),
    ("units.DoubleReLU", {"size": 3}),
    ("units.Gaussian", {"size": 3, "variance": 0.5, "learn_variance": True}),
    (
        "units.Mixed",
        {
            "units": [
                {"class": "units.Spin", "size": [2]},
                {"class": "units.Categorical", "size": 1, "states": 3},
            ],
            "names": ["a", "b"],
        },
    ),
    ("units.Multinomial", {"words": 5}),
    ("units.Poisson", {"size": [3, 1]}),
    ("units.ReLU", {"size": 3}),
    ("units.Spin", {"size": [2, 2, 1]}),
    ("units.UnitInterval", {"size": 2}),
]
every_example = pytest.mark.parametrize(("name", "arguments"), EXAMPLES)


def plain_config(name, arguments):
    """The configuration as a file would hold it."""
    return json.loads(json.dumps({"class": name, **arguments}))


def checked(config):
    return table.Config(config).checked((config["class"],), "here")


def described(part):
    """A part's configuration, through JSON."""
    part = part[0] if isinstance(part, tuple) else part
    part = getattr(part, "recipe", part)
    return json.loads(json.dumps(table.describe(part, "here")))


def test_each_part_has_an_example():
    assert {name for name, _ in EXAMPLES} == PARTS.keys()


@every_example
def test_part_is_described_checked_and_built_again(name, arguments):
    config = plain_config(name, arguments)
    first = table.build(checked(config))
    assert described(first) == config
    again = table.build(checked(described(first)))
    assert described(again) == config
    if isinstance(first, tuple):
        assert [net.recipe for net in again] == [net.recipe for net in first]
        assert isinstance(first[0].recipe, Recipe)
        return
    if not isinstance(PARTS[name], type):
        assert first.recipe.function == name.partition(".")[2]
        return
    assert type(again) is type(first) is PARTS[name]
    if isinstance(first, Space):
        assert again == first
    if isinstance(first, Feature):
        assert again.get_config() == first.get_config()
    if isinstance(first, Unit):
        assert again.space == first.space
        assert again.arrangement == first.arrangement


@every_example
def test_arguments_of_a_preset_are_those_of_the_part(name, arguments):
    part = PARTS[name]
    assert arguments.keys() == part.arguments.keys()
    if not isinstance(part, type):
        assert (
            part.arguments.keys() == inspect.signature(part).parameters.keys()
        )
        return
    config = table.build(checked(plain_config(name, arguments))).get_config()
    assert config.keys() - {"name", "dtype", "trainable"} == arguments.keys()


BAD = [
    *(None, True, "much", {}, {"class": "units.Spin", "size": 2}),
    *(-1, 0, 1.5, -1e300, 2**63, 10**400, float("inf"), float("nan")),
    *([], [0], [-1, 2], [1, 1], [2.5, 1.5], [[1]], [[1], [1, 2]], [[0, 0]]),
    *(["a", "b"], [None, 1], [1e308, float("inf")], [2] * 9, [2**12] * 2),
    *([[0, 1], [1, 0]], [True, 1], [8, 9, 1], [8, 8, 2], [0, 10**400]),
]


@every_example
def test_constructor_refuses_what_a_preset_does(name, arguments):
    part = PARTS[name]
    unpacks = name in ("features.CircularMoments", "features.Moments")
    make = part.from_config if unpacks else lambda config: part(**config)
    # Parts of parts are made.
    built = {
        key: table.build(checked(value)) if isinstance(value, dict) else value
        for key, value in arguments.items()
    }
    for key, check in part.arguments.items():
        refused = 0
        for value in BAD:
            try:
                check(value, "here")
                continue
            except ValueError as error:
                expected = str(error).partition("; ")[0]
            refused += 1
            # Through a file, where JSON has such a value at all.
            said = rf"{name}.{key}(: class)? must"
            with pytest.raises(ValueError, match=said):
                checked({"class": name, **arguments, key: value})
            is_list = key in ("powers", "orders")
            if is_list and (not value or not isinstance(value, list)):
                continue  # The constructor takes them one by one.
            with pytest.raises(ValueError, match="must") as raised:
                make({**built, key: value})
            owner = name.partition(".")[2]
            found = str(raised.value).partition("; ")[0]
            assert found == expected.replace("here", f"{owner}: {key}")
            assert len(str(raised.value)) < 300
        assert refused > len(BAD) / 3


def learning_parts():
    """All of what else has arguments: losses, penalties, layers."""
    for room in (losses, penalties, layers):
        for name in room.__all__:
            thing = getattr(room, name)
            if isinstance(thing, type) and hasattr(thing, "arguments"):
                yield thing


@pytest.mark.parametrize(
    "cls", list(learning_parts()), ids=lambda cls: cls.__name__
)
def test_arguments_of_what_learns_are_its_configuration(cls):
    given = {"weight": 2.0} if issubclass(cls, penalties.Penalty) else {}
    thing = cls(**given)
    config = thing.get_config()
    assert config.keys() - {"name", "dtype", "trainable"} == (
        cls.arguments.keys()
    )
    for key, check in cls.arguments.items():
        assert check(config[key], "here") == config[key]
        with pytest.raises(ValueError, match=f"{cls.__name__}: {key} must be"):
            cls(**{**given, key: "much"})
    assert type(thing).from_config(config).get_config() == config


def test_parts_of_others_are_not_in_the_table():
    class Half(gz.units.Unit):
        def space_of(self, arrangement):
            return gz.spaces.Binary(arrangement)

    with pytest.raises(ValueError, match="can hold units.Bernoulli, units"):
        table.describe(Half(3), "here")
    with pytest.raises(ValueError, match="can hold spaces.Angle, spaces.I"):
        table.describe(gz.spaces.Box([0], [1]), "here")
    with pytest.raises(ValueError, match="a preset can hold"):
        table.describe(keras.layers.Dense(3), "here")


def test_error_of_a_constructor_is_one_of_values():
    # Each argument is in range, but not both together.
    for config in (
        {"class": "units.Categorical", "size": 2**20, "states": 1000},
        {"class": "spaces.Interval", "low": 2.0, "high": 1.0, "shape": [1]},
        {"class": "features.LatticeBonds", "shape": 4, "periodic": [True] * 2},
    ):
        with pytest.raises(ValueError, match="must be"):
            table.build(checked(config))


@pytest.mark.parametrize(
    "name", ["spaces.Box", "spaces.Product", "features.Function", "mlp", "RBM"]
)
def test_other_names_are_no_parts(name):
    kinds = (Space, Feature, Unit)
    with pytest.raises(ValueError, match="class must be one of"):
        table.Config({"class": name}).checked(kinds, "here")
