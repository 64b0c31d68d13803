"""What is left of what a collective gave, where several of its second distributions came to stand together; pure."""

from collections.abc import Iterable, Mapping


def still_given(moved: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return what of each second distribution stands unconfirmed at one place, by the sources of its entries (fen).

    `moved` is what came to the place or, below zero, left it, in the order in which it was posted. What falls, falls of
    what was given last; and what comes back when an order claims an advance is of what fell.
    """
    left: dict[str, int] = {}
    stands_fen = 0
    for source, fen in moved:
        kind, _, name = source.partition(":")
        if kind == "second_distribution":
            if source not in left:
                left = _within(left, stands_fen) | {source: 0}
            left[source] += fen
        elif kind == "second_confirmation":
            left = _within(left, stands_fen)
            left.pop(f"second_distribution:{name}")
        stands_fen += fen
    return _within(left, stands_fen)


def _within(left: Mapping[str, int], whole_fen: int) -> dict[str, int]:
    """Return so much of each, the first first, as there is."""
    found: dict[str, int] = {}
    for source, fen in left.items():
        found[source] = min(fen, whole_fen)
        whole_fen -= found[source]
    return found
