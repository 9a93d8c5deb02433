"""Presets of lattices: the Ising model, in two and three dimensions; Potts."""

import keras
import numpy as np
import tensorflow as tf

import genzoo as gz
from genzoo.partition import onsager
from genzoo.zoo.measures import ising as measures
from recipes import cards


def ising_maxent_16_critical():
    """One coupling for all bonds, from configurations at the critical point."""
    temperature = onsager.CRITICAL_TEMPERATURE
    true = {
        "coupling": 1 / temperature,
        "mean_bond": -exact(temperature)[0] / 2,
        "method": "1 / T; Kaufman's exact log Z of the torus",
    }
    one_coupling(
        "ising_maxent_16_critical",
        "Ising, 16 x 16",
        gz.spaces.Spin((16, 16)),
        gz.datasets.ising((16, 16), temperature, 4096, seed=0),
        "genzoo.datasets.ising, 16 x 16, periodic, at T = 2 / log(1 + sqrt 2)",
        true,
    )


def ising_maxent_8x8x8_critical():
    """The same of a cube, at the critical temperature of the infinite one."""
    temperature, shape = 4.5115, (8, 8, 8)
    x = gz.datasets.ising(shape, temperature, 4096, seed=0)
    many = gz.datasets.ising(shape, temperature, 20_000, seed=1)
    bonds = -gz.metrics.lattice.energy(many) / 3
    one_coupling(
        "ising_maxent_8x8x8_critical",
        "Ising in three dimensions, 8 x 8 x 8",
        gz.spaces.Spin(shape),
        x,
        f"genzoo.datasets.ising, 8 x 8 x 8, periodic, at T = {temperature}",
        drawn(temperature, bonds),
    )


def potts_maxent_16_critical():
    """Three states, where they order."""
    temperature, shape = float(1 / np.log(1 + np.sqrt(3))), (16, 16)
    x = gz.datasets.potts(shape, temperature, 4096, states=3, seed=0)
    many = gz.datasets.potts(shape, temperature, 20_000, states=3, seed=1)
    energy = gz.metrics.lattice.energy(many, model="potts", states=3)
    one_coupling(
        "potts_maxent_16_critical",
        "Potts model of three states, 16 x 16",
        gz.spaces.Categorical(range(3), shape),
        x,
        "genzoo.datasets.potts of 3 states, 16 x 16, periodic, at "
        "T = 1 / log(1 + sqrt 3)",
        drawn(temperature, -energy / 2),
    )


def drawn(temperature, bonds):
    """What is true by the temperature and by many other configurations."""
    return {
        "coupling": 1 / temperature,
        "mean_bond": float(bonds.mean()),
        "mean_bond_stderr": float(bonds.std() / np.sqrt(len(bonds))),
        "method": f"1 / T; {len(bonds):,} other configurations, seed 1",
    }


def one_coupling(name, what, space, x, data, true):
    """A MaxEnt of the bonds of a periodic lattice, by pseudolikelihood."""
    is_potts = isinstance(space, gz.spaces.Categorical)
    bonds = gz.features.LatticeBonds(space.event_shape, equal=is_potts)
    model = gz.MaxEnt(space, bonds, seed=0)
    model.compile(loss="pseudolikelihood")
    model.fit(x, verbose=0)
    bonds = measures.mean_bonds(model, model.sample(1000, seed=0, steps=2000))
    coupling = measures.coupling(model)
    errors = {
        "coupling": pseudolikelihood_error(x, coupling, is_potts),
        "mean_bond_of_samples": float(bonds.std() / np.sqrt(len(bonds))),
    }
    card = {
        "description": f"maximum entropy with one coupling: {what}",
        "data": f"{len(x):,} independent configurations of {data}, seed 0",
        "data_licence": "made by genzoo; Apache-2.0",
        "training": "pseudolikelihood, L-BFGS; stderr of the coupling by the "
        "sandwich formula",
        "true": true,
    }
    # Rounding sends chains elsewhere on another machine.
    tolerances = {key: 6 * error for key, error in errors.items()}
    tolerances["coupling"] = 1e-9
    values = cards.measure(name, model)
    cards.save(name, model, card, values, tolerances, errors)
    x = model.sample(40, seed=0, steps=2000)
    # A cube by its first layer.
    low, high = (0, 2) if is_potts else (-1, 1)
    flat = x[:, 0] if x.ndim == 4 else x
    cards.picture(name, flat, rows=4, scale=3, low=low, high=high, frame=0.4)
    print("true", true, errors)


def pseudolikelihood_error(x, coupling, equal=False):
    """The standard error of one coupling, by the sandwich formula.

    Args:
        x: configurations of a periodic lattice.
        coupling: of all its bonds.
        equal: whether a bond is that of a Potts model of three states.
    """
    x, axes = x.astype(np.float64), range(1, x.ndim)
    beside = [np.roll(x, step, axis) for step in (-1, 1) for axis in axes]
    # What a site adds to the bonds in each of its states.
    if equal:
        gains = [sum(other == state for other in beside) for state in range(3)]
    else:
        gains = [state * sum(beside) for state in (-1, 1)]
    own = sum(beside) * x if not equal else sum(other == x for other in beside)
    gains = np.stack(gains).astype(np.float64)
    p = np.exp(coupling * (gains - gains.max(axis=0)))
    p /= p.sum(axis=0)
    mean = (p * gains).sum(axis=0)
    score = (own - mean).sum(axis=tuple(axes))
    curvature = ((p * gains**2).sum(axis=0) - mean**2).sum()
    return float(np.sqrt(len(x)) * score.std() / curvature)


def exact(temperature):
    """Energy and specific heat of a spin of the 16 x 16 torus."""
    coupling = tf.constant(1 / temperature, tf.float64)
    with tf.GradientTape() as second:
        second.watch(coupling)
        with tf.GradientTape() as first:
            first.watch(coupling)
            log_z = onsager.torus_log_partition((16, 16), coupling)
        slope = first.gradient(log_z, coupling)
    curvature = second.gradient(slope, coupling)
    return -float(slope) / 256, float(curvature) / 256 / temperature**2


def _rate(first, last, updates):
    return keras.optimizers.schedules.ExponentialDecay(
        first, updates, last / first
    )


def fit_phase(x, phases):
    """256 hidden spins without bias, each of which begins at one spin.

    A kernel near zero would have to grow all its directions out of noise,
    and the short waves, which are most of the energy, come last.

    Args:
        x: configurations, (n, 16, 16).
        phases: triples (optimizer, updates, sweeps between updates).

    Returns:
        The RBM, with 100 chains, and 2,000 independent samples of it.
    """
    rbm = gz.RBM(
        gz.units.Spin((16, 16)),
        gz.units.Spin(256),
        kernel_initializer=keras.initializers.Identity(0.8),
        seed=0,
    )
    for units in (rbm.visible, rbm.hidden):
        units.bias.trainable = False
    for optimizer, updates, sweeps in phases:
        loss = gz.losses.PersistentContrastiveDivergence(sweeps, chains=2000)
        rbm.compile(optimizer, loss, steps_per_execution=10)
        epochs = updates * 2000 // len(x)
        rbm.fit(x, batch_size=2000, epochs=epochs, verbose=2)
    # Far from the chains that trained; a part of them is kept.
    settled = rbm.sample(2000, seed=1, steps=1500)
    rbm.keep_chains(100)
    rbm.chains.write_all(rbm.sample_hidden(settled[:100], seed=2))
    return rbm, settled


def ising_rbm(name, number, phases, training):
    """The RBM of a phase, beside the exact values."""
    temperature = measures.TEMPERATURES[name]
    shape = (16, 16)
    x = gz.datasets.ising(shape, temperature, 40_000, seed=(0, number))
    rbm, settled = fit_phase(x, phases)
    found = measures.phase(rbm, temperature)
    precise = measures.thermodynamics(
        settled.reshape(200, 10, *shape), temperature
    )
    many = gz.datasets.ising(shape, temperature, 100_000, seed=(1, number))
    drawn = measures.thermodynamics(
        many.reshape(1000, 100, *shape), temperature
    )
    size = drawn["magnetisation_per_spin"]
    energy, heat = exact(temperature)
    true = {
        "energy_per_spin": energy,
        "magnetisation_per_spin": size.value,
        "magnetisation_per_spin_stderr": size.stderr,
        "specific_heat_per_spin": heat,
    }
    card = {
        "description": f"256 x 256 RBM of spins: Ising, {name.split('_')[-1]}, "
        f"T = {temperature:.6g}",
        "data": "40,000 independent configurations of genzoo.datasets.ising, "
        f"16 x 16, periodic, at T = {temperature!r}, seed (0, {number})",
        "data_licence": "made by genzoo; Apache-2.0",
        "training": "PCD-1 with 2,000 chains and batches of 2,000, no biases, "
        f"the kernel from 0.8 times the identity; {training}",
        "true": {
            **true,
            "method": "energy and specific heat exact for 16 x 16, by "
            "Kaufman's log Z of the torus; |magnetisation| from 100,000 "
            "independent configurations of genzoo.datasets.ising",
        },
        "of_2000_samples": {
            measure: {
                **estimate._asdict(),
                "deviation_percent": 100 * (estimate.value / true[measure] - 1),
            }
            for measure, estimate in precise.items()
        },
        "share_of_positive_magnetisation": float(
            (settled.mean(axis=1) > 0).mean()
        ),
        "measured_on": "100 stored chains, looked at 40 times, every 25 "
        "sweeps; of_2000_samples: chains of the training, 1,500 sweeps after "
        "it; stderr by jackknife over chains",
    }
    stderr = {measure: value.stderr for measure, value in found.items()}
    # Rounding sends chains elsewhere on another machine.
    tolerances = {measure: 6 * error for measure, error in stderr.items()}
    print("true", true, "of 2,000 samples", card["of_2000_samples"])
    values = cards.measure(name, rbm)
    cards.save(name, rbm, card, values, tolerances, stderr)
    x = rbm.sample(40, seed=0).reshape(-1, *shape)
    cards.picture(name, x, rows=4, scale=3, low=-1, frame=0.4)


def steep(muon, descent, sweeps):
    """1,000 updates of Muon, then averaged descent, with these rates.

    Where all spins turn together one direction is far steeper than the
    others: see examples/ising_phases.py.
    """
    phases = [
        (
            keras.optimizers.Muon(
                _rate(*muon, 1000),
                momentum=0.9,
                rms_rate=None,
                weight_decay=None,
            ),
            1000,
            1,
        ),
        (
            keras.optimizers.SGD(
                _rate(*descent, 600), use_ema=True, ema_momentum=0.99
            ),
            600,
            sweeps,
        ),
    ]
    words = (
        f"1,000 updates of Muon from {muon[0]} to {muon[1]}, 600 of SGD "
        f"from {descent[0]} to {descent[1]}, averaged over the last 100"
    )
    return phases, words


def ising_rbm_16_ordered():
    """Both signs of the magnetisation."""
    phases, words = steep((0.05, 0.0005), (0.004, 0.0005), sweeps=1)
    ising_rbm("ising_rbm_16_ordered", 1, phases, words)


def ising_rbm_16_critical():
    """Clusters of all sizes; the slowest chains."""
    phases, words = steep((0.1, 0.001), (0.002, 0.0003), sweeps=2)
    words += ", these with PCD-2"
    ising_rbm("ising_rbm_16_critical", 2, phases, words)


def ising_rbm_16_disordered():
    """Short correlations: no direction is steep, plain descent will do."""
    rate = _rate(0.1, 0.004, 2400)
    averaged = keras.optimizers.SGD(rate, use_ema=True, ema_momentum=0.99)
    ising_rbm(
        "ising_rbm_16_disordered",
        3,
        [(averaged, 2400, 1)],
        "2,400 updates of SGD from 0.1 to 0.004, averaged over the last 100",
    )


PRESETS = (
    ising_maxent_16_critical,
    ising_maxent_8x8x8_critical,
    potts_maxent_16_critical,
    ising_rbm_16_ordered,
    ising_rbm_16_critical,
    ising_rbm_16_disordered,
)
