"""Alignments of sequences: letters as numbers, and what each row counts."""

import os
from typing import NamedTuple

import numpy as np

from genzoo import checks
from genzoo.types import Array, ArrayLike

PROTEIN = "ACDEFGHIKLMNPQRSTVWY-"
# Elements of the comparisons that are held at once.
_ELEMENTS = 2**24


class Alignment(NamedTuple):
    r"""Aligned sequences.

    Attributes:
        x: the number of each letter in `letters`, uint8, (n, columns).
        names: of the sequences, a list.
        letters: what the numbers stand for, the gap last.
        insertions: letters that were left out, being in no column.
        unknown: letters that are none of `letters`, and count as gaps.

    Example:
    >>> family = genzoo.datasets.read_alignment(">a\nAC-D\n>b\nACvvED\n")
    >>> family.x.shape, family.insertions
    ((2, 4), 2)
    >>> family.text(family.x)
    ['AC-D', 'ACED']
    """

    x: Array
    names: list[str]
    letters: str = PROTEIN
    insertions: int = 0
    unknown: int = 0

    def text(self, x: ArrayLike) -> list[str]:
        """Rows of numbers as letters, such as samples of a model."""
        letters = np.array(list(self.letters))
        return ["".join(row) for row in letters[np.asarray(x).astype(int)]]

    def weights(self, identity: float = 0.8) -> Array:
        """See `sequence_weights`."""
        return sequence_weights(self.x, identity)


def read_alignment(
    source: str | os.PathLike,
    letters: str = PROTEIN,
    lower: str = "auto",
) -> Alignment:
    r"""Read sequences in FASTA, A2M or A3M, that are aligned.

    A file has a line that begins with ">" before each sequence, whose letters
    may go over several lines. "-" is a gap; "." stands where others have an
    insertion, or is a gap in files that have no "-". Letters that are unknown,
    such as X, count as gaps.

    Args:
        source: a path, or the text itself, which has a ">" and a line's end.
        letters: all letters, the gap last.
        lower: what small letters are: "insertion", which belong to no column
            and are left out, with "."; "letter", the same as large ones; or
            "auto", letters if all of them are small or if only so all
            sequences have one length.

    Raises:
        ValueError: if there are no sequences, or they differ in length.

    Example:
    >>> family = genzoo.datasets.read_alignment(">a\nacd\n>b\nAC-\n")
    >>> family.x.tolist()
    [[0, 1, 2], [0, 1, 20]]
    """
    where = "read_alignment"
    checks.one_of("auto", "insertion", "letter")(lower, f"{where}: lower")
    if not isinstance(letters, str) or len(set(letters)) < max(2, len(letters)):
        checks.refuse(
            letters, f"{where}: letters", "two or more, all different"
        )
    names, rows = _records(where, source)
    gap = letters[-1]
    text = "".join(rows)
    if "." in text and gap not in text:
        rows = [row.replace(".", gap) for row in rows]
    rows, left_out = _columns(rows, letters, lower)
    length = len(rows[0])
    for name, row in zip(names, rows, strict=True):
        if len(row) != length or not length:
            raise ValueError(
                f"{where}: the sequences must be aligned; {names[0]!r} has "
                f"{length} columns, {name!r} has {len(row)}. Small letters "
                f"were taken as {'insertions' if left_out else 'letters'}; "
                "lower='insertion' or 'letter' says what they are."
            )
    codes = np.full(256, len(letters), np.uint8)
    codes[np.frombuffer(letters.encode("latin-1"), np.uint8)] = np.arange(
        len(letters)
    )
    joined = "".join(rows).encode("latin-1", "replace")
    x = codes[np.frombuffer(joined, np.uint8)].reshape(len(rows), length)
    strange = x == len(letters)
    x[strange] = len(letters) - 1
    return Alignment(x, names, letters, left_out, int(strange.sum()))


def _records(where, source):
    """Names and sequences of a FASTA file."""
    text = checks.path(source, f"{where}: source")
    if not (">" in text and "\n" in text):
        if not os.path.isfile(text):
            raise FileNotFoundError(
                f"{where}: source must be a FASTA file, or its text, which "
                f"has a line that begins with '>'; there is no file {text!r}."
            )
        with open(text, encoding="latin-1") as file:
            text = file.read()
    names: list[str] = []
    parts: list[list[str]] = []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith(">"):
            names.append(line[1:].strip())
            parts.append([])
        elif line and not line.startswith(";"):
            if not parts:
                raise ValueError(
                    f"{where}: a line that begins with '>' must come first, "
                    f"as in FASTA; the first line is {line[:40]!r}. Convert "
                    "other formats, such as Stockholm, to FASTA or A2M."
                )
            parts[-1].append(line.replace(" ", ""))
    if not parts:
        raise ValueError(f"{where}: there are no sequences.")
    return names, ["".join(lines) for lines in parts]


def _columns(rows, letters, lower):
    """Rows without insertions, in large letters; how many were left out."""
    insertions = "abcdefghijklmnopqrstuvwxyz."
    if letters != letters.upper():
        # Small letters are among those asked for.
        return rows, 0
    dropped = [
        row.translate({ord(c): None for c in insertions}) for row in rows
    ]
    raised = [row.upper() for row in rows]
    if lower == "auto":
        large = any(c.isupper() for row in rows for c in row)
        aligned = len({len(row) for row in dropped}) == 1
        lower = "insertion" if large and aligned else "letter"
    if lower == "letter":
        return raised, 0
    left_out = sum(map(len, rows)) - sum(map(len, dropped))
    return dropped, left_out


def sequence_weights(x: ArrayLike, identity: float = 0.8) -> Array:
    """What each sequence counts, if sequences alike count as one.

    One over the number of sequences, itself among them, that agree with it in
    at least a share `identity` of their columns: what protein families are
    weighted by, since some branches of the tree were sampled more densely.
    For `fit(x, sample_weight=)`; the sum is the effective number of sequences.

    Args:
        x: rows of an alignment, (n, columns).
        identity: between 0 and 1; 1 takes equal sequences together.

    Returns:
        A float64 array of shape (n,).

    Reference:
        Morcos et al., "Direct-coupling analysis of residue coevolution
        captures native contacts across many protein families", PNAS 108, 2011.

    Example:
    >>> genzoo.datasets.sequence_weights([[0, 1], [0, 1], [2, 3]]).tolist()
    [0.5, 0.5, 1.0]
    """
    where = "sequence_weights"
    share = checks.number(0, 1)(identity, f"{where}: identity")
    x = np.asarray(x)
    if x.ndim != 2 or not x.size:
        checks.refuse(x, f"{where}: x", "rows of an alignment, (n, columns)")
    rows, back, times = np.unique(
        x, axis=0, return_inverse=True, return_counts=True
    )
    columns = np.ascontiguousarray(rows.T)
    # A part in 10^9 less, for shares that are no binary numbers.
    least = share * x.shape[1] * (1 - 1e-9)
    many = max(_ELEMENTS // max(len(rows), 1), 1)
    neighbours = np.zeros(len(rows))
    for start in range(0, len(rows), many):
        part = columns[:, start : start + many]
        # Of each pair of rows only one order is looked at.
        same = np.zeros((part.shape[1], len(rows) - start), np.uint16)
        for column, own in zip(columns[:, start:], part, strict=True):
            same += own[:, None] == column
        alike = same >= least
        neighbours[start : start + many] += alike @ times[start:]
        after = alike[:, part.shape[1] :]
        neighbours[start + many :] += times[start : start + many] @ after
    return 1 / neighbours[back.ravel()]
