"""The attribution book as its transfers say, read step by step, and what must hold of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

import sqlalchemy as sa

from tests.market_model import HALF, PAYEES, RECEIVED, Line, Model, hold, within
from tests.market_world import Payee, PoolTerms, rows

UNPAID = ("recognised", "top_up")


class Share(NamedTuple):
    """Whose income a part of a line is, and why."""

    kind: str
    owner: str
    mechanism: str | None
    contribution: str | None
    assisted: bool | None

    @property
    def payee(self) -> Payee:
        return self.kind, self.owner


class Cell(NamedTuple):
    """A share of a line at a step."""

    line: str
    share: Share
    step: str

    @property
    def is_top_up(self) -> bool:
        return self.step.startswith("top_up")


class Ahead(NamedTuple):
    """What a supplier has paid a payee ahead by one payment, perhaps for a contribution."""

    payee: Payee
    supplier: str
    payment: str
    contribution: str | None


Place = tuple[Cell | Ahead, str | None]
"""Where fen of one origin are together: a share at a step (by the payment, once paid), or an advance."""


class Account(NamedTuple):
    """A payee's account with a supplier."""

    payee: Payee
    supplier: str
    step: str


@dataclass
class Happened:
    """What a step did on purpose: lines accepted (and when), taken back or cut by so much (net), what it annulled."""

    accepted: Mapping[str, date] = field(default_factory=dict)
    returned: Mapping[str, int] = field(default_factory=dict)
    cut: Mapping[str, int] = field(default_factory=dict)
    annulled: str | None = None


_TRANSFERS = """
SELECT t.id, t.effective_on, t.order_line_id::text, t.mechanism, t.contribution_id::text, t.payment_id::text,
       t.assisted, t.amount_fen,
       c.kind, c.owner_id::text, c.counterpart_id::text, c.step,
       d.kind, d.owner_id::text, d.counterpart_id::text, d.step
  FROM ledger_transfers t
  JOIN ledger_accounts c ON c.id = t.credit_account_id
  JOIN ledger_accounts d ON d.id = t.debit_account_id
 WHERE t.id > %(last)s
"""
_SHARED = ("household", "collective", "retained", "pool", "suspense")


class Book:
    """Sums over transfers; each is also held against the whole book at the end (`recount`)."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.last = self.transfers = 0
        self.cells: dict[Cell, int] = defaultdict(int)
        self.accounts: dict[Account, int] = defaultdict(int)
        self.paid: dict[tuple[str, str], int] = defaultdict(int)
        self.ahead: dict[Ahead, int] = defaultdict(int)
        self.days: dict[Place, dict[date, int]] = defaultdict(lambda: defaultdict(int))

    def owed(self, supplier: str, payee: Payee, contribution: str | None, model: Model) -> int:
        """Return what the supplier owes a payee, for a contribution if one is named (fen)."""
        return sum(
            fen
            for cell, fen in self.cells.items()
            if cell.share.payee == payee
            and cell.step in UNPAID
            and model.world.suppliers[model.lines[cell.line].order.supplier].id == supplier
            and contribution in (None, cell.share.contribution)
        )

    def advance(self, supplier: str, payee: Payee) -> int:
        return self.accounts[Account(payee, supplier, "advance")]

    def read(self) -> "Changes":
        """Add what was posted since the last reading; return what it changed."""
        changes = Changes(defaultdict(int), defaultdict(int), set(), set())
        for row in rows(self.connection, _TRANSFERS, {"last": self.last}):
            number, day, line, mechanism, contribution, payment, assisted, fen, *sides = row
            self.last, self.transfers = max(self.last, number), self.transfers + 1
            for sign, (kind, owner, counterpart, step) in ((1, sides[:4]), (-1, sides[4:])):
                share = Share(kind, owner, mechanism, contribution, assisted)
                place: Place | None = None
                if kind in _SHARED and step != "advance":
                    changes.cells[Cell(line, share, step)] += sign * fen
                    place = Cell(line, share, step), payment if step in RECEIVED else None
                if kind in PAYEES:
                    changes.accounts[Account(share.payee, counterpart, step)] += sign * fen
                    if step in RECEIVED:
                        self.paid[payment, step] += sign * fen
                        changes.payments.add(payment)
                    if step == "advance":
                        key = Ahead(share.payee, counterpart, payment, contribution)
                        self.ahead[key] += sign * fen
                        place = key, None
                if place is not None:
                    self.days[place][day] += sign * fen
                    changes.places.add(place)
        for cell, fen in changes.cells.items():
            self.cells[cell] += fen
        for account, fen in changes.accounts.items():
            self.accounts[account] += fen
        return changes

    def recount(self) -> None:
        """Hold that the sums kept while reading are those of the whole book, and that the book adds up."""
        whole = Book(self.connection)
        whole.read()
        hold(whole.transfers == self.transfers, "the book has", whole.transfers, "transfers, not", self.transfers)
        sums: list[tuple[Mapping[Any, int], Mapping[Any, int]]] = [
            (self.cells, whole.cells),
            (self.accounts, whole.accounts),
            (self.paid, whole.paid),
        ]
        for mine, theirs in sums:
            changed = {key for key in mine.keys() | theirs.keys() if mine.get(key, 0) != theirs.get(key, 0)}
            hold(not changed, "the book was changed after it was read:", changed)
        ((unsealed,),) = rows(
            self.connection,
            "SELECT count(*) FROM ledger_entries e, LATERAL (SELECT count(*) AS found, sum(amount_fen) AS fen"
            " FROM ledger_transfers WHERE entry_id = e.id) t WHERE found <> transfer_count OR fen <> total_fen",
        )
        hold(not unsealed, unsealed, "entries are not what they declare")


@dataclass
class Changes:
    """What one step changed: amounts by cell and account, and the payments and places it touched."""

    cells: dict[Cell, int]
    accounts: dict[Account, int]
    payments: set[str]
    places: set[Place]


def check_book(
    model: Model, book: Book, changes: Changes, facts: Mapping[str, Mapping[str, Any]], happened: Happened
) -> None:
    """Hold everything that must be true of the book after a step."""
    for cell in changes.cells:
        hold(book.cells[cell] >= 0, "a share is negative:", cell, book.cells[cell])
    for account in changes.accounts:
        hold(book.accounts[account] >= 0, "an account is negative:", account, book.accounts[account])
    for place in changes.places:
        _check_days(place, book.days[place])
    lines = _by_line(book.cells)
    moved = _by_line(changes.cells)
    accrued: dict[str, int] = defaultdict(int)
    for cell, fen in book.cells.items():
        if cell.step == "accrued":
            accrued[cell.line] += fen
    for line_id, line in model.lines.items():
        shares, tops = lines[line_id]
        _check_line(line, shares, tops, moved[line_id], happened)
        _check_recognised(line, accrued[line_id], facts["lines"][line_id][-1])
    _check_contributions(model, book.cells, facts["carries"])
    _check_payments(model, book, changes)
    _check_received(model, book)
    _check_matched(model, book, changes)


_Parts = tuple[dict[Share, int], dict[Share, int]]
_Lines = dict[str, _Parts]


def _by_line(cells: Mapping[Cell, int]) -> _Lines:
    """Sum cells over the steps: by line, the shares of what it brought, and the top-ups."""
    lines: _Lines = defaultdict(lambda: (defaultdict(int), defaultdict(int)))
    for cell, fen in cells.items():
        lines[cell.line][cell.is_top_up][cell.share] += fen
    return lines


def _check_line(
    line: Line,
    shares: dict[Share, int],
    tops: dict[Share, int],
    moved: _Parts,
    happened: Happened,
) -> None:
    net = line.net(line.due)
    hold(sum(shares.values()) == net, "shares of line", line.id, "sum to", sum(shares.values()), "instead of", net)
    if line.id in happened.accepted:
        check_accrual(line, shares, tops, happened.accepted[line.id])
    elif line.id in happened.returned:
        check_fall(line, shares, tops, moved, happened.returned[line.id])
    elif line.id in happened.cut:
        check_cut(line, shares, moved, happened.cut[line.id])
    elif happened.annulled:
        check_annulled(line, (shares, tops), moved, happened.annulled)
    else:
        hold(not any(moved[0].values()) and not any(moved[1].values()), "line", line.id, "changed of itself")


def check_accrual(line: Line, shares: Mapping[Share, int], tops: Mapping[Share, int], day: date) -> None:
    """Hold a new accrual against the plan: contributions first, then pools; top-ups only when nothing is left."""
    net = line.net(line.due)
    funded = {share: fen for share, fen in shares.items() if share.contribution}
    if any(tops.values()):
        released = {share: funded.get(share, 0) + tops.get(share, 0) for share in {*funded, *tops}}
        within(funded, net, released, "the funded releases of line", line.id)
    left = net - sum(funded.values())
    amounts = {pool.mechanism: net * pool.bp // 10_000 for pool in line.product.pools}
    by_pool = {pool.mechanism: _of_pool(shares, pool.mechanism) for pool in line.product.pools}
    totals = {mechanism: sum(parts.values()) for mechanism, parts in by_pool.items()}
    if sum(amounts.values()) > left:
        within(totals, left, amounts, "the pools of line", line.id)
    else:
        hold(totals == amounts, "the pools of line", line.id, "are", totals, "instead of", amounts)
    for pool in line.product.pools:
        _check_pool(pool, by_pool[pool.mechanism], totals[pool.mechanism], day)


def _of_pool(shares: Mapping[Share, int], mechanism: str) -> dict[Share, int]:
    return {share: fen for share, fen in shares.items() if share.mechanism == mechanism and not share.contribution}


def _check_pool(pool: PoolTerms, parts: Mapping[Share, int], total: int, day: date) -> None:
    weights = {
        Share(*each.payee, pool.mechanism, None, each.assisted_on(day)): each.weight
        for each in pool.weights
        if day < each.departs
    }
    if sum(weights.values()):
        within(parts, total, weights, "the shares of pool", pool.mechanism)
    else:
        hold(all(share.kind == "suspense" for share in parts), "a pool of nobody went to", parts)


def check_fall(
    line: Line,
    shares: Mapping[Share, int],
    tops: Mapping[Share, int],
    moved: tuple[dict[Share, int], dict[Share, int]],
    fen: int,
) -> None:
    """Hold that a return takes from each what stands of it in proportion, gives nobody, and ends at nothing."""
    taken = {share: -change for share, change in moved[0].items()}
    before = {share: fen + taken.get(share, 0) for share, fen in shares.items()}
    within(taken, fen, before, "what a return takes off line", line.id)
    tops_taken = {share: -change for share, change in moved[1].items()}
    tops_before = {share: fen + tops_taken.get(share, 0) for share, fen in tops.items()}
    topped, whole = sum(tops_before.values()), sum(before.values())
    quota = Fraction(topped * fen, whole) if whole else Fraction(topped)
    hold(floor(quota) <= sum(tops_taken.values()) <= ceil(quota), "top-ups of line", line.id, "fall otherwise")
    within(tops_taken, sum(tops_taken.values()), tops_before, "the top-ups that a return takes off line", line.id)
    if line.left == 0:
        hold(
            not any(shares.values()) and not any(tops.values()), "line", line.id, "came back whole but brings something"
        )


def check_cut(
    line: Line, shares: Mapping[Share, int], moved: tuple[dict[Share, int], dict[Share, int]], fen: int
) -> None:
    """Hold that a price cut takes from each what stands of it in proportion, and what was promised is topped up."""
    taken = {share: -change for share, change in moved[0].items()}
    before = {share: fen + taken.get(share, 0) for share, fen in shares.items()}
    within(taken, fen, before, "what a price cut takes off line", line.id)
    promised = {share: part for share, part in taken.items() if share.contribution and part}
    topped = {share: change for share, change in moved[1].items() if change}
    hold(topped == promised, "line", line.id, "is topped up by", topped, "for", promised)


def check_annulled(line: Line, stands: _Parts, moved: _Parts, contribution: str) -> None:
    """Hold that what stood of it falls whole, that the supplier keeps it, and that nobody else's part moves."""
    left = [fen for part in stands for share, fen in part.items() if share.contribution == contribution]
    hold(not any(left), "of what was annulled", left, "stands on line", line.id)
    others = {share for part in moved for share, fen in part.items() if fen and share.contribution != contribution}
    hold(all(share.kind == "retained" for share in others), "an annulment moved on line", line.id, others)


def _check_recognised(line: Line, accrued: int, paid: int) -> None:
    """Hold that what is recognised (or beyond) of a line is what was paid for it without tax, and whole at last."""
    recognised = line.net(line.due) - accrued
    exact = Fraction(paid * 10_000, 10_000 + line.product.tax_bp)
    hold(recognised <= exact + HALF, "line", line.id, "is recognised", recognised, "but paid", paid)
    if paid >= line.due:
        hold(not accrued, "line", line.id, "is paid up but has still accrued", accrued)


def _check_contributions(model: Model, cells: Mapping[Cell, int], carries: Mapping[str, int]) -> None:
    """Hold each contribution's releases against the drawn part of its lot; what rounding withholds is carried."""
    posted: dict[str, int] = defaultdict(int)
    for cell, fen in cells.items():
        if cell.share.contribution:
            posted[cell.share.contribution] += fen
    for contribution, (lot, fen) in model.owed_by_lot.items():
        if contribution in model.annulled:
            hold(not posted[contribution], "contribution", contribution, "was annulled and has", posted[contribution])
            continue
        whole, drawn = lot.terms.quantity_milli, lot.places["accepted"]
        found, due = posted[contribution], floor(Fraction(fen * drawn, whole))
        carry = carries.get(contribution, 0)
        hold(0 <= found <= fen, "contribution", contribution, "of", fen, "has released", found)
        hold(found + carry == due, "contribution", contribution, "has released", found, "carries", carry, "of", due)
        if drawn == whole:
            hold(found == fen, "a lot sold out has released", found, "of contribution", contribution, "of", fen)


def _check_payments(model: Model, book: Book, changes: Changes) -> None:
    """Hold that a payment is somewhere to the fen: settled, topped up or ahead; and confirmed as a whole."""
    for payment_id in changes.payments:
        hold(payment_id in model.payments, "money moved under the unknown payment", payment_id)
    for payment in model.payments.values():
        places = {step: book.paid[payment.id, step] for step in RECEIVED}
        hold(sum(places.values()) == payment.fen, "payment", payment.id, "of", payment.fen, "is", places)
        hold(min(places.values()) >= 0, "payment", payment.id, "is negative somewhere:", places)
        other = places["disbursed" if payment.confirmed else "confirmed"]
        hold(other == 0, "payment", payment.id, "confirmed:", payment.confirmed, "has", places)


def _check_received(model: Model, book: Book) -> None:
    received: dict[tuple[str, Payee], int] = defaultdict(int)
    for account, fen in book.accounts.items():
        if account.step in RECEIVED:
            received[account.supplier, account.payee] += fen
    wanted = {(model.world.suppliers[supplier].id, payee): fen for (supplier, payee), fen in model.received().items()}
    found = {key: fen for key, fen in received.items() if fen}
    hold(found == wanted, "payees have received", found, "instead of", wanted)


def _check_days(place: Place, days: Mapping[date, int]) -> None:
    """Hold that a place was never below zero, on any day: nothing left it before it came in."""
    standing = 0
    for day in sorted(days):
        standing += days[day]
        hold(standing >= 0, "a place is negative on", day, place, standing)


def _check_matched(model: Model, book: Book, changes: Changes) -> None:
    """Hold that nobody whom a step touched is owed what is paid ahead; a top-up waits for what orders will claim."""
    touched = {place.payee if isinstance(place, Ahead) else place.share.payee for place, _ in changes.places}
    standing: dict[tuple[str, Payee, str], list[tuple[str | None, int]]] = defaultdict(list)
    for cell, fen in book.cells.items():
        if fen and cell.share.payee in touched:
            supplier = model.world.suppliers[model.lines[cell.line].order.supplier].id
            standing[supplier, cell.share.payee, cell.step].append((cell.share.contribution, fen))
    for ahead, fen in book.ahead.items():
        if fen and ahead.payee in touched:
            recognised, accrued, top_up = (
                sum(
                    part
                    for made_for, part in standing[ahead.supplier, ahead.payee, step]
                    if ahead.contribution in (None, made_for)
                )
                for step in ("recognised", "accrued", "top_up")
            )
            hold(not recognised, ahead, "of", fen, "is unclaimed beside", recognised, "recognised")
            hold(not top_up or fen <= accrued, ahead, "of", fen, "is unclaimed beside a top-up of", top_up)


def check_settled(before: tuple[int, int], after: tuple[int, int], paid: int, *, payee: Payee) -> None:
    """Hold that a payment first settles what is owed (owed, ahead), and that only the rest is paid ahead."""
    settled = min(paid, before[0])
    wanted = (before[0] - settled, before[1] + paid - settled)
    hold(after == wanted, "payee", payee, "was owed and ahead", before, "was paid", paid, "and is now", after)
