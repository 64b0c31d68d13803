"""Chinese search without an extension: what a product is found by, and what a reader's words ask for.

A product is indexed by every character, every pair of neighbouring characters and every other word of its texts, so
that any two characters that stand together find it through the index; trigrams need three. A reader's words are first
cut by a dictionary, so that `交城骏枣` also finds 骏枣 grown in 交城; each piece is asked for by its pairs.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise

import rjieba

_HAN = "〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(rf"(?P<han>[{_HAN}]+)|(?P<word>[^\W_{_HAN}]+)")
_LONGEST = 40
"""A word is known by so many characters; PostgreSQL refuses lexemes above 2 KB."""


def lexemes(texts: Iterable[str]) -> list[str]:
    """Return what texts are found by, sorted; no pair spans two texts."""
    found: set[str] = set()
    for text in texts:
        for run, is_han in _runs(text):
            found.update([*run, *_pairs(run)] if is_han else [run])
    return sorted(found)


def tsquery(text: str) -> str:
    """Return a reader's words as a PostgreSQL tsquery: all of them, in any order; a word also by its beginning.

    Text without a letter or digit gives the empty query, which finds nothing.
    """
    terms: list[str] = []
    for run, is_han in _runs(text):
        terms += [f"'{pair}'" for piece in _pieces(run) for pair in _pairs(piece)] if is_han else [f"'{run}':*"]
    return " & ".join(dict.fromkeys(terms))


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the runs of Chinese characters, and the other words in lower case; full-width forms become plain."""
    for match in _RUNS.finditer(unicodedata.normalize("NFKC", text).casefold()):
        if match["han"]:
            yield match["han"], True
        else:
            yield match["word"][:_LONGEST], False


def _pairs(run: str) -> list[str]:
    """Return the neighbouring pairs of a run, or its only character."""
    return [first + second for first, second in pairwise(run)] or [run]


def _pieces(run: str) -> list[str]:
    """Cut a run into dictionary words; a character left alone stays with its neighbour, where it says more."""
    pieces: list[str] = []
    for piece in rjieba.cut(run):
        if pieces and (len(piece) == 1 or len(pieces[-1]) == 1):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces
