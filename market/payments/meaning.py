"""Lines that belong to no order: one person says what such a line is, another decides, and it can be undone so too."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import orm

from market.banking.models import BankAccount, BankLine
from market.banking.queries import locked_line
from market.banking.rules import ACCOUNTS, Meaning
from market.cash import posting as cash
from market.cash.rules import PLATFORM, CashKind
from market.clock import business_date
from market.db import new_id
from market.errors import InvalidInputError
from market.identity.rules import Actor
from market.ledger.rules import AccountKey
from market.payments import queries
from market.payments.models import Proposal
from market.payments.rules import LineSpentError, MatchedOnceError, NotUndoneError, ProposalStatus


def propose(
    session: orm.Session, actor: Actor, *, line_id: UUID, meaning: Meaning, reason: str, now: datetime
) -> Proposal:
    """Propose what all that is open of a line is, if not an order's; another person decides.

    Raises `NotFoundError`, `MatchedOnceError`, `LineSpentError`, `InvalidInputError` for what no line in the book is.
    """
    line, account = locked_line(session, actor, line_id)
    if account.purpose.is_in_book and meaning not in ACCOUNTS:
        raise InvalidInputError(
            "money in the platform's book is never unrelated to it", "托管资金须说明具体性质", pointer="/meaning"
        )
    if not line.open_fen:
        raise LineSpentError(open_fen=0, amount_fen=line.amount_fen)
    proposal = begun(session, actor, line, reason, now=now)
    proposal.meaning, proposal.amount_fen = meaning, line.open_fen
    session.add(proposal)
    session.flush()
    return proposal


def undo(session: orm.Session, actor: Actor, *, proposal_id: UUID, reason: str, now: datetime) -> Proposal:
    """Propose that a line waits again for what it waited for before it had a meaning; another person decides.

    Raises `NotFoundError`, `MatchedOnceError`, `NotUndoneError`.
    """
    line, _ = locked_line(session, actor, queries.line_of(session, proposal_id))
    proposal = begun(session, actor, line, reason, now=now)
    undone = session.get_one(Proposal, proposal_id, populate_existing=True)
    stands = undone.status is ProposalStatus.APPROVED and not queries.is_undone(session, undone.id)
    if undone.amount_fen is None or undone.undoes_id or not stands:
        raise NotUndoneError
    proposal.meaning, proposal.amount_fen, proposal.undoes_id = undone.meaning, -undone.amount_fen, undone.id
    session.add(proposal)
    session.flush()
    return proposal


def begun(session: orm.Session, actor: Actor, line: BankLine, reason: str, *, now: datetime) -> Proposal:
    """Return a proposal about a locked line, yet to be added; raises `MatchedOnceError` while another waits."""
    if queries.open_proposal(session, line.id):
        raise MatchedOnceError
    return Proposal(
        id=new_id(),
        bank_line_id=line.id,
        status=ProposalStatus.PROPOSED,
        reason=reason,
        proposed_by=actor.member_id,
        proposed_at=now,
    )


def approved(
    session: orm.Session, account: BankAccount, line: BankLine, proposal: Proposal, meaning: Meaning, *, now: datetime
) -> None:
    """Take from a locked line what was approved to have a meaning, or give it back; post it if it is in the book.

    Raises `LineSpentError` if meanwhile something else has taken of the line.
    """
    fen = proposal.amount_fen or 0
    if proposal.undoes_id:
        line.waiting = session.get_one(Proposal, proposal.undoes_id).waited_for
        on = business_date(now)
    else:
        if line.open_fen != fen:
            raise LineSpentError(open_fen=line.open_fen, amount_fen=fen)
        proposal.waited_for, line.waiting = line.waiting, None
        on = line.booked_on
    line.open_fen -= fen
    if account.purpose.is_in_book:
        unmatched, means = AccountKey(CashKind.UNMATCHED, line.id), AccountKey(ACCOUNTS[meaning], PLATFORM)
        move = cash.Move(unmatched, means, fen) if fen > 0 else cash.Move(means, unmatched, -fen)
        facts = {"bank_line": str(line.id), "meaning": meaning.value}
        cash.post(session, [cash.Draft(f"cash:meaning:{proposal.id}", "meaning", on, [move], facts)])
