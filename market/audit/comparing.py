"""What the facts ask for beside what the book has: each difference named."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from market.audit.book import BookEntry
from market.audit.facts import Event, EventKind, LineFact, ReturnedFact, SupplierFacts
from market.audit.history import Expected
from market.audit.oracle import PAYEES, POOL, RETAINED, SUSPENSE, price, untaxed
from market.audit.rules import Difference, Finding
from market.audit.standing import Account, Move

_SHARES = PAYEES | {RETAINED, POOL, SUSPENSE}


@dataclass(slots=True)
class Compared:
    """What was compared so far, and what differed."""

    order_of: Mapping[UUID, UUID]
    entries: int = 0
    transfers: int = 0
    findings: list[Finding] = field(default_factory=list)

    def about(self, difference: Difference, source: str, move: Move, **found: Any) -> None:
        """Add a finding about a transfer: its owner is whoever's share it moves."""
        account = move.credit if move.credit.kind in _SHARES else move.debit
        self.findings.append(
            Finding(
                difference,
                source,
                self.order_of.get(move.order_line_id) if move.order_line_id else None,
                move.order_line_id,
                account.kind,
                account.owner_id,
                step=account.step,
                **found,
            )
        )


def compare_event(
    result: Compared,
    event: Event,
    expected: Sequence[Expected],
    found: Mapping[str, Sequence[BookEntry]],
    accounts: Mapping[int, Account],
) -> None:
    """Compare the entries of one event."""
    asked = {entry.source: entry for entry in expected}
    for source in sorted(asked.keys() | found.keys()):
        entries = found.get(source, ())
        wanted = asked.get(source)
        if len(entries) > 1:
            total = sum(fen for entry in entries[1:] for _, fen in entry.moves)
            result.findings.append(Finding(Difference.POSTED_TWICE, source, event.order_id, found_fen=total))
        _compare_moves(result, source, wanted.moves if wanted else (), entries[0].moves if entries else ())
        if entries:
            result.entries += 1
            if wanted and wanted.moves:
                result.findings += _compare_entry(wanted.order_id or event.order_id, wanted, entries[0], accounts)


def _compare_moves(
    result: Compared, source: str, expected: Iterable[tuple[Move, int]], found: Iterable[tuple[Move, int]]
) -> None:
    asked = _by_move(expected)
    for move, posted in _by_move(found).items():
        result.transfers += len(posted)
        wanted = asked.pop(move, None)
        if wanted is None:
            result.about(Difference.UNEXPECTED, source, move, found_fen=sum(posted))
        elif sorted(wanted) != sorted(posted):
            result.about(Difference.AMOUNT, source, move, expected_fen=sum(wanted), found_fen=sum(posted))
    for move, missing in asked.items():
        result.about(Difference.MISSING, source, move, expected_fen=sum(missing))


def _by_move(amounts: Iterable[tuple[Move, int]]) -> dict[Move, list[int]]:
    by_move: dict[Move, list[int]] = {}
    for move, fen in amounts:
        by_move.setdefault(move, []).append(fen)
    return by_move


def _compare_entry(
    order_id: UUID | None, expected: Expected, found: BookEntry, accounts: Mapping[int, Account]
) -> Iterator[Finding]:
    source = expected.source
    if found.facts_hash != found.facts_sha256:
        yield Finding(Difference.FACTS_HASH, source, order_id, detail=found.facts_sha256)
    days = (expected.effective_on, expected.original_on), (found.effective_on, found.original_on)
    if days[0] != days[1]:
        yield Finding(Difference.DATE, source, order_id, detail=" ≠ ".join(map(_days, days)))
    if found.reason != expected.reason:
        yield Finding(Difference.FACTS, source, order_id, detail=f"reason {expected.reason} ≠ {found.reason}")
    stored = dict(found.facts)
    pinned = {name: _weights(own, accounts) for name, own in stored.pop("weights", {}).items()}
    if stored != json.loads(json.dumps(expected.facts)):
        yield Finding(Difference.FACTS, source, order_id, detail=_first_difference(expected.facts, stored))
    weights = {
        name: sorted((stake.kind, str(stake.owner_id), weight, stake.assisted) for stake, weight in own)
        for name, own in expected.weights.items()
    }
    if weights != pinned:
        yield Finding(Difference.FACTS, source, order_id, detail=f"weights {_first_difference(weights, pinned)}")


def _days(days: tuple[object, object]) -> str:
    return " / ".join(str(day) for day in days if day)


def _weights(
    stored: Iterable[tuple[int, int, bool | None]], accounts: Mapping[int, Account]
) -> list[tuple[str, str, int, bool | None]]:
    nobody = Account("", UUID(int=0), None, None)
    known = ((accounts.get(account_id, nobody), weight, assisted) for account_id, weight, assisted in stored)
    return sorted((account.kind, str(account.owner_id), weight, assisted) for account, weight, assisted in known)


def _first_difference(expected: Mapping[str, object], found: Mapping[str, object]) -> str:
    names = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    return ", ".join(names)


def report_unexplained(result: Compared, entries: Mapping[str, Collection[BookEntry]]) -> None:
    """Name every transfer of entries behind which there is no fact."""
    for source in sorted(entries):
        for entry in entries[source]:
            for move, fen in entry.moves:
                result.about(Difference.NO_FACT, source, move, found_fen=fen)


def compare_plans(facts: SupplierFacts) -> Iterator[Finding]:
    """Hash every plan version anew and hold the lines' pins against it."""
    for version_id, plan in facts.plans.items():
        if plan.hash != plan.sha256:
            yield Finding(Difference.PLAN_HASH, f"plan_version:{version_id}", detail=plan.sha256)
    for line in facts.lines.values():
        if line.plan_sha256 != facts.plans[line.plan_version_id].hash:
            source = f"order_line:{line.id}"
            yield Finding(Difference.PLAN_PIN, source, line.order_id, line.id, detail=str(line.plan_version_id))


def compare_sales(facts: SupplierFacts) -> Iterator[Finding]:
    """Work out anew what was accepted and taken back, from quantity, price and tax."""
    kept: dict[UUID, tuple[int, int, int]] = {}
    for event in sorted(facts.events, key=lambda event: event.id):
        for accepted in event.accepted:
            line = facts.lines[accepted.line_id]
            drawn = sum(draw.after_milli - draw.before_milli for draw in accepted.draws)
            kept[line.id] = (accepted.accepted_milli, *_amounts(facts, line.id, accepted.accepted_milli))
            found = (drawn, accepted.accepted_fen, accepted.net_fen)
            if found != kept[line.id]:
                yield _sale(event, f"acceptance:{accepted.id}", line.id, kept[line.id], found)
        for returned in event.returned:
            line = facts.lines[returned.line_id]
            before = kept.get(line.id, (0, 0, 0))
            kept[line.id] = _left(line, event.kind, returned, before)
            drawn = sum(draw.after_milli - draw.before_milli for draw in returned.draws)
            expected = tuple(was - now for was, now in zip(before, kept[line.id], strict=True))
            found = (drawn, returned.amount_fen, returned.net_fen)
            if found != expected:
                yield _sale(event, event.trigger, line.id, expected, found)


def _left(line: LineFact, kind: EventKind, fact: ReturnedFact, before: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return what is left of a line: of a price cut the goods; what comes back takes its part of cuts along."""
    milli, gross_fen, _ = before
    left = milli - fact.quantity_milli
    if kind is EventKind.PRICE_CUT:
        gross_fen -= min(fact.amount_fen, gross_fen)
    else:
        whole, kept = (price(line.unit_price_fen, each, line.unit_milli) for each in (milli, left))
        gross_fen = price(gross_fen, kept, whole) if whole else 0
    return left, gross_fen, untaxed(gross_fen, line.tax_bp)


def _amounts(facts: SupplierFacts, line_id: UUID, milli: int) -> tuple[int, int]:
    line = facts.lines[line_id]
    gross_fen = price(line.unit_price_fen, milli, line.unit_milli)
    return gross_fen, untaxed(gross_fen, line.tax_bp)


def _sale(event: Event, source: str, line_id: UUID, expected: Sequence[int], found: Sequence[int]) -> Finding:
    return Finding(
        Difference.SALE,
        source,
        event.order_id,
        line_id,
        expected_fen=expected[2],
        found_fen=found[2],
        detail=f"milli, gross fen: {tuple(expected[:2])} ≠ {tuple(found[:2])}",
    )
