"""The table's units, spaces and features, and how many weights they bring."""

import math

import numpy as np

from genzoo import features, layers, spaces, units
from genzoo.features.pairwise import lattice_bonds
from genzoo.zoo.arguments import (
    either,
    flag,
    list_of,
    number,
    one_of,
    optional,
    shape,
    whole,
)
from genzoo.zoo.table import TABLE, Entry

MOST_SITES = 2**16
UNITS = tuple(
    f"units.{name}"
    for name in ("Bernoulli", "Categorical", "Gaussian", "ReLU", "Spin")
)
SPACES = tuple(
    f"spaces.{name}"
    for name in ("Binary", "Categorical", "Interval", "Real", "Spin")
)
FEATURES = tuple(
    f"features.{name}"
    for name in (
        "Histogram",
        "Indicators",
        "LatticeBonds",
        "Moments",
        "PairIndicators",
        "Pairwise",
    )
)
AUGMENTATION = "layers.Augmentation"

_SIZE = whole(1, MOST_SITES)
_SHAPE = shape(MOST_SITES)
_VALUES = list_of(number(-1e9, 1e9), 2)
_END = optional(number(-1e30, 1e30))
_SHARE = number(0, 1)
_SITE = whole(0, MOST_SITES - 1)
EDGES = optional(list_of(list_of(_SITE, 2, 2), 1, 2**17))


def _add(name, arguments, make=None, describe=None):
    room, _, cls = name.partition(".")
    rooms = {
        "units": units,
        "spaces": spaces,
        "features": features,
        "layers": layers,
    }
    cls = getattr(rooms[room], cls)

    def from_config(thing):
        config = thing.get_config()
        return {key: config[key] for key in arguments}

    TABLE[name] = Entry(make or cls, arguments, describe or from_config)


def _interval(low, high, shape):
    return spaces.Interval(
        -math.inf if low is None else low,
        math.inf if high is None else high,
        shape,
    )


def _describe_interval(space):
    config = space.get_config()
    for end in ("low", "high"):
        # JSON has no infinity.
        config[end] = config[end] if math.isfinite(config[end]) else None
    return config


for _name in ("units.Bernoulli", "units.ReLU", "units.Spin"):
    _add(_name, {"size": _SIZE})
_add("units.Categorical", {"size": _SIZE, "states": whole(2, 1000)})
_add(
    "units.Gaussian",
    {"size": _SIZE, "variance": number(1e-12, 1e12), "learn_variance": flag},
)
for _name in ("spaces.Binary", "spaces.Real", "spaces.Spin"):
    _add(_name, {"shape": _SHAPE})
_add("spaces.Categorical", {"values": _VALUES, "shape": _SHAPE})
_add(
    "spaces.Interval",
    {"low": _END, "high": _END, "shape": _SHAPE},
    _interval,
    _describe_interval,
)
_add("features.Histogram", {"bins": _VALUES})
_add("features.Indicators", {"values": _VALUES})
_add(
    "features.LatticeBonds",
    {"shape": _SHAPE, "periodic": either(flag, list_of(flag, 1, 8))},
)
_add(
    "features.Moments",
    {"powers": list_of(whole(1, 64), 1, 64), "tied": flag},
    lambda powers, tied: features.Moments(*powers, tied=tied),
)
_add("features.PairIndicators", {"values": _VALUES, "edges": EDGES})
_add("features.Pairwise", {"edges": EDGES})
_add(
    AUGMENTATION,
    {
        "translation": _SHARE,
        "cutout": _SHARE,
        "colour": _SHARE,
        "probability": _SHARE,
        "target": optional(number(-1, 1)),
        "speed": number(1e-9, 1e9),
        "fill": number(-1e9, 1e9),
    },
)
LATTICE = one_of("lattice")
SEED = list_of(whole(-(2**63), 2**63 - 1), 2, 2)


def unit_width(config):
    """The length of a state of units."""
    return config["size"] * config.get("states", 1)


def sites(space):
    """The number of sites of a space."""
    return math.prod(space["shape"])


def feature_count(config, width):
    """How many functions a feature is, on so many sites."""
    kind = config["class"].partition(".")[2]
    if kind == "LatticeBonds":
        return 1
    if kind == "Moments":
        return len(config["powers"]) * (1 if config["tied"] else width)
    if kind == "Histogram":
        return width * (len(config["bins"]) - 1)
    if kind == "Indicators":
        return width * (len(config["values"]) - 1)
    edges = edge_count(config["edges"], width)
    if kind == "PairIndicators":
        return edges * (len(config["values"]) - 1) ** 2
    return edges


def edge_count(edges, width, lattice=None):
    """How many pairs of sites there are.

    Args:
        edges: a list of them, None for all, or "lattice".
        width: the number of sites.
        lattice: the shape of the lattice.
    """
    if edges is None:
        return width * (width - 1) // 2
    if edges == "lattice":
        bonds = np.sort(lattice_bonds(tuple(lattice)), axis=1)
        return len(np.unique(bonds, axis=0))
    return len(edges)
