"""What a year must come to, from its facts alone and in exact fractions; and what the book says, fen against fen.

Every share of every line is reckoned anew, step by step and month by month (`sharing.Replay`), and must stand in the
book to the fen. What is conserved is held besides, sum against sum, so that an error of the reckoning cannot hide one
of the market. Nothing here is the market's arithmetic. Per cooperative, so that a year of millions of transfers fits in
memory.

The rules leave no fen free: ties go by a hash, what is owed goes by age and then by identifiers. Taken as facts and not
reckoned are the milli-units that a line got of each lot or gave back, and what was bought in for a lot.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple

import psycopg

from tests.year.facts import read
from tests.year.sharing import Replay
from tests.year.standing import ACCRUED, ADVANCE, LADDER, PAYEES, TOP_UP, TOP_UP_PAID, Account, Share

RECEIVED = ("disbursed", "confirmed", "top_up_paid", "advance")
SHARED = ("household", "collective", "retained", "suspense", "pool")


class Part(NamedTuple):
    """What the book says that moved of a share of a line at a step, or of a payee's advance, in a month."""

    line: str | None
    kind: str
    owner: str
    mechanism: str | None
    contribution: str | None
    assisted: bool | None
    step: str
    month: str
    fen: int

    @property
    def account(self) -> Account:
        """Return where it is reckoned: an advance is its payee's, whatever it was paid for or is claimed by."""
        share = Share(*self[1:6])
        if self.kind in SHARED and self.step != ADVANCE:
            return Account(self.line, share, self.step, self.month)
        return Account(None, Share(self.kind, self.owner), self.step, self.month)


_PARTS = """
SELECT m.line, a.kind, a.owner_id::text, m.mechanism, m.contribution, m.assisted, a.step, m.month, sum(m.fen)::bigint
  FROM (SELECT order_line_id::text AS line, credit_account_id AS account_id, mechanism, assisted,
               contribution_id::text AS contribution, to_char(effective_on, 'YYYY-MM') AS month, amount_fen AS fen
          FROM ledger_transfers
        UNION ALL
        SELECT order_line_id::text, debit_account_id, mechanism, assisted, contribution_id::text,
               to_char(effective_on, 'YYYY-MM'), -amount_fen
          FROM ledger_transfers) m
  JOIN ledger_accounts a ON a.id = m.account_id
 WHERE a.book = 'attribution'
   AND (a.counterpart_id = %(supplier)s OR (a.counterpart_id IS NULL AND a.owner_id = %(supplier)s))
 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""
_CARRIES = """
SELECT r.contribution_id::text, r.fen FROM release_carries r
  JOIN contributions c ON c.id = r.contribution_id JOIN lots l ON l.id = c.lot_id WHERE l.supplier_id = %(supplier)s
"""
_SNAPSHOTS = """
SELECT a.kind, a.owner_id::text, a.step, to_char(b.month, 'YYYY-MM'), b.balance_fen
  FROM ledger_accounts a JOIN ledger_balances b ON b.account_id = a.id
 WHERE a.book = 'attribution' AND %(supplier)s IN (a.owner_id, a.counterpart_id)
"""
_CLOSED = "SELECT to_char(month, 'YYYY-MM') FROM ledger_periods WHERE book = 'attribution'"


def breaches(connection: "psycopg.Connection[Any]", supplier: object) -> list[str]:
    """Return everything in which a cooperative's year differs from its facts, at every level."""

    def rows(query: str) -> list[Any]:
        return connection.execute(query, {"supplier": supplier}).fetchall()

    facts = read(connection, str(supplier))
    replay = Replay(facts)
    replay.play()
    parts = [Part(*row) for row in rows(_PARTS)]
    return [
        *replay.wrong,
        *_of_shares(replay.standing.months, parts),
        *_of_lines_and_orders(replay, parts),
        *_of_lots(replay, parts, dict(rows(_CARRIES))),
        *_of_payees(replay, parts),
        *_of_the_cooperative(replay, parts),
        *_of_months(parts),
        *_of_snapshots(parts, {row[:4]: row[4] for row in rows(_SNAPSHOTS)}, [row[0] for row in rows(_CLOSED)]),
    ]


def _sums(parts: Iterable[Part], *names: str) -> dict[Any, int]:
    sums: dict[Any, int] = defaultdict(int)
    for part in parts:
        sums[tuple(getattr(part, name) for name in names)] += part.fen
    return sums


def _brought(parts: Iterable[Part]) -> list[Part]:
    """Return what lines brought, at whichever step it is."""
    return [part for part in parts if part.kind in SHARED and part.step in LADDER]


def _of_shares(reckoned: Mapping[Account, int], parts: Iterable[Part]) -> Iterator[str]:
    """Hold what everybody has of every line at every step, month by month, against the reckoning."""
    booked: dict[Account, int] = defaultdict(int)
    for part in parts:
        booked[part.account] += part.fen
    for account in reckoned.keys() | booked.keys():
        expected, found = reckoned.get(account, 0), booked.get(account, 0)
        if expected != found:
            line, share, step, month = account
            what = f"{share.kind} {share.owner} for {share.mechanism} of line {line} at {step}"
            yield f"{what} moved by {found} in {month} instead of {expected}"


def _of_lines_and_orders(replay: Replay, parts: Sequence[Part]) -> Iterator[str]:
    """Hold each line's shares against its net amount; of an order that is paid nothing waits."""
    by_share = _sums(_brought(parts), "line", "kind", "owner", "mechanism", "contribution")
    brought: dict[str, int] = defaultdict(int)
    for (line, *share), fen in by_share.items():
        brought[line] += fen
        if fen < 0:
            yield f"line {line}: {share} has {fen}"
    waiting: dict[str, int] = defaultdict(int)
    owed: dict[str, int] = defaultdict(int)
    for part in _brought(parts):
        waiting[replay.facts.lines[str(part.line)].order] += part.fen if part.step == ACCRUED else 0
    for line in replay.facts.lines.values():
        reckoned = replay.left[line.id], replay.paid[line.id]
        if reckoned != (line.left_milli, line.paid_fen):
            yield f"line {line.id} says {line.left_milli} are left and {line.paid_fen} paid, not {reckoned}"
        owed[line.order] += line.gross(replay.left[line.id]) - replay.paid[line.id]
        if brought[line.id] != line.net(replay.left[line.id]):
            yield f"line {line.id} brought {brought[line.id]} instead of {line.net(replay.left[line.id])}"
    for order, fen in waiting.items():
        if fen and not owed[order]:
            yield f"order {order} is paid, yet {fen} waits"


def _of_lots(replay: Replay, parts: Sequence[Part], carries: Mapping[str, int]) -> Iterator[str]:
    """Hold what each contribution has released, or given along, against the drawn part of its lot, and its carry."""
    released = _sums((part for part in parts if part.kind == "household" and part.step != ADVANCE), "contribution")
    for given in replay.facts.given.values():
        if given.carried_from and given.amount_fen:
            released[given.carried_from,] += given.amount_fen
    for given in replay.facts.given.values():
        lot = replay.facts.lots[given.lot]
        if given.amount_fen is None:
            continue
        fen, carry = released[given.id,], replay.carry[given.id]
        due = floor(Fraction(given.amount_fen * lot.drawn_milli, lot.quantity_milli))
        if fen + carry != due:
            yield f"contribution {given.id} released {fen}, carries {carry}, of {due}"
    for given_id in carries.keys() | replay.carry.keys():
        if carries.get(given_id, 0) != replay.carry[given_id]:
            yield f"contribution {given_id} is to carry {replay.carry[given_id]}, not {carries.get(given_id, 0)}"
    for lot in replay.facts.lots.values():
        if lot.drawn_milli != replay.drawn[lot.id]:
            yield f"lot {lot.id} is drawn by {lot.drawn_milli}, its lines and lots took {replay.drawn[lot.id]}"


def _of_payees(replay: Replay, parts: Sequence[Part]) -> Iterator[str]:
    """Hold what each payee received against its payments and what its collective gave on; nobody is below zero."""
    received = _sums((part for part in parts if part.kind in PAYEES and part.step in RECEIVED), "owner")
    paid: dict[str, int] = defaultdict(int, replay.given_on)
    for payment in replay.facts.payments.values():
        if payment.id not in replay.undone:
            paid[payment.payee] += payment.amount_fen
    for payee in paid.keys() | {owner for (owner,) in received}:
        if received[payee,] != paid[payee]:
            yield f"{payee} received {received[payee,]}, was paid {paid[payee]}"
    for (owner, step), fen in _sums((part for part in parts if part.kind in SHARED), "owner", "step").items():
        if fen < 0:
            yield f"{owner} has {fen} at {step}"


def _of_the_cooperative(replay: Replay, parts: Sequence[Part]) -> Iterator[str]:
    """Hold that households, collectives and the cooperative together have what its lines brought, and no fen else."""
    net = sum(line.net(replay.left[line.id]) for line in replay.facts.lines.values())
    brought = sum(part.fen for part in _brought(parts))
    base = -sum(part.fen for part in parts if part.kind == "base")
    if not net == brought == base:
        yield f"lines brought {net}, shares are {brought}, the base {base}"
    topped = sum(part.fen for part in parts if part.step in {TOP_UP, TOP_UP_PAID} and part.kind in PAYEES)
    ahead = sum(part.fen for part in parts if part.step == ADVANCE and part.kind in PAYEES)
    for name, fen, kind in (("top-ups", topped, "top_up_base"), ("advances", ahead, "paid_ahead")):
        against = -sum(part.fen for part in parts if part.kind == kind)
        if fen != against:
            yield f"{name} are {fen}, against {against}"


def _of_months(parts: Sequence[Part]) -> Iterator[str]:
    """Hold that no place was negative at the end of any month."""
    by_place: dict[Any, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for part in parts:
        if part.kind in SHARED:
            by_place[part.account[:3]][part.month] += part.fen
    for place, months in by_place.items():
        standing = 0
        for month in sorted(months):
            standing += months[month]
            if standing < 0:
                yield f"{place} is {standing} at the end of {month}"


def _of_snapshots(
    parts: Sequence[Part], kept: Mapping[tuple[str, str, str, str], int], closed: Sequence[str]
) -> Iterator[str]:
    """Hold the snapshot of every account, whatever its kind, at the end of every closed month against what moved."""
    moved = _sums(parts, "kind", "owner", "step", "month")
    accounts: dict[tuple[str, str, str], dict[str, int]] = {each[:3]: {} for each in kept}
    for (*account, month), fen in moved.items():
        accounts.setdefault((account[0], account[1], account[2]), {})[month] = fen
    for account, months in accounts.items():
        for closing in closed:
            found = sum(fen for month, fen in months.items() if month <= closing)
            said = kept.get((*account, closing), 0)
            if said != found:
                yield f"{account} is {said} in the snapshot of {closing}, {found} in the book"
