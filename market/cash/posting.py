"""From moves between named accounts to entries in the cash book."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.cash.rules import PLATFORM, CashKind, Funds, legs
from market.channels.rules import FundsModel
from market.ledger import service as ledger
from market.ledger.rules import AccountKey, Book, Entry, Transfer


class Move(NamedTuple):
    """An amount in fen from one account to another."""

    debit: AccountKey
    credit: AccountKey
    fen: int


class Parties(NamedTuple):
    """Whose money an order is about; `till_id` is what brings it or takes it away: a bank's line, a refund."""

    order_id: UUID
    buyer_id: UUID
    supplier_id: UUID
    till_id: UUID = PLATFORM

    def account(self, kind: CashKind) -> AccountKey:
        """Return the account of a kind that an order's money moves over."""
        match kind:
            case CashKind.SUPPLIER_ACCOUNT:
                return AccountKey(kind, self.supplier_id)
            case CashKind.BUYER_RECEIVABLE:
                return AccountKey(kind, self.buyer_id, self.order_id)
            case CashKind.SUPPLIER_PAYABLE | CashKind.SUPPLIER_RECEIVABLE | CashKind.SUPPLIER_RESERVE:
                return AccountKey(kind, self.supplier_id, self.order_id)
            case CashKind.HELD | CashKind.REFUND_PAYABLE:
                return AccountKey(kind, self.order_id)
            case CashKind.UNMATCHED | CashKind.SETTLEMENT | CashKind.IN_TRANSIT:
                return AccountKey(kind, self.till_id)
            case _:
                return AccountKey(kind, PLATFORM)


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before its accounts are known."""

    source: str
    reason: str
    effective_on: date
    moves: Sequence[Move]
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Restated:
    """An order whose money stands otherwise after a fact of a day, which `trigger` names."""

    parties: Parties
    model: FundsModel
    before: Funds
    after: Funds
    trigger: str
    on: date

    def draft(self) -> Draft:
        """Return the entry that says so."""
        moves = [
            Move(self.parties.account(debit), self.parties.account(credit), fen)
            for debit, credit, fen in legs(self.model, self.before, self.after)
        ]
        return Draft(f"cash:{self.trigger}", "funds", self.on, moves, {"model": self.model, **asdict(self.after)})


def restate(session: orm.Session, restated: Sequence[Restated]) -> None:
    """Post how orders' money stands now, an entry each; nothing for what stands as before."""
    post(session, [each.draft() for each in restated])


def post(session: orm.Session, drafts: Sequence[Draft]) -> None:
    """Post drafts; one without moves posts nothing, one of a closed month is posted on the first day after."""
    posting = [draft for draft in drafts if draft.moves]
    if not posting:
        return
    keys = [key for draft in posting for move in draft.moves for key in move[:2]]
    days = {draft.effective_on for draft in posting}
    found, opens_on = ledger.prepare(session, Book.CASH, keys, days=days)
    ids = iter(found)
    ledger.post(session, Book.CASH, [_entry(draft, ids, opens_on) for draft in posting])


def _entry(draft: Draft, ids: Iterator[int], opens_on: date) -> Entry:
    late = draft.effective_on < opens_on
    return Entry(
        source=draft.source,
        reason=draft.reason,
        effective_on=opens_on if late else draft.effective_on,
        original_effective_on=draft.effective_on if late else None,
        facts=draft.facts,
        transfers=[Transfer(next(ids), next(ids), move.fen) for move in draft.moves],
    )
