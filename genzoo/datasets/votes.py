"""Sixteen roll calls of the United States House of Representatives, 1984."""

from pathlib import Path

import numpy as np

from genzoo.types import Array

_TRAINING = 335
NAMES = (
    "handicapped infants",
    "water project cost sharing",
    "adoption of the budget resolution",
    "physician fee freeze",
    "El Salvador aid",
    "religious groups in schools",
    "anti satellite test ban",
    "aid to Nicaraguan contras",
    "MX missile",
    "immigration",
    "synfuels corporation cutback",
    "education spending",
    "superfund right to sue",
    "crime",
    "duty free exports",
    "export administration act South Africa",
)


def load_data() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """435 members' votes on 16 questions, which ship with genzoo.

    A vote is +1 for yea, -1 for nay, and NaN where the member did neither,
    5.6 % of all; `NAMES` are the questions. 335 members, taken by chance
    (`numpy.random.default_rng(0).permutation(435)`), are for training.

    Source: Congressional Quarterly Almanac, 98th Congress, 2nd session, 1984,
    as "Congressional voting records", UCI Machine Learning Repository, 1987,
    doi:10.24432/C5C01P. Licence: Creative Commons Attribution 4.0
    International (CC BY 4.0).

    Returns:
        `(x_train, party_train), (x_test, party_test)`: votes of shape (n, 16),
        float32, and parties, +1 for a democrat and -1 for a republican, int8
        of shape (n,).

    Example:
    >>> (x_train, party), _ = genzoo.datasets.votes.load_data()
    >>> x_train.shape, round(float(np.isnan(x_train).mean()), 3)
    ((335, 16), 0.053)
    """
    path = Path(__file__).with_name("votes.npz")
    with np.load(path, allow_pickle=False) as file:
        votes, party = file["votes"], file["party"]
    x = np.where(votes == 0, np.nan, votes).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:_TRAINING], order[_TRAINING:]
    return (x[train], party[train]), (x[test], party[test])
