"""The bank's word on a list: what it paid posts, what it could not pay stays owed, and a file told twice posts once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import checking, disbursing, pay_lists
from market.attribution.bank_file import ResultRow
from market.attribution.models import BankResult, PayList, PayListLine
from market.attribution.paying import BankResultError, Fault, LineStatus, ListEvent, ListStatus, Method
from market.clock import business_date
from market.errors import FourEyesError, TransitionError
from market.households.models import Household
from market.identity.models import Organisation
from market.identity.rules import Actor


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file brought: lines paid, failed, and said before; lines of the list that no file has answered yet."""

    pay_list_id: UUID
    file_sha256: str
    paid: int
    paid_fen: int
    failed: int
    failed_fen: int
    said_before: int
    unanswered: int
    disbursement_ids: Sequence[UUID]
    duplicate: bool


def take_over(
    session: orm.Session,
    actor: Actor,
    *,
    pay_list_id: UUID,
    content: bytes,
    rows: Sequence[ResultRow],
    faults: Sequence[Fault],
    now: datetime,
    dry_run: bool = False,
) -> Taken:
    """Take a bank's result over, whole or not at all: a disbursement for each day on which it paid.

    The one who wrote the list does not also say what the bank did with it. Raises `NotFoundError`, `FourEyesError`,
    `TransitionError`, `BankResultError` with every fault of every row, or `InvalidInputError` for a day on which nobody
    could be paid yet. With `dry_run` it says what would happen and writes nothing.
    """
    pay_list = pay_lists.find(session, actor, pay_list_id, lock=True)
    if actor.member_id == pay_list.made_by:
        raise FourEyesError(rule="bank_result")
    if pay_list.method != Method.BANK_TRANSFER or pay_list.status == ListStatus.WITHDRAWN:
        raise TransitionError(machine="pay_list", status=pay_list.status, event=ListEvent.ANSWER)
    digest = sha256(content).hexdigest()
    before = session.get(BankResult, (pay_list.id, digest))
    if before is not None:
        return Taken(**before.answer | {"duplicate": True})
    lines = pay_lists.lines_of(session, pay_list)
    news, said_before = _compare(session, lines, rows, faults, today=business_date(now))
    unanswered = sum(line.status == LineStatus.OPEN for line in lines) - len(news)
    paid = [line for row, line in news if row.paid]
    ids: list[UUID] = []
    for day, own in sorted(_by_day(news).items()):
        checking.check_day(session, pay_list.supplier_id, day)
        if not dry_run:
            disbursement, payments, _ = disbursing.record(session, _batch(pay_list, day, own, now))
            pay_lists.mark_paid(own, payments)
            ids.append(disbursement.id)
    failed = [line for row, line in news if not row.paid]
    taken = Taken(
        pay_list_id=pay_list.id,
        file_sha256=digest,
        paid=len(paid),
        paid_fen=sum(line.amount_fen for line in paid),
        failed=len(failed),
        failed_fen=sum(line.amount_fen for line in failed),
        said_before=said_before,
        unanswered=unanswered,
        disbursement_ids=ids,
        duplicate=False,
    )
    if not dry_run:
        _keep(session, actor, pay_list, news, taken=taken, now=now)
    return taken


def _compare(
    session: orm.Session, lines: Sequence[PayListLine], rows: Sequence[ResultRow], faults: Sequence[Fault], today: date
) -> tuple[list[tuple[ResultRow, PayListLine]], int]:
    """Return what rows say of lines for the first time, and how many say again what was said.

    Raises `BankResultError` for rows that no line of the list asks for, or that contradict it.
    """
    found = list(faults)
    by_key = {line.reference_key: line for line in lines}
    codes = _codes(session, lines)
    seen: dict[str, int] = {}
    news: list[tuple[ResultRow, PayListLine]] = []
    for row in rows:
        line = by_key.get(row.key)
        if line is None:
            found.append(Fault(row.number, "reference", "is not of this list", "不在本清单中"))
            continue
        wrong = _contradictions(row, line, codes, seen.get(row.key), today)
        found.extend(wrong)
        seen.setdefault(row.key, row.number)
        if not wrong and line.status == LineStatus.OPEN:
            news.append((row, line))
    if found:
        raise BankResultError(sorted(found))
    return news, len(rows) - len(news)


def _contradictions(
    row: ResultRow, line: PayListLine, codes: Mapping[UUID, set[str]], before: int | None, today: date
) -> list[Fault]:
    """Return in what a row contradicts the line that it answers."""
    faults = []
    if before is not None:
        said = f"the reference stands in row {before} already", f"该凭证号已见于第 {before} 行"
        faults.append(Fault(row.number, "reference", *said))
    if row.amount_fen != line.amount_fen:
        said = f"{row.amount_fen} fen, the list says {line.amount_fen}", f"与清单金额不符(清单为 {line.amount_fen} 分)"
        faults.append(Fault(row.number, "amount", *said))
    payee_id = line.household_id or line.collective_id
    if row.payee_code is not None and payee_id is not None and row.payee_code not in codes[payee_id]:
        faults.append(Fault(row.number, "payee_code", "another payee than the list says", "收款方与清单不符"))
    if row.day is not None and row.day > today:
        faults.append(Fault(row.number, "date", "the day is still to come", "日期晚于今天"))
    status = LineStatus.PAID if row.paid else LineStatus.FAILED
    if line.status not in (LineStatus.OPEN, status):
        said = f"the bank said before that it is {line.status}", "与此前回盘结果矛盾"
        faults.append(Fault(row.number, "result", *said))
    return faults


def _codes(session: orm.Session, lines: Sequence[PayListLine]) -> dict[UUID, set[str]]:
    """Return by what the bank may call each payee: a household's code, an organisation's credit code or name."""
    households = sa.select(Household.id, Household.code).where(
        Household.id.in_({line.household_id for line in lines} - {None})
    )
    organisations = sa.select(Organisation.id, Organisation.name, Organisation.credit_code).where(
        Organisation.id.in_({line.collective_id for line in lines} - {None})
    )
    return {
        row[0]: {code for code in row[1:] if code}
        for row in (*session.execute(households), *session.execute(organisations))
    }


def _by_day(news: Sequence[tuple[ResultRow, PayListLine]]) -> dict[date, list[PayListLine]]:
    by_day: dict[date, list[PayListLine]] = defaultdict(list)
    for row, line in news:
        if row.paid and row.day is not None:
            by_day[row.day].append(line)
    return by_day


def _batch(pay_list: PayList, day: date, own: Sequence[PayListLine], now: datetime) -> disbursing.Batch:
    return disbursing.Batch(
        supplier_id=pay_list.supplier_id,
        made_by=pay_list.made_by,
        made_at=now,
        paid_on=day,
        method=Method.BANK_TRANSFER,
        evidence=pay_list.evidence,
        payments=[pay_lists.order_of(line) for line in own],
    )


def _keep(
    session: orm.Session,
    actor: Actor,
    pay_list: PayList,
    news: Sequence[tuple[ResultRow, PayListLine]],
    *,
    taken: Taken,
    now: datetime,
) -> None:
    """Mark what failed and whether the list is settled, and keep what the file brought under its hash."""
    for row, line in news:
        if not row.paid:
            line.status, line.reason = LineStatus.FAILED.value, row.reason and row.reason.value
    if not taken.unanswered:
        pay_lists.move(pay_list, ListEvent.ANSWER)
    answer = {
        name: [str(each) for each in value]
        if isinstance(value, list)
        else value
        if isinstance(value, int)
        else str(value)
        for name, value in asdict(taken).items()
    }
    session.add(
        BankResult(
            pay_list_id=pay_list.id,
            file_sha256=taken.file_sha256,
            answer=answer,
            imported_by=actor.member_id,
            imported_at=now,
        )
    )
    session.flush()
