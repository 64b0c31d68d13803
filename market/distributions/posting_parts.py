"""From parts of funds to moves in the book."""

from collections.abc import Sequence
from uuid import UUID

from market.attribution import posting
from market.attribution.rules import Step
from market.distributions.rules import Fund, Part


def moves_of(parts: Sequence[Part], supplier_id: UUID) -> list[posting.Move]:
    """Return the moves of parts: each leaves the share it was of, and becomes the share it is given to.

    Both go by the line's base, so that what remains of either share on the line stays a sum over its own transfers.
    What goes back where it came from does not move.
    """
    taken: dict[Fund, int] = {}
    brought: list[posting.Move] = []
    base = posting.base(supplier_id)
    for fund, share, fen in parts:
        if share == fund.share:
            continue
        taken[fund] = taken.get(fund, 0) + fen
        step = Step.RECOGNISED if fund.payment_id is None else Step.DISBURSED
        target = posting.account(share, supplier_id, step)
        brought.append(posting.Move(base, target, fen, share, fund.order_line_id, fund.payment_id))
    left = [
        posting.Move(
            posting.account(fund.share, supplier_id, Step(fund.step)),
            base,
            fen,
            fund.share,
            fund.order_line_id,
            fund.payment_id,
        )
        for fund, fen in taken.items()
    ]
    return [*left, *brought]
