"""The closed table of what a config.json may name.

A configuration is `{"class": name, argument: value, ...}`. Classes are those
of the table and no others; each says beside its constructor which arguments
it takes, with the checks that the constructor uses. Keras's own
deserialisation, which imports what a file names, plays no part.
"""

from typing import Any

import keras

from genzoo import features, layers, networks, regularizers, spaces, units
from genzoo.models import (
    GAN,
    RBM,
    BoltzmannMachine,
    ConditionalMaxEnt,
    DeepBoltzmannMachine,
    EnergyModel,
    MaxEnt,
)
from genzoo.networks.recipe import Recipe
from genzoo.regularizers.of_keras import CONSTRAINTS, REGULARIZERS
from genzoo.zoo.digit_features import DigitFeatures

OF_KERAS = [*CONSTRAINTS, *REGULARIZERS]


def name_of(cls: Any) -> str:
    """A class's name in the table: "RBM", "units.Spin", "networks.mlp"."""
    of_keras = {part.cls: part.__name__ for part in OF_KERAS}
    if cls in of_keras:
        return of_keras[cls]
    path: list[str] = cls.__module__.split(".")
    package, room = path[0], path[1] if len(path) > 1 else ""
    if package != "genzoo":
        return f"{cls.__module__}.{cls.__name__}"
    is_model = room in ("models", "zoo")
    return cls.__name__ if is_model else f"{room}.{cls.__name__}"


PARTS: list[Any] = [
    features.CircularMoments,
    features.CosineBonds,
    features.Hinge,
    features.Histogram,
    features.Indicators,
    features.LatticeBonds,
    features.Linear,
    features.Marginal,
    features.Moments,
    features.PairIndicators,
    features.Pairwise,
    features.Threshold,
    layers.Augmentation,
    networks.conv1d,
    networks.conv3d,
    networks.dcgan,
    networks.dilepton,
    networks.energy_cnn,
    networks.energy_mlp,
    networks.mlp,
    networks.modern,
    networks.resnet,
    regularizers.Sparsity,
    spaces.Angle,
    spaces.Binary,
    spaces.Categorical,
    spaces.Counts,
    spaces.Interval,
    spaces.OneHot,
    spaces.Real,
    spaces.Spin,
    units.Bernoulli,
    units.Binomial,
    units.Categorical,
    units.DoubleReLU,
    units.Gaussian,
    units.Mixed,
    units.Multinomial,
    units.Poisson,
    units.ReLU,
    units.Spin,
    units.UnitInterval,
]
MODELS: list[Any] = [
    BoltzmannMachine,
    ConditionalMaxEnt,
    DeepBoltzmannMachine,
    DigitFeatures,
    EnergyModel,
    GAN,
    MaxEnt,
    RBM,
]
# By name: classes, and functions of networks.
TABLE: dict[str, Any] = {
    **{name_of(part): part for part in [*PARTS, *MODELS]},
    **{part.__name__: part for part in OF_KERAS},
}


class Config:
    """A configuration in a file, and once it is checked what it stands for.

    Args:
        plain: what the file holds, an object of JSON.

    Attributes:
        entry: what the table has under its name, when it is checked.
        arguments: the checked arguments, among them other `Config`s.
    """

    entry: Any
    arguments: dict[str, Any]

    def __init__(self, plain: dict[str, Any]):
        self.plain = plain

    def __repr__(self) -> str:
        return repr(self.plain)

    def checked(self, kinds: tuple, where: str) -> "Config":
        """Itself, once all of it is known and in range.

        Args:
            kinds: the classes, functions or names that are possible here.
            where: the place in the file, for messages.

        Raises:
            ValueError: for another class, an argument that is missing or not
                known, or a value out of range.
        """
        name = self.plain.get("class")
        possible = tuple(key for key in TABLE if _is_one(key, kinds))
        if not isinstance(name, str) or name not in possible:
            raise ValueError(
                f"{where}: class must be one of {possible}; received "
                f"{str(name)[:60]!r}."
            )
        self.entry = TABLE[name]
        checks = self.entry.arguments
        newer = getattr(self.entry, "_newer_arguments", {})
        plain = {**newer, **self.plain}
        given = plain.keys() - {"class"}
        if given != checks.keys():
            lacks = sorted(checks.keys() - given)
            extra = [key[:60] for key in sorted(given - checks.keys())[:5]]
            raise ValueError(
                f"{where}: {name} takes the arguments {sorted(checks)}; "
                f"missing {lacks}, not known {extra}."
            )
        self.arguments = {
            key: check(_wrapped(plain[key]), f"{where}: {name}.{key}")
            for key, check in checks.items()
        }
        return self

    def parts(self) -> dict[str, Any]:
        """The arguments, parts being made."""
        return {key: build(value) for key, value in self.arguments.items()}


def _is_one(name: str, kinds: tuple) -> bool:
    entry = TABLE[name]
    if name in kinds or any(entry is kind for kind in kinds):
        return True
    entry = getattr(entry, "cls", entry)
    classes = tuple(kind for kind in kinds if isinstance(kind, type))
    return isinstance(entry, type) and issubclass(entry, classes)


def _wrapped(value: Any) -> Any:
    if isinstance(value, list):
        return [_wrapped(item) for item in value]
    return Config(value) if isinstance(value, dict) else value


def build(value: Any) -> Any:
    """What a checked value stands for: a part, a list of them, or itself."""
    if isinstance(value, list):
        return [build(item) for item in value]
    if not isinstance(value, Config):
        return value
    make = value.entry
    is_class = isinstance(make, type)
    # Layers have a from_config of Keras's, which hides errors in others.
    if is_class and not issubclass(make, keras.layers.Layer):
        return make.from_config(value.parts())
    return make(**value.parts())


def _near(thing: Any) -> list[str]:
    """The names of the classes that have the nearest base in common."""
    for base in type(thing).__mro__[1:-1]:
        near = [name for name in TABLE if _is_one(name, (base,))]
        if near:
            return near
    return list(TABLE)


def describe(thing: Any, where: str) -> Any:
    """What a preset holds of a value, plain data.

    Args:
        thing: a part, the `Recipe` of a pair of networks, plain data, or a
            list or dict of these.
        where: what is saved, for messages.

    Raises:
        ValueError: for an object of a class that is not in the table.
    """
    if isinstance(thing, dict):
        return {key: describe(value, where) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [describe(item, where) for item in thing]
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if isinstance(thing, Recipe):
        name, config = f"networks.{thing.function}", thing.arguments
    else:
        name, config = name_of(type(thing)), None
    if name not in TABLE:
        raise ValueError(
            f"{where}: a preset can hold {', '.join(_near(thing))} here; "
            f"received {thing!r}. Save the model as .keras instead."
        )
    if config is None:
        # Parts of parts as they are, where there are any.
        config = getattr(thing, "preset_arguments", thing.get_config)()
    return {
        "class": name,
        **{
            key: describe(value, where)
            for key, value in config.items()
            if key in TABLE[name].arguments
        },
    }
