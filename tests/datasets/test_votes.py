import numpy as np

import genzoo as gz


def test_votes_are_those_of_the_almanac():
    (x, party), (x_test, party_test) = gz.datasets.votes.load_data()
    assert x.shape == (335, 16)
    assert x_test.shape == (100, 16)
    every, all_party = (
        np.append(x, x_test, axis=0),
        np.append(party, party_test),
    )
    # 267 democrats, 168 republicans; how many of each said yea to the first
    # and the fourth question is on record.
    assert (all_party == 1).sum() == 267
    assert (all_party == -1).sum() == 168
    yea = np.array([(every[all_party == p] == 1).sum(axis=0) for p in (1, -1)])
    assert yea[:, 0].tolist() == [156, 31]
    assert yea[:, 3].tolist() == [14, 163]
    assert np.isnan(every).sum() == 392
    assert np.unique(every[~np.isnan(every)]).tolist() == [-1, 1]
    assert len(gz.datasets.votes.NAMES) == 16
