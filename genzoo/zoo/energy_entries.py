"""How energy-based models are presets."""

from typing import Any, ClassVar

import keras

from genzoo import checks
from genzoo.features import Feature
from genzoo.features.pairwise import edge_array, edge_count
from genzoo.models import RBM, BoltzmannMachine, MaxEnt
from genzoo.partition.log_partition import RECORD_LENGTH
from genzoo.spaces import Binary, Categorical, Space, Spin
from genzoo.units import Unit
from genzoo.zoo.table import TABLE

_KNOWN = RECORD_LENGTH + 1


def _check_learned(model: Any) -> None:
    if not model.is_adapted:
        raise ValueError(
            f"{type(model).__name__}.save_to_preset: the model has not seen "
            "data. Call fit(x) first."
        )


class RBMEntry:
    """How an RBM is a preset: its units, weights and chains."""

    arguments: ClassVar[checks.Arguments] = {
        "visible": checks.part(Unit),
        "hidden": checks.part(Unit),
        "centered": checks.flag,
        "kernel_regularizer": checks.optional(
            checks.list_of(checks.number(0, 1e9), 2, 2)
        ),
        "chains": checks.optional(checks.whole(1, 2**16)),
        "seed": checks.seed_pair,
    }

    @staticmethod
    def preset_make(
        kernel_regularizer: list[float] | None,
        chains: int | None,
        **arguments: Any,
    ) -> RBM:
        """The RBM, with room for its chains."""
        if kernel_regularizer is not None:
            kernel_regularizer = keras.regularizers.L1L2(*kernel_regularizer)
        rbm = RBM(kernel_regularizer=kernel_regularizer, **arguments)
        rbm.keep_chains(chains or 0)
        return rbm

    @staticmethod
    def preset_size(
        visible: Unit, hidden: Unit, chains: int | None, **_: Any
    ) -> int:
        """Kernel, chains, what is known of log Z; units and their offsets."""
        total = visible.width * hidden.width + (chains or 0) * hidden.width
        for unit in (visible, hidden):
            total += unit.count_params() + unit.width
        return total + _KNOWN

    @staticmethod
    def preset_config(rbm: RBM) -> dict[str, Any]:
        """The arguments above.

        Raises:
            ValueError: if it has not seen data, or has another regularizer
                than L1 or L2.
        """
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
        return {
            "visible": rbm.visible,
            "hidden": rbm.hidden,
            "centered": rbm.centered,
            "kernel_regularizer": penalty,
            "chains": rbm.chains.count if rbm.chains else None,
            "seed": rbm.draws.seed,
        }

    @staticmethod
    def preset_weights(rbm: RBM) -> dict[str, Any]:
        """Kernel, offsets, known log Z, the units' weights and chains."""
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

    @staticmethod
    def preset_loaded(rbm: RBM) -> None:
        """It has seen data."""
        rbm.adapted.assign(1)


class _AllChains:
    """The chains of all replicas, as one variable."""

    name = "chains"

    def __init__(self, chains):
        self.shape = (chains.count, chains.width)
        self.dtype = chains.states.dtype
        self.numpy = lambda: chains.read_all().numpy()
        self.assign = chains.write_all


def _stored(width: int, count: int) -> int:
    # Multipliers, averages, their errors, flags; a window for each site.
    return 4 * count + 2 + 2 * width + _KNOWN


class _Learned:
    """What maximum entropy models keep."""

    @staticmethod
    def preset_weights(model: MaxEnt) -> dict[str, Any]:
        """What it learned, and what it was fitted to."""
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

    @staticmethod
    def preset_loaded(model: MaxEnt) -> None:
        """It has seen data."""
        model.adapted.assign(1)


class MaxEntEntry(_Learned):
    """How a MaxEnt is a preset: its space, features and what it learned."""

    arguments: ClassVar[checks.Arguments] = {
        "space": checks.part(Space),
        "features": checks.list_of(checks.part(Feature), 1, 100),
        "seed": checks.seed_pair,
    }
    preset_make = MaxEnt

    @staticmethod
    def preset_size(space: Space, features: list[Feature], **_: Any) -> int:
        """Four numbers for each function, two for each site, and log Z."""
        count = sum(feature.count(space) for feature in features)
        return _stored(space.width, count)

    @staticmethod
    def preset_config(model: MaxEnt) -> dict[str, Any]:
        """The arguments above.

        Raises:
            ValueError: if it has not seen data, or has a reference.
        """
        _check_learned(model)
        if model.reference is not None:
            raise ValueError(
                f"{type(model).__name__}.save_to_preset: the reference is a "
                "function, which is no plain data. Save the model as .keras "
                "instead."
            )
        return {
            "space": model.space,
            "features": model.features.parts,
            "seed": model.draws.seed,
        }


class BoltzmannMachineEntry(_Learned):
    """How a Boltzmann machine is a preset: by its edges."""

    arguments: ClassVar[checks.Arguments] = {
        "space": checks.part(Spin, Binary, Categorical),
        "edges": checks.either(
            checks.one_of("lattice"), checks.optional(edge_array)
        ),
        "start": checks.one_of("independent", "mean_field", "tap", "zeros"),
        "seed": checks.seed_pair,
    }
    preset_make = BoltzmannMachine

    @staticmethod
    def preset_size(space: Any, edges: Any, **_: Any) -> int:
        """As of a MaxEnt, for fields and couplings."""
        codes = len(space.values) - 1
        edges = edge_count("BoltzmannMachine", edges, space.event_shape)
        return _stored(space.width, codes * space.width + codes**2 * edges)

    @staticmethod
    def preset_config(model: BoltzmannMachine) -> dict[str, Any]:
        """The arguments above.

        Raises:
            ValueError: if it has not seen data.
        """
        _check_learned(model)
        config = model.get_config()
        return {
            "space": model.space,
            "edges": config["edges"],
            "start": config["start"],
            "seed": model.draws.seed,
        }


TABLE["RBM"] = RBMEntry
TABLE["MaxEnt"] = MaxEntEntry
TABLE["BoltzmannMachine"] = BoltzmannMachineEntry
