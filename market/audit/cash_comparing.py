"""What the facts ask of the cash book beside what it has: each account's change named."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit import book
from market.audit.book import BookEntry, ClosedMonths
from market.audit.cash_replaying import ExpectedCash, Side, instructed, meant, mirrored, replay
from market.audit.facts import SupplierFacts
from market.audit.provider_replaying import told_by_provider
from market.audit.rules import Difference, Finding, Verification

CHUNK = 500
"""Facts whose entries are in memory at once."""

KNOWN = """
    SELECT concat('cash:acceptance:', id) AS source FROM acceptances
     UNION ALL SELECT concat('cash:', kind, ':', id) FROM returns
     UNION ALL SELECT concat('cash:receipt:', id) FROM receipt_allocations
     UNION ALL SELECT concat('cash:', event, ':', order_id) FROM order_changes
                WHERE event IN ('ship', 'decline', 'cancel', 'expire')
     UNION ALL SELECT concat('cash:bank_line:', l.id) FROM bank_lines l
                 JOIN bank_accounts a ON a.id = l.bank_account_id WHERE a.purpose IN ('custody', 'provider')
     UNION ALL SELECT concat('cash:meaning:', p.id) FROM matching_proposals p
                 JOIN bank_lines l ON l.id = p.bank_line_id JOIN bank_accounts a ON a.id = l.bank_account_id
                WHERE p.status = 'approved' AND p.meaning IS NOT NULL AND a.purpose IN ('custody', 'provider')
     UNION ALL SELECT concat('cash:released:', m.line_id) FROM provider_movements m
                 JOIN bank_lines l ON l.id = m.line_id
                WHERE m.released_on IS NOT NULL AND l.amount_fen <> m.fee_fen
     UNION ALL SELECT concat('cash:refund:', id) FROM refund_changes WHERE away_fen <> 0
     UNION ALL SELECT concat('cash:refund_left:', id) FROM refunds
                WHERE left_line_id IS NOT NULL AND route <> 'supplier' OR dispute_id IS NOT NULL
     UNION ALL SELECT concat('cash:refund_back:', id) FROM refunds
                WHERE back_line_id IS NOT NULL AND route <> 'supplier'
     UNION ALL SELECT concat('cash:dispute_lost:', id) FROM disputes WHERE status = 'lost'
     UNION ALL SELECT concat('cash:dispute:', m.line_id)
                 FROM provider_movements m JOIN disputes d ON d.provider_id = m.source_id
     UNION ALL SELECT concat('cash:', CASE c.event WHEN 'approve' THEN 'settlement' ELSE 'unsettlement' END, ':', i.id)
                 FROM settlement_items i JOIN settlement_changes c ON c.settlement_id = i.settlement_id
                WHERE c.event IN ('approve', 'fail', 'return')
     UNION ALL SELECT concat('cash:', CASE c.event WHEN 'instruct' THEN 'instruction' WHEN 'confirm' THEN 'payout'
                                                   WHEN 'fail' THEN 'failure' ELSE 'settlement_return' END, ':', s.id)
                 FROM settlements s JOIN settlement_changes c ON c.settlement_id = s.id
                WHERE c.event IN ('instruct', 'confirm', 'return') OR c.event = 'fail' AND s.instructed_on IS NOT NULL
"""
"""The sources of all facts that move money: what did not happen is none of them, though its row is there."""

_WITHOUT_FACT = sa.text(
    f"""
    SELECT e.source, e.total_fen
      FROM ledger_entries e LEFT JOIN ({KNOWN}) k ON k.source = e.source
     WHERE e.book = 'cash' AND k.source IS NULL
     ORDER BY e.source
    """  # noqa: S608 - of this file alone
)


def compare_cash(session: orm.Session, facts: SupplierFacts) -> Verification:
    """Replay the money of a supplier's orders and compare it with the cash book, account by account."""
    return _compared(session, list(replay(session, facts)))


def compare_bank_lines(session: orm.Session) -> Verification:
    """Compare what the cash book has of accounts in custody with what their banks told and were told, one by one."""
    return _compared(session, [*mirrored(session), *meant(session), *instructed(session), *told_by_provider(session)])


def _compared(session: orm.Session, expected: Sequence[ExpectedCash]) -> Verification:
    closed = book.closed_months(session, "cash")
    entries = transfers = 0
    findings: list[Finding] = []
    for begin in range(0, len(expected), CHUNK):
        chunk = expected[begin : begin + CHUNK]
        found = book.entries(session, (each.source for each in chunk))
        for each in chunk:
            own = found.get(each.source, ())
            entries += len(own)
            transfers += sum(len(entry.moves) for entry in own)
            findings += _compare(each, own, closed)
    return Verification(entries=entries, transfers=transfers, findings=tuple(findings))


def without_fact(session: orm.Session) -> Iterator[Finding]:
    """Yield the entries of the cash book behind which there is no fact."""
    for row in session.execute(_WITHOUT_FACT):
        yield Finding(Difference.NO_FACT, row.source, found_fen=row.total_fen)


def _compare(expected: ExpectedCash, entries: Sequence[BookEntry], closed: ClosedMonths) -> Iterator[Finding]:
    found = _changes(entries[0]) if entries else {}
    for side in sorted(expected.changes.keys() | found.keys(), key=str):
        asked_fen, found_fen = expected.changes.get(side), found.get(side)
        if asked_fen != found_fen:
            difference = (
                Difference.UNEXPECTED
                if asked_fen is None
                else Difference.MISSING
                if found_fen is None
                else Difference.AMOUNT
            )
            yield Finding(
                difference,
                expected.source,
                expected.order_id,
                owner_kind=side[0],
                owner_id=side[1],
                expected_fen=asked_fen,
                found_fen=found_fen,
            )
    for entry in entries[1:]:
        total_fen = sum(fen for _, fen in entry.moves)
        yield Finding(Difference.POSTED_TWICE, expected.source, expected.order_id, found_fen=total_fen)
    if entries:
        yield from _compare_entry(expected, entries[0], closed)


def _compare_entry(expected: ExpectedCash, entry: BookEntry, closed: ClosedMonths) -> Iterator[Finding]:
    opens_on = closed.opens_on([entry.recorded_at])
    late = expected.on < opens_on
    asked = (opens_on, expected.on) if late else (expected.on, None)
    if asked != (entry.effective_on, entry.original_on):
        detail = f"{asked[0]} ≠ {entry.effective_on}"
        yield Finding(Difference.DATE, expected.source, expected.order_id, detail=detail)
    if entry.facts != expected.facts:
        yield Finding(Difference.FACTS, expected.source, expected.order_id, detail=f"{expected.facts} ≠ {entry.facts}")
    if entry.facts_hash != entry.facts_sha256:
        yield Finding(Difference.FACTS_HASH, expected.source, expected.order_id, detail=entry.facts_sha256)


def _changes(entry: BookEntry) -> Mapping[Side, int]:
    """Return by how much an entry adds to the credit of each account."""
    changes: dict[Side, int] = defaultdict(int)
    for move, fen in entry.moves:
        changes[move.debit[:3]] -= fen
        changes[move.credit[:3]] += fen
    return {side: fen for side, fen in changes.items() if fen}
