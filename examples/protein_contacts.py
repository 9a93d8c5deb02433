"""Contacts of a protein family, from nothing but its sequences.

    python examples/protein_contacts.py                      # a planted family
    python examples/protein_contacts.py --alignment family.fasta

Without an alignment a family is made: a chain folded at random, whose sites in
contact choose their letters together, and whose sequences are sampled in
clusters, as a tree of species makes them. Writes protein_contacts.png.
"""

import argparse

import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

LETTERS = gz.datasets.alignments.PROTEIN
SITES, SEQUENCES = 40, 1500


def family(seed=0):
    """A family as FASTA, and the contacts of its fold."""
    generator = np.random.default_rng(seed)
    path = np.cumsum(generator.normal(size=(SITES, 3)), axis=0)
    distance = np.linalg.norm(path[:, None] - path, axis=2)
    distance[np.abs(np.subtract.outer(range(SITES), range(SITES))) < 4] = np.inf
    pairs = np.stack(np.triu_indices(SITES, 1), axis=1)
    order = np.argsort(distance[pairs[:, 0], pairs[:, 1]])
    contacts = pairs[order[:SITES]]

    levels = len(LETTERS)
    couplings = np.zeros((SITES, levels, SITES, levels))
    for i, j in contacts:
        block = 0.4 * generator.normal(size=(levels, levels))
        block[np.arange(levels), generator.permutation(levels)] += 1.0
        couplings[i, :, j], couplings[j, :, i] = block, block.T
    fields = 0.7 * generator.normal(size=(SITES, levels))
    # Most machines join all pairs; this one only those in contact.
    truth = gz.BoltzmannMachine(
        gz.spaces.Categorical(range(levels), SITES), edges=contacts, seed=seed
    )
    truth.set_parameters(fields, couplings)
    x = truth.sample(SEQUENCES, seed=seed, steps=100, method="chains")
    # Close relatives of a few sequences: not new evidence.
    twins = np.repeat(x[:20], 30, axis=0)
    changed = generator.random(twins.shape) < 0.05
    twins[changed] = generator.integers(0, levels, changed.sum())
    rows = gz.datasets.Alignment(x, []).text(np.concatenate([x, twins]))
    text = "".join(f">{k}\n{row}\n" for k, row in enumerate(rows))
    return text, contacts


def learn(alignment):
    """A Boltzmann machine of an alignment, by pseudolikelihood."""
    weights = alignment.weights(identity=0.8)
    print(
        f"{len(weights)} sequences, {weights.sum():.0f} that are not alike, "
        f"{alignment.x.shape[1]} columns"
    )
    levels = range(len(alignment.letters))
    columns = alignment.x.shape[1]
    machine = gz.BoltzmannMachine(
        gz.spaces.Categorical(levels, columns), seed=0
    )
    # The strength of plmc, whose sums of squares have no half.
    l2 = 0.4 * (columns - 1) / weights.sum()
    l2_fields = 0.02 / weights.sum()
    machine.compile(
        loss=gz.losses.Pseudolikelihood(l2=l2, l2_fields=l2_fields),
        watch=False,
    )
    machine.fit(alignment.x, sample_weight=weights)
    return machine


def draw(potts, sequence, letters, contacts, path):
    """The map of contacts, and what each mutation would change."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(12, 5), layout="constrained", width_ratios=(1, 1.3)
    )
    scores = potts.scores(without=-1)
    left.imshow(np.maximum(scores, 0), cmap="Greys")
    found = potts.contacts(len(scores), separation=4, without=-1)
    left.scatter(*found.T, s=14, c="tab:red", label="strongest pairs")
    if contacts is not None:
        left.scatter(
            *contacts.T[::-1], s=14, c="tab:blue", label="contacts of the fold"
        )
    left.legend(loc="upper right", fontsize=8)
    left.set_title("scores; found below, true above the diagonal")
    changes = potts.mutations(sequence)
    shown = right.imshow(changes.T, cmap="RdBu", vmin=-6, vmax=6, aspect="auto")
    right.set_yticks(range(len(letters)), letters)
    right.set_title("change of log p by one mutation of the first sequence")
    figure.colorbar(shown, ax=right, label="nats")
    for axis in (left, right):
        axis.set_xlabel("column")
    figure.savefig(path, dpi=100)


def main():
    """Learn, find contacts, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alignment", help="FASTA, A2M or A3M")
    parser.add_argument("--output", default="protein_contacts.png")
    options = parser.parse_args()

    source, contacts = options.alignment, None
    if source is None:
        source, contacts = family()
    alignment = gz.datasets.read_alignment(source)
    machine = learn(alignment)
    potts = machine.potts()
    found = potts.contacts(len(potts.fields), separation=4, without=-1)
    if contacts is not None:
        true = {tuple(sorted(pair)) for pair in contacts.tolist()}
        right = np.mean([tuple(pair) in true for pair in found.tolist()])
        print(f"{100 * right:.0f} % of the {len(found)} strongest are contacts")
    draw(potts, alignment.x[0], alignment.letters, contacts, options.output)
    print(f"the map is in {options.output}")


if __name__ == "__main__":
    main()
