"""The table's energy-based models."""

import keras

from genzoo.models import RBM, BoltzmannMachine, MaxEnt
from genzoo.partition.log_partition import RECORD_LENGTH
from genzoo.zoo import parts
from genzoo.zoo.arguments import (
    either,
    flag,
    list_of,
    number,
    one_of,
    optional,
    whole,
)
from genzoo.zoo.parts import FEATURES, SEED, SPACES, UNITS
from genzoo.zoo.table import TABLE, Entry, describe, part

_KNOWN = RECORD_LENGTH + 1


# Restricted Boltzmann machines ---------------------------------------------

_PENALTY = list_of(number(0, 1e9), 2, 2)


def _make_rbm(kernel_regularizer, chains, **arguments):
    if kernel_regularizer is not None:
        kernel_regularizer = keras.regularizers.L1L2(*kernel_regularizer)
    rbm = RBM(kernel_regularizer=kernel_regularizer, **arguments)
    rbm.keep_chains(chains or 0)
    return rbm


def _describe_rbm(rbm):
    _check_learned(rbm)
    penalty = rbm.kernel_regularizer
    if penalty is not None:
        config = penalty.get_config()
        if config.keys() - {"l1", "l2"}:
            raise ValueError(
                "RBM.save_to_preset: kernel_regularizer must be L1, L2 or "
                f"L1L2 of Keras, or None; received {penalty!r}."
            )
        penalty = [float(config.get(name, 0.0)) for name in ("l1", "l2")]
    where = "RBM.save_to_preset"
    return {
        "visible": describe(rbm.visible, where, UNITS),
        "hidden": describe(rbm.hidden, where, UNITS),
        "centered": rbm.centered,
        "kernel_regularizer": penalty,
        "chains": rbm.chains.count if rbm.chains else None,
        "seed": rbm.draws.seed,
    }


def _count_rbm(config):
    visible, hidden = config["visible"], config["hidden"]
    widths = [parts.unit_width(unit) for unit in (visible, hidden)]
    total = widths[0] * widths[1] + _KNOWN
    total += (config["chains"] or 0) * widths[1]
    for unit, width in zip((visible, hidden), widths, strict=True):
        # A bias and an offset; the precision, which is kept in any case.
        total += width * (3 if unit["class"] == "units.Gaussian" else 2)
    return total


def _rbm_weights(rbm):
    found = {
        "kernel": rbm.kernel,
        "visible_offset": rbm.offsets.visible,
        "hidden_offset": rbm.offsets.hidden,
        "known_log_partition": rbm.known_log_partition,
    }
    for side in ("visible", "hidden"):
        for weight in getattr(rbm, side).weights:
            found[f"{side}.{weight.name}"] = weight
    if rbm.chains:
        found["chains"] = _AllChains(rbm.chains)
    return found


class _AllChains:
    """The chains of all replicas, as one variable."""

    name = "chains"

    def __init__(self, chains):
        self.shape = (chains.count, chains.width)
        self.dtype = chains.states.dtype
        self.numpy = lambda: chains.read_all().numpy()
        self.assign = chains.write_all


def _check_learned(model):
    if not model.is_adapted:
        raise ValueError(
            f"{type(model).__name__}.save_to_preset: the model has not seen "
            "data. Call fit(x) first."
        )


def _mark_adapted(model):
    model.adapted.assign(1)


TABLE["RBM"] = Entry(
    _make_rbm,
    {
        "visible": part(*UNITS),
        "hidden": part(*UNITS),
        "centered": flag,
        "kernel_regularizer": optional(_PENALTY),
        "chains": optional(whole(1, 2**16)),
        "seed": SEED,
    },
    _describe_rbm,
    _count_rbm,
    _rbm_weights,
    _mark_adapted,
)


# Maximum entropy -----------------------------------------------------------


def _describe_maxent(model):
    _check_learned(model)
    where = f"{type(model).__name__}.save_to_preset"
    if model.reference is not None:
        raise ValueError(
            f"{where}: the reference is a function, which is no plain data. "
            "Save the model as .keras instead."
        )
    return {
        "space": describe(model.space, where, SPACES),
        "features": [
            describe(feature, where, FEATURES)
            for feature in model.features.parts
        ],
        "seed": model.draws.seed,
    }


def _describe_boltzmann(model):
    _check_learned(model)
    config = model.get_config()
    where = "BoltzmannMachine.save_to_preset"
    return {
        "space": describe(model.space, where, SPACES),
        "edges": config["edges"],
        "start": config["start"],
        "seed": model.draws.seed,
    }


def _stored_maxent(width, count):
    # Multipliers, averages, their errors, flags; a window for each site.
    return 4 * count + 2 + 2 * width + _KNOWN


def _count_maxent(config):
    width = parts.sites(config["space"])
    counts = [parts.feature_count(f, width) for f in config["features"]]
    return _stored_maxent(width, sum(counts))


def _count_boltzmann(config):
    space = config["space"]
    width = parts.sites(space)
    codes = len(space.get("values", (0, 1))) - 1
    edges = parts.edge_count(config["edges"], width, space["shape"])
    return _stored_maxent(width, codes * width + codes**2 * edges)


def _maxent_weights(model):
    kept = model.observations
    return {
        "multiplier_weights": model.multiplier_weights,
        "observed": kept.values,
        "observed_stderr": kept.stderr,
        "is_redundant": kept.is_redundant,
        "observation_record": kept.record,
        "window": model.window.ends,
        "known_log_partition": model.known_log_partition,
    }


TABLE["MaxEnt"] = Entry(
    MaxEnt,
    {
        "space": part(*SPACES),
        "features": list_of(part(*FEATURES), 1, 100),
        "seed": SEED,
    },
    _describe_maxent,
    _count_maxent,
    _maxent_weights,
    _mark_adapted,
)
TABLE["BoltzmannMachine"] = Entry(
    BoltzmannMachine,
    {
        "space": part("spaces.Spin", "spaces.Binary", "spaces.Categorical"),
        "edges": either(parts.LATTICE, parts.EDGES),
        "start": one_of("independent", "mean_field", "tap", "zeros"),
        "seed": SEED,
    },
    _describe_boltzmann,
    _count_boltzmann,
    _maxent_weights,
    _mark_adapted,
)
