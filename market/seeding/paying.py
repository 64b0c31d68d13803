"""Money as events: receipts of buyers, what households are paid or listed for, their villages' confirmation."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.attribution import confirming, disbursing, pay_lists
from market.attribution import queries as attribution
from market.attribution.paying import Method
from market.attribution.rules import Kind, PaymentOrder
from market.clock import business_date
from market.identity.rules import Permission, Role
from market.payments import service as payments
from market.payments.rules import OrderPart
from market.seeding.known import Known
from market.seeding.reading import Row, Sample, day, fen
from market.seeding.timeline import Event, Turn

_PERCENT = 100


class NothingOwedError(LookupError):
    """The files tell of a payment on a day on which its payer owed nobody anything."""


class _Payee(NamedTuple):
    kind: Kind
    id: UUID


def events(sample: Sample, known: Known) -> Iterator[Event]:
    """Return the receipts, the disbursements with their confirmations, and the lists that wait for the bank."""
    transfers: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sample.receipts:
        transfers[row["supplier"], row["bank_reference"]].append(row)
    for rows in transfers.values():
        name = f"receipt {rows[0]['bank_reference']}"
        yield Event(day(rows[0]["received_on"]), Turn.RECEIPT, name, partial(_receive, known, rows))
    for row in sample.disbursements:
        name = f"disbursement {row['disbursement']}"
        yield Event(day(row["paid_on"]), Turn.DISBURSED, name, partial(_disburse, sample, known, row))
        if row["confirmed_on"]:
            yield Event(day(row["confirmed_on"]), Turn.RECEIVED, name, partial(_confirm, known, row))
    for row in sample.pay_lists:
        listed = partial(_list, sample, known, row)
        yield Event(day(row["prepared_on"]), Turn.LISTED, f"pay list {row['pay_list']}", listed)


def _receive(known: Known, rows: Sequence[Row], session: orm.Session, now: datetime) -> None:
    first = rows[0]
    parts = [OrderPart(known.orders[row["order"]], fen(row["amount_yuan"])) for row in rows]
    payments.record(
        session,
        known.actor(f"{first['supplier']}.clerk", Permission.RECEIPT_WRITE),
        bank_reference=first["bank_reference"],
        payer_name=first["payer_name"],
        amount_fen=sum(part.amount_fen for part in parts),
        received_on=business_date(now),
        parts=parts,
        now=now,
    )


def _disburse(sample: Sample, known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    in_advance = row["pays"] == "advance"
    due = _of_contributions(known, row) if in_advance else _of_what_is_owed(session, sample, known, row)
    orders = [
        PaymentOrder(payee.kind, payee.id, amount_fen, _reference(sample, row, number), contribution_id)
        for number, (payee, amount_fen, contribution_id) in enumerate(due, start=1)
    ]
    if not orders:
        raise NothingOwedError(row["disbursement"])
    _, paid, _ = disbursing.disburse(
        session,
        known.actor(f"{row['supplier']}.clerk", Permission.DISBURSEMENT_WRITE),
        paid_on=business_date(now),
        method=row["method"],
        evidence=row["evidence"],
        payments=orders,
        now=now,
    )
    made = [(each.id, order.payee_id) for each, order in zip(paid, orders, strict=True)]
    known.payments[row["disbursement"]] = made


def _reference(sample: Sample, row: Row, number: int) -> str:
    """Return the line in the bank's list; of a purchase invoice a number of 20 digits, invented like all of it."""
    if row["method"] != Method.PURCHASE_INVOICE:
        return f"{row['disbursement']}-{number:03d}"
    return f"{row['paid_on'][2:4]}14{sample.disbursements.index(row):08d}{number:08d}"


def _of_contributions(known: Known, row: Row) -> list[tuple[_Payee, int, UUID | None]]:
    """Return the percentage of each contribution to the lot, paid before anything of it is sold."""
    return [
        (_Payee(Kind.HOUSEHOLD, household_id), amount_fen * int(row["percent"]) // _PERCENT, contribution_id)
        for contribution_id, household_id, amount_fen in known.contributions[row["lot"]]
    ]


def _of_what_is_owed(
    session: orm.Session, sample: Sample, known: Known, row: Row
) -> list[tuple[_Payee, int, UUID | None]]:
    """Return the percentage of what the supplier owes each payee on that day, in the order of the files."""
    payees = _payees(sample, known, row["supplier"])
    owed: dict[_Payee, int] = defaultdict(int)
    supplier_id = known.organisations[row["supplier"]].id
    for item in attribution.owed(session, supplier_id, [payee.id for payee in payees]):
        owed[_Payee(item.share.kind, item.share.owner_id)] += item.fen
    due = [(payee, owed[payee] * int(row["percent"]) // _PERCENT) for payee in payees]
    return [(payee, amount_fen, None) for payee, amount_fen in due if amount_fen]


def _payees(sample: Sample, known: Known, supplier: str) -> list[_Payee]:
    """Return the households that take part with a supplier, and the collectives that its plans and registers name."""
    plans = {row["plan"] for row in sample.plans if row["supplier"] == supplier}
    households = [known.households[row["household"]] for row in sample.enrolments if row["supplier"] == supplier]
    registers = {row["register"] for row in sample.registers if row["keeper"] == supplier}
    named = dict.fromkeys(
        [row["payee"] for row in sample.plan_shares if row["plan"] in plans]
        + [row["collective"] for row in sample.entitlements if row["register"] in registers]
    )
    collectives = [known.organisations[name].id for name in named if name in known.organisations]
    return [_Payee(Kind.HOUSEHOLD, each) for each in households] + [
        _Payee(Kind.COLLECTIVE, each) for each in collectives
    ]


def _list(sample: Sample, known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    """Prepare what the bank is to pay; what each is owed stays owed until it has."""
    due = _of_what_is_owed(session, sample, known, row)
    pay_lists.prepare(
        session,
        known.actor(f"{row['supplier']}.clerk", Permission.DISBURSEMENT_WRITE),
        method=Method(row["method"]),
        paid_on=None,
        evidence=row["evidence"],
        payments=[
            PaymentOrder(payee.kind, payee.id, amount_fen, f"{row['pay_list']}-{number:03d}", contribution_id)
            for number, (payee, amount_fen, contribution_id) in enumerate(due, start=1)
        ],
        now=now,
    )


def _confirm(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    """Let the clerk of each village confirm the payments to its households and its collective."""
    villages: dict[str, list[UUID]] = defaultdict(list)
    for payment_id, payee_id in known.payments[row["disbursement"]]:
        villages[known.village_of[payee_id]].append(payment_id)
    for village_code, payment_ids in villages.items():
        clerk = known.officer(Role.VILLAGE_CLERK, village_code, Permission.DISBURSEMENT_CONFIRM)
        confirming.confirm(session, clerk, payment_ids=payment_ids, on=business_date(now), now=now)
