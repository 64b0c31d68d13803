"""From moves between named accounts to entries in the book: accounts resolved, facts hashed, one statement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.attribution.rules import PAYEES, Kind, Share, Step
from market.ledger import service as ledger
from market.ledger.rules import AccountKey, Book, Entry, Transfer


class Move(NamedTuple):
    """An amount in fen from one account to another, for a share of an order line or a payment."""

    debit: AccountKey
    credit: AccountKey
    fen: int
    share: Share
    order_line_id: UUID | None = None
    payment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before its accounts are known; `weights` name payees' accounts and become part of its facts."""

    source: str
    reason: str
    effective_on: date
    moves: Sequence[Move]
    facts: Mapping[str, object]
    weights: Mapping[str, Sequence[tuple[AccountKey, int, bool | None]]] = field(default_factory=dict)
    original_effective_on: date | None = None

    def accounts(self) -> Iterator[AccountKey]:
        """Yield every account the entry names, move by move and weight by weight."""
        for move in self.moves:
            yield move.debit
            yield move.credit
        for weighted in self.weights.values():
            yield from (key for key, _, _ in weighted)


def account(share: Share, supplier_id: UUID, step: Step) -> AccountKey:
    """Return the account of a share at a step: a payee's towards the supplier, or the supplier's own."""
    return AccountKey(share.kind, share.owner_id, supplier_id if share.kind in PAYEES else None, step)


def base(supplier_id: UUID, kind: Kind = Kind.BASE) -> AccountKey:
    """Return a supplier's account that is debited with what is to be explained."""
    return AccountKey(kind, supplier_id, None, Step.ACCRUED)


def topping_up(top_ups: Sequence[tuple[Share, int]], supplier_id: UUID, line_id: UUID) -> list[Move]:
    """Return the moves by which a supplier comes to owe shares of a line beyond what that brings."""
    source = base(supplier_id, Kind.TOP_UP_BASE)
    return [Move(source, account(share, supplier_id, Step.TOP_UP), fen, share, line_id) for share, fen in top_ups]


def paid_ahead(supplier_id: UUID) -> AccountKey:
    """Return the account debited with a supplier's advances."""
    return AccountKey(Kind.PAID_AHEAD, supplier_id, None, Step.ADVANCE)


def post(session: orm.Session, drafts: Sequence[Draft]) -> date:
    """Post the drafts and return the first open day. Raises what the ledger raises.

    A draft without moves posts nothing. One of a day in a closed month is posted on the first day after, and keeps its
    own day as the original one.
    """
    posting = [draft for draft in drafts if draft.moves]
    if not posting:
        return opens_on(session)
    keys = (key for draft in posting for key in draft.accounts())
    days = {draft.effective_on for draft in posting}
    found, first_on = ledger.prepare(session, Book.ATTRIBUTION, keys, days=days)
    ids = iter(found)
    ledger.post(session, Book.ATTRIBUTION, [_entry(_late(draft, first_on), ids) for draft in posting])
    return first_on


def opens_on(session: orm.Session) -> date:
    """Return the first day on which the book takes postings."""
    return ledger.opens_on(session, Book.ATTRIBUTION)


def _late(draft: Draft, first_on: date) -> Draft:
    if draft.effective_on >= first_on:
        return draft
    original_on = draft.original_effective_on or draft.effective_on
    return replace(draft, effective_on=first_on, original_effective_on=original_on)


def _entry(draft: Draft, ids: Iterator[int]) -> Entry:
    """Make an entry of a draft, with the ids of the accounts it names, in that order."""
    transfers = [
        Transfer(
            next(ids),
            next(ids),
            move.fen,
            move.order_line_id,
            move.share.mechanism,
            move.share.contribution_id,
            move.payment_id,
            move.share.assisted,
        )
        for move in draft.moves
    ]
    weights = {
        name: [[next(ids), weight, assisted] for _, weight, assisted in weighted]
        for name, weighted in draft.weights.items()
    }
    return Entry(
        source=draft.source,
        reason=draft.reason,
        effective_on=draft.effective_on,
        original_effective_on=draft.original_effective_on,
        facts={**draft.facts, "weights": weights} if weights else draft.facts,
        transfers=transfers,
    )
