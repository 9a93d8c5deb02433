"""Alignments: what files of people look like, and what rows count."""

import numpy as np
import pytest

from genzoo.datasets import read_alignment, sequence_weights


def read(*sequences, **arguments):
    text = "".join(f">s{k} x|y\n{s}\n" for k, s in enumerate(sequences))
    return read_alignment(text, **arguments)


def test_letters_gaps_and_unknown_letters():
    found = read("ACD-", "acx-", "YWVB")
    assert found.x.tolist() == [[0, 1, 2, 20], [0, 1, 20, 20], [19, 18, 17, 20]]
    assert (found.unknown, found.insertions) == (2, 0)
    assert found.text(found.x[:1]) == ["ACD-"]
    assert found.names[0] == "s0 x|y"
    assert found.x.dtype == np.uint8


def test_insertions_of_a2m_and_a3m():
    for rows in (("AC.D", "ACeD", "A-.D"), ("ACD", "ACeeD", "A-D")):
        found = read(*rows)
        assert found.text(found.x) == ["ACD", "ACD", "A-D"]
    assert found.insertions == 2
    # Masked letters are letters where sequences are only then aligned.
    assert read("ACDe", "ACDE").x.shape == (2, 4)
    assert read("ACDe", "ACDE", lower="letter").insertions == 0
    # Points as gaps, where there is no other.
    assert read("AC.D", "A.CD").text(read("AC.D").x) == ["AC-D"]


def test_files_as_they_come(tmp_path):
    path = tmp_path / "family.fasta"
    path.write_bytes(
        b"; old comment\r\n>one\r\nACD\r\nEF-\r\n\r\n>two\r\nACDEFG\r\n"
    )
    found = read_alignment(path)
    assert found.text(found.x) == ["ACDEF-", "ACDEFG"]
    assert read_alignment(str(path)).names == ["one", "two"]
    rna = read("ACGU-", "ACGTA", letters="ACGU-")
    assert rna.x.tolist()[1] == [0, 1, 2, 4, 0]
    assert rna.unknown == 1


def test_what_is_no_alignment_is_told():
    with pytest.raises(ValueError, match=r"'s0 x\|y' has 3 columns, 's1"):
        read("ACD", "AC")
    with pytest.raises(ValueError, match="begins with '>' must come first"):
        read_alignment("# STOCKHOLM 1.0\na ACD\n>b\n")
    with pytest.raises(ValueError, match="no sequences"):
        read_alignment("; >\n")
    with pytest.raises(ValueError, match="letters must be two or more"):
        read("AC", letters="AAC")
    with pytest.raises(ValueError, match="lower must be"):
        read("AC", lower="mask")
    with pytest.raises(FileNotFoundError):
        read_alignment("nowhere.fasta")


@pytest.mark.parametrize("identity", [0.5, 4 / 7, 0.8, 1.0])
def test_weights_against_loops(identity):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (60, 7))
    x[[5, 9, 50]] = x[3]
    alike = [[np.sum(a == b) >= identity * 7 - 1e-6 for b in x] for a in x]
    expected = 1 / np.sum(alike, axis=1)
    np.testing.assert_allclose(sequence_weights(x, identity), expected)


def test_weights_refuse_what_they_cannot_take():
    with pytest.raises(ValueError, match="identity must be"):
        sequence_weights([[0, 1]], 80)
    with pytest.raises(ValueError, match="x must be rows"):
        sequence_weights([0, 1])
