"""`market verify`: attributions and orders' money recomputed from the facts and compared with the books, fen by fen."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit import book, comparing
from market.audit.book import BookEntry, Posted
from market.audit.cash_comparing import compare_bank_lines, compare_cash, without_fact
from market.audit.comparing import Compared
from market.audit.eligibility import Hints
from market.audit.facts import Event, EventKind, SupplierFacts
from market.audit.oracle import DISBURSED, HOUSEHOLD
from market.audit.reading import load
from market.audit.replaying import Replay
from market.audit.rules import MOST_LINES, Difference, Finding, TooMuchToVerifyError, Verification
from market.audit.standing import Account, Claim
from market.clock import business_date
from market.db import plan_anew
from market.errors import NotFoundError
from market.households.models import Household
from market.identity.models import Organisation
from market.orders.models import Order, OrderLine

CHUNK = 100
"""Events whose entries are in memory at once."""

_SUPPLIERS = sa.text(
    """
    SELECT supplier_id FROM orders
     UNION SELECT supplier_id FROM disbursements
     UNION SELECT coalesce(counterpart_id, owner_id) FROM ledger_accounts WHERE book = 'attribution'
     ORDER BY 1
    """
)
_SUPPLIERS_OF_HOUSEHOLD = sa.text(
    """
    SELECT l.supplier_id FROM contributions c JOIN lots l ON l.id = c.lot_id WHERE c.household_id = :household
     UNION SELECT supplier_id FROM payments WHERE household_id = :household
     UNION SELECT counterpart_id FROM ledger_accounts
            WHERE book = 'attribution' AND owner_id = :household AND counterpart_id IS NOT NULL
     ORDER BY 1
    """
)


def verify(
    session: orm.Session, *, order_id: UUID | None = None, household_id: UUID | None = None, bounded: bool = False
) -> Verification:
    """Recompute and compare everything, or what concerns one order or one household; first in its transaction.

    Shares hang together over all orders of a supplier, so its whole history is replayed even for one order. Raises
    `NotFoundError`, or `TooMuchToVerifyError` when `bounded` to what one request may replay.
    """
    see_one_moment(session)
    suppliers = _suppliers(session, order_id, household_id)
    if bounded:
        _check_bound(session, suppliers)
    total = sum(verify_suppliers(session, suppliers), start=Verification())
    if order_id is None and household_id is None:
        total += compare_bank_lines(session) + Verification(findings=tuple(without_fact(session)))
    return replace(
        total,
        findings=_concerning(total.findings, order_id, household_id),
        notes=_concerning(total.notes, order_id, household_id),
    )


def see_one_moment(session: orm.Session) -> None:
    """Read all that follows as of one moment, while others go on posting; a transaction under way stays as it is."""
    connection = session.connection()
    if not connection.in_nested_transaction():
        connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))


def suppliers_of_the_book(session: orm.Session) -> list[UUID]:
    """Return every supplier with facts or postings."""
    return list(session.scalars(_SUPPLIERS))


def verify_suppliers(session: orm.Session, supplier_ids: Collection[UUID]) -> Iterator[Verification]:
    """Yield what one supplier after the other shows; one supplier's facts are in memory at a time."""
    plan_anew(session)
    names = {row.id: row.name for row in session.execute(sa.select(Organisation.id, Organisation.name))}
    for supplier_id in supplier_ids:
        found = _verify_supplier(session, supplier_id)
        yield replace(found, findings=_named(found.findings, names), notes=_named(found.notes, names))


def _suppliers(session: orm.Session, order_id: UUID | None, household_id: UUID | None) -> list[UUID]:
    if order_id is not None:
        supplier_id = session.scalar(sa.select(Order.supplier_id).where(Order.id == order_id))
        if supplier_id is None:
            raise NotFoundError(what="order", pointer="/query/order_id")
        return [supplier_id]
    if household_id is not None:
        if session.get(Household, household_id) is None:
            raise NotFoundError(what="household", pointer="/query/household_id")
        return list(session.scalars(_SUPPLIERS_OF_HOUSEHOLD, {"household": household_id}))
    return suppliers_of_the_book(session)


def _check_bound(session: orm.Session, supplier_ids: Collection[UUID]) -> None:
    replayed = sa.select(sa.func.count()).select_from(OrderLine).join(Order, Order.id == OrderLine.order_id)
    lines = session.scalars(replayed.where(Order.supplier_id.in_(supplier_ids))).one()
    if lines > MOST_LINES:
        raise TooMuchToVerifyError(lines=lines, most=MOST_LINES)


def _concerning(findings: Sequence[Finding], order_id: UUID | None, household_id: UUID | None) -> tuple[Finding, ...]:
    return tuple(
        finding
        for finding in findings
        if order_id in (None, finding.order_id) and household_id in (None, finding.owner_id)
    )


def _named(findings: Sequence[Finding], names: Mapping[UUID, str]) -> tuple[Finding, ...]:
    """Give organisations their names; a household is known by its id alone."""
    return tuple(
        replace(finding, owner_name=names.get(finding.owner_id)) if finding.owner_id else finding
        for finding in findings
    )


def _verify_supplier(session: orm.Session, supplier_id: UUID) -> Verification:
    facts = load(session, supplier_id)
    posted = book.index(session, supplier_id)
    accounts = book.accounts(session, supplier_id)
    events = _in_order(facts, posted, [*_confirmations(session, facts, posted), *_second_confirmations(facts, posted)])
    replay = Replay(facts)
    replay.announce_confirmations(
        [payment.id for event in events if event.kind is EventKind.CONFIRMATION for payment in event.payments]
    )
    second = {event.id for event in events if event.kind is EventKind.SECOND_CONFIRMATION}
    replay.announce_confirmations(second)
    result = Compared(order_of={line.id: line.order_id for line in facts.lines.values()})
    result.findings += comparing.compare_plans(facts)
    result.findings += comparing.compare_sales(facts)
    unexplained = {entry.source for entry in posted}
    matched = _matched_by_trigger(posted)
    closed = book.closed_months(session)
    for begin in range(0, len(events), CHUNK):
        chunk = events[begin : begin + CHUNK]
        sources = {id(event): [*event.sources(), *matched[event.trigger]] for event in chunk}
        found = book.entries(session, (source for own in sources.values() for source in own))
        for event in chunk:
            own = {source: found[source] for source in sources[id(event)] if source in found}
            hints = {source: _hints(entries[0], accounts) for source, entries in own.items()}
            opens_on = closed.opens_on(entries[0].recorded_at for entries in own.values())
            comparing.compare_event(result, event, replay.expected(event, hints, opens_on=opens_on), own, accounts)
            unexplained -= own.keys()
    comparing.report_unexplained(result, book.entries(session, unexplained))
    result.findings += _left_unconfirmed(replay, result)
    result.findings += _second_left_unconfirmed(facts, replay, result, second)
    result.findings += [remark for remark in replay.remarks if remark.difference is not Difference.REGISTER]
    notes = dict.fromkeys(remark for remark in replay.remarks if remark.difference is Difference.REGISTER)
    attributed = Verification(
        suppliers=1,
        lines=len(facts.lines),
        entries=result.entries,
        transfers=result.transfers,
        findings=tuple(result.findings),
        notes=tuple(notes),
    )
    return attributed + compare_cash(session, facts)


def _left_unconfirmed(replay: Replay, result: Compared) -> Iterator[Finding]:
    for payment, claim in replay.unconfirmed():
        yield _unconfirmed(f"confirmation:{payment.id}", claim, result)


def _unconfirmed(source: str, claim: Claim, result: Compared) -> Finding:
    return Finding(
        Difference.MISSING,
        source,
        result.order_of.get(claim.line_id),
        claim.line_id,
        claim.stake.kind,
        claim.stake.owner_id,
        step=DISBURSED,
        expected_fen=claim.fen,
    )


def _second_left_unconfirmed(
    facts: SupplierFacts, replay: Replay, result: Compared, by_entry: Collection[UUID]
) -> Iterator[Finding]:
    """Yield what collectives gave on that is on record as confirmed, while it still stands unconfirmed."""
    for event in facts.events:
        if event.second and event.second.confirmed_at and event.id not in by_entry:
            for claim in replay.second_unconfirmed(event.id):
                yield _unconfirmed(f"{EventKind.SECOND_CONFIRMATION}:{event.id}", claim, result)


def _second_confirmations(facts: SupplierFacts, posted: Sequence[Posted]) -> list[Event]:
    """Return the confirmations of second distributions that posted something."""
    sources = {entry.source for entry in posted}
    return [
        Event(EventKind.SECOND_CONFIRMATION, event.id, None, business_date(at), at)
        for event in facts.events
        if event.second
        and (at := event.second.confirmed_at)
        and f"{EventKind.SECOND_CONFIRMATION}:{event.id}" in sources
    ]


def _confirmations(session: orm.Session, facts: SupplierFacts, posted: Sequence[Posted]) -> list[Event]:
    """Return confirmations: the book says which payments came together, the payments say that they were confirmed."""
    sources = [entry.source for entry in posted if entry.source.startswith("confirmation:")]
    payments = {payment.id: payment for event in facts.events for payment in event.payments}
    events: list[Event] = []
    for begin in range(0, len(sources), CHUNK):
        for entry, *_ in book.entries(session, sources[begin : begin + CHUNK]).values():
            together = [payments.get(UUID(payment)) for payment in entry.facts.get("payments", ())]
            known = [payment for payment in together if payment and payment.confirmed_at]
            if len(known) < len(together) or not known or entry.source != f"confirmation:{min(p.id for p in known)}":
                continue
            now = max(payment.confirmed_at for payment in known if payment.confirmed_at)
            first = min(payment.id for payment in known)
            events.append(Event(EventKind.CONFIRMATION, first, None, business_date(now), now, payments=known))
    return events


def _matched_by_trigger(posted: Sequence[Posted]) -> dict[str, list[str]]:
    """Return the sources of what events matched, by what triggered them."""
    matched: dict[str, list[str]] = defaultdict(list)
    for entry in posted:
        kind, _, rest = entry.source.partition(":")
        if kind == "matching":
            matched[rest.rpartition(":")[0]].append(entry.source)
    return matched


def _in_order(facts: SupplierFacts, posted: Sequence[Posted], confirmations: Sequence[Event]) -> list[Event]:
    """Return the events as they were posted; one that posted nothing stands before the next one recorded after it.

    Identifiers are UUIDv7, made under the locks that serialise what they name: they tell the order where the book
    has none.
    """
    places = {entry.source: entry.place for entry in reversed(posted)}  # the first, if a source posted twice
    last = max(places.values(), default=0) + 1
    ordered: list[tuple[int, int, UUID, Event]] = []
    next_place = last
    for event in sorted(facts.events, key=lambda event: event.made_id, reverse=True):
        own = [places[source] for source in event.sources() if source in places]
        next_place = min([next_place, *own])
        ordered.append((min(own) if own else next_place, bool(own), event.made_id, event))
    ordered += [(places[event.sources()[0]], True, event.id, event) for event in confirmations]
    return [event for *_, event in sorted(ordered, key=lambda item: item[:3])]


def _hints(entry: BookEntry, accounts: Mapping[int, Account]) -> Hints:
    assisted = {move.contribution_id: move.assisted for move, _ in entry.moves if move.contribution_id is not None}
    weights: dict[str, dict[UUID, tuple[int, bool | None]]] = {}
    for mechanism, pinned in entry.facts.get("weights", {}).items():
        known = ((accounts.get(account_id), weight, flag) for account_id, weight, flag in pinned)
        weights[mechanism] = {
            account.owner_id: (weight, flag) for account, weight, flag in known if account and account.kind == HOUSEHOLD
        }
    return Hints(assisted, weights, entry.confirms())
