"""The preset of roll calls."""

import matplotlib.pyplot as plt
import numpy as np

import genzoo as gz
from genzoo.zoo.measures import votes as measures
from recipes import cards


def boltzmann_votes():
    """All pairs of sixteen votes and the party, from votes with gaps."""
    name = "boltzmann_votes"
    machine = gz.BoltzmannMachine(gz.spaces.Spin(17), seed=0)
    machine.compile(loss="exact_likelihood")
    machine.fit(measures.members(0), missing="nan", epochs=10, verbose=0)
    errors = {
        key: float(found.std() / np.sqrt(len(found)))
        for key, found in (
            ("log_likelihood_train", measures.log_likelihoods(machine, 0)),
            ("log_likelihood_test", measures.log_likelihoods(machine, 1)),
            ("party_accuracy", measures.parties(machine)),
            ("hidden_vote_accuracy", measures.votes(machine)),
        )
    }
    card = {
        "description": "Boltzmann machine of sixteen roll calls and the party "
        "of a member of the House of Representatives, all pairs",
        "data": "genzoo.datasets.votes: Congressional voting records, UCI "
        "Machine Learning Repository 1987, doi:10.24432/C5C01P; 335 members "
        "to train, 100 to test; 5.6 % of the votes are unknown",
        "data_licence": "CC BY 4.0",
        "training": "exact likelihood of what is known, 10 epochs of L-BFGS; "
        "more epochs make some couplings larger and test members less likely",
        "units": "nats a member; accuracies of test members: the party given "
        "the votes, and a fifth of the votes given the others and the party",
        "sites": [*gz.datasets.votes.NAMES, "party"],
    }
    values = cards.measure(name, machine)
    tolerances = {key: 1e-3 for key in values}
    cards.save(name, machine, card, values, tolerances, errors)
    _draw(name, machine)


def _draw(name, machine):
    couplings = np.asarray(machine.couplings)
    names = [*gz.datasets.votes.NAMES, "party"]
    figure, axis = plt.subplots(figsize=(7, 6), layout="constrained")
    most = np.quantile(abs(couplings), 0.98)
    image = axis.imshow(couplings, cmap="RdBu_r", vmin=-most, vmax=most)
    axis.set(xticks=range(17), yticks=range(17), title="couplings")
    axis.set_xticklabels(names, rotation=90, fontsize=7)
    axis.set_yticklabels(names, fontsize=7)
    figure.colorbar(image, shrink=0.7)
    path = cards.FOLDER / name / "samples.png"
    figure.savefig(path, dpi=80, metadata={"Software": None})
    plt.close(figure)


PRESETS = (boltzmann_votes,)
