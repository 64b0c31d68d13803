"""Reconciling: what banks and the payment provider tell against the cash book; each difference has a reason, an age.

An account that must clear is explained by what is under way: fen by fen, or the rest is unexplained.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.rules import Reason
from market.banking.queries import GAPS
from market.banking.rules import ACCOUNTS
from market.cash.rules import CHART, CashKind
from market.clock import business_date
from market.ledger import queries as ledger
from market.ledger.rules import Book


class Break(NamedTuple):
    """Something not yet as it will be: why, what it concerns, how much, since when; fen to its account's credit."""

    reason: Reason
    account: CashKind | None
    reference: str
    detail: str
    fen: int
    since: date


class Cleared(NamedTuple):
    """An account that clears: what stands to its credit by the book, and how much of that its breaks explain."""

    account: CashKind
    balance_fen: int
    explained_fen: int

    @property
    def unexplained_fen(self) -> int:
        """Return what nobody can say the reason of."""
        return self.balance_fen - self.explained_fen


class Reconciliation(NamedTuple):
    """All breaks, oldest first, and the accounts that they explain."""

    on: date
    breaks: Sequence[Break]
    accounts: Sequence[Cleared]

    @property
    def unexplained_fen(self) -> int:
        """Return what is unexplained on all accounts, whichever way it stands."""
        return sum(abs(account.unexplained_fen) for account in self.accounts)


# ruff: noqa: S608 - statements are put together from fragments of the market's own code alone

# Of one account of the chart: what stands of the meaning of a line, unless as much went the other way.
_MEANT = """
    WITH meant AS (
      SELECT l.id, l.bank_account_id, l.bank_reference, l.booked_on, p.meaning, sum(p.amount_fen) AS fen
        FROM matching_proposals p JOIN bank_lines l ON l.id = p.bank_line_id
       WHERE p.status = 'approved' AND p.meaning IN ({meanings})
       GROUP BY l.id, p.meaning HAVING sum(p.amount_fen) <> 0),
    placed AS (
      SELECT m.*, a.bank_name, row_number() OVER (PARTITION BY m.fen ORDER BY m.booked_on, m.id) AS place
        FROM meant m JOIN bank_accounts a ON a.id = m.bank_account_id AND a.purpose IN ('custody', 'provider'))
    SELECT concat_ws(' ', m.bank_name, nullif(m.bank_reference, '')), m.meaning, m.fen, m.booked_on
      FROM placed m WHERE NOT EXISTS (SELECT FROM placed o WHERE o.fen = -m.fen AND o.place = m.place)
"""


def _meant(kind: CashKind) -> tuple[CashKind, str]:
    return kind, _MEANT.format(meanings=", ".join(f"'{each}'" for each, to in ACCOUNTS.items() if to is kind))


OPEN = {
    Reason.UNMATCHED: (
        CashKind.UNMATCHED,
        """
        SELECT concat_ws(' ', a.bank_name, nullif(l.bank_reference, '')), l.waiting, l.open_fen, l.booked_on
          FROM bank_lines l JOIN bank_accounts a ON a.id = l.bank_account_id
         WHERE l.open_fen <> 0 AND a.purpose IN ('custody', 'provider')
        """,
    ),
    Reason.OWN_TRANSFER: _meant(CashKind.IN_TRANSIT),
    Reason.MISTAKEN: _meant(CashKind.MISTAKEN),
    Reason.PENDING: (
        CashKind.PROVIDER_PENDING,
        """
        SELECT l.line_key, m.kind, m.fee_fen - l.amount_fen, m.available_on
          FROM provider_movements m JOIN bank_lines l ON l.id = m.line_id WHERE m.released_on IS NULL
        """,
    ),
    Reason.SETTLEMENT_APPROVED: (
        CashKind.SETTLEMENT,
        """
        SELECT number, status, amount_fen, (SELECT max(changed_at) FROM settlement_changes c
                                             WHERE c.settlement_id = s.id)
          FROM settlements s WHERE status = 'approved'
        """,
    ),
    Reason.SETTLEMENT_SENT: (
        CashKind.IN_TRANSIT,
        "SELECT number, status, amount_fen, instructed_on FROM settlements WHERE status = 'instructed'",
    ),
    Reason.REFUND_SENT: (
        CashKind.IN_TRANSIT,
        """
        SELECT number, route, amount_fen, requested_at FROM refunds
         WHERE status IN ('sent', 'succeeded') AND left_line_id IS NULL AND route NOT IN ('supplier', 'dispute')
        """,
    ),
    Reason.REFUND_FAILED: (
        CashKind.IN_TRANSIT,
        """
        SELECT number, route, -amount_fen, requested_at FROM refunds
         WHERE status IN ('failed', 'rerouted') AND left_line_id IS NOT NULL AND back_line_id IS NULL
        """,
    ),
    Reason.DISPUTED: (
        CashKind.DISPUTE_HOLD,
        """
        SELECT d.provider_id, d.reason, sum(l.amount_fen), d.opened_on
          FROM disputes d JOIN provider_movements m ON m.source_id = d.provider_id
          JOIN bank_lines l ON l.id = m.line_id
         WHERE d.status = 'open' GROUP BY d.id
        """,
    ),
    Reason.TO_REFUND: (
        CashKind.REFUND_PAYABLE,
        """
        SELECT o.number, o.status, b.fen, coalesce(o.captured_on, o.placed_on)
          FROM orders o
          JOIN (SELECT a.owner_id, sum(m.fen) AS fen
                  FROM ledger_accounts a
                  JOIN (SELECT credit_account_id AS id, amount_fen AS fen FROM ledger_transfers WHERE book = 'cash'
                         UNION ALL
                        SELECT debit_account_id, -amount_fen FROM ledger_transfers WHERE book = 'cash') m ON m.id = a.id
                 WHERE a.book = 'cash' AND a.kind = 'refund_payable'
                 GROUP BY a.owner_id) b ON b.owner_id = o.id
         WHERE b.fen <> 0
        """,
    ),
    Reason.CALL_PARKED: (
        None,
        "SELECT operation || ' ' || subject_id, fault, 0, made_at FROM provider_calls WHERE status = 'parked'",
    ),
    Reason.EVENT_PARKED: (
        None,
        "SELECT id, concat_ws(': ', kind, fault), 0, received_at FROM provider_events WHERE status = 'parked'",
    ),
    Reason.PAYMENT_OPEN: (
        None,
        """
        SELECT coalesce(provider_id, id::text), coalesce(fault, status), 0, begun_at FROM online_payments
         WHERE status IN ('creating', 'open', 'processing')
        """,
    ),
    Reason.BALANCE_DIFFERS: (
        None,
        """
        SELECT a.number, concat('told_fen ', s.told_fen, ', booked_fen ', s.booked_fen), 0, s.swept_at
          FROM provider_sweeps s JOIN bank_accounts a ON a.id = s.account_id WHERE s.told_fen <> s.booked_fen
        """,
    ),
    Reason.STATEMENT_DIFFERS: (
        None,
        f"""
        SELECT concat_ws(' ', a.bank_name, g.closes_on), concat('gap_fen ', g.gap_fen), 0, g.closes_on
          FROM ({GAPS}) g JOIN bank_accounts a ON a.id = g.bank_account_id AND a.purpose = 'custody'
         WHERE g.gap_fen <> 0
        """,
    ),
}
"""Where breaks are on record: reference, detail, fen, since."""

CLEARING = [*(kind for kind, account in CHART.items() if account.clears), CashKind.REFUND_PAYABLE]


def reconcile(session: orm.Session, *, now: datetime) -> Reconciliation:
    """Return what is under way now, and what of the accounts that clear it does not explain."""
    breaks = sorted(_breaks(session), key=lambda each: (each.since, each.reference))
    explained: dict[CashKind, int] = defaultdict(int)
    for each in breaks:
        if each.account is not None:
            explained[each.account] += each.fen
    on = business_date(now)
    balances = ledger.balances(session, Book.CASH, on=on)
    accounts = [
        Cleared(kind, balances[kind].credit_fen - balances[kind].debit_fen if kind in balances else 0, explained[kind])
        for kind in CLEARING
    ]
    return Reconciliation(on, breaks, accounts)


def _breaks(session: orm.Session) -> list[Break]:
    return [
        Break(reason, account, str(reference), str(detail or ""), int(fen), _day(since))
        for reason, (account, query) in OPEN.items()
        for reference, detail, fen, since in session.execute(sa.text(query))
    ]


def _day(since: date | datetime) -> date:
    return business_date(since) if isinstance(since, datetime) else since
