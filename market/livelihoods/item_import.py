"""Importing account items from a spreadsheet: every row is checked, and a file is taken whole or not at all."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import orm

from market.banks.rules import day_of
from market.clock import YEARS
from market.errors import InvalidInputError, MarketError, NotFoundError
from market.households.models import Household
from market.households.queries import visible_households
from market.identifiers import holds_personal_number
from market.identity.rules import Actor
from market.livelihoods import queries, service
from market.livelihoods.rules import (
    ITEMS,
    KIND_OF_NAME,
    ItemKind,
    RowsAtFaultError,
    Supplier,
    Treatment,
    check_source,
)
from market.livelihoods.service import Item
from market.livelihoods.sheets import Row, rows_of
from market.money import MOST_OF_A_HOUSEHOLD_FEN

CODE, KIND, YUAN, DAY, SOURCE, EVIDENCE = COLUMNS = ("户编号", "类别", "金额(元)", "日期", "来源", "凭证")
MOST_ROWS = 10_000
MOST_CHARACTERS = 200
_YUAN = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:\.([0-9]{1,2})0*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line of the file."""

    line: int
    column: str
    error: MarketError


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file holds, and what of it is at fault; amounts in fen by what they do to the figures."""

    rows: int
    amounts: Mapping[Treatment, int]
    faults: Sequence[Fault]


def import_items(
    session: orm.Session,
    actor: Actor,
    *,
    file_name: str,
    content: bytes,
    today: date,
    now: datetime,
    dry_run: bool,
) -> Imported:
    """Read a file and put its items on record, all of them; a dry run only says what it holds and what is at fault.

    Raises `InvalidInputError` for what is no such file, or `RowsAtFaultError` unless it is a dry run.
    """
    rows = rows_of(file_name, content, columns=COLUMNS, most=MOST_ROWS)
    households = _households(session, actor, rows, lock=not dry_run)
    suppliers = queries.suppliers(session)
    known = service.standing(session, [household.id for household in households.values()])
    items: list[tuple[UUID, Item]] = []
    faults: list[Fault] = []
    for row in rows:
        try:
            household_id, item = _read(row, households, suppliers, today)
            own = known.setdefault(household_id, {})
            service.check_new(item, own, pointer=EVIDENCE)
        except MarketError as error:
            faults.append(Fault(row.line, error.pointer or "", error))
            continue
        own[item.key] = item.amount_fen
        items.append((household_id, item))
    if faults and not dry_run:
        first = faults[0]
        raise RowsAtFaultError(
            faults=len(faults),
            rows=len(rows),
            line=first.line,
            reason=first.error.detail("en"),
            reason_zh=first.error.detail("zh"),
            pointer="/content",
        )
    if not dry_run:
        service.add(session, actor, items, now=now)
    amounts = dict.fromkeys(Treatment, 0)
    for _, item in items:
        amounts[ITEMS[item.kind].treatment] += item.amount_fen
    return Imported(len(rows), amounts, faults)


def _households(session: orm.Session, actor: Actor, rows: Sequence[Row], *, lock: bool) -> dict[str, Household]:
    """Return the households that the file names and the actor may write of, by code, locked in order of id."""
    codes = {row.cells[CODE] for row in rows}
    named = visible_households(actor).where(Household.code.in_(codes)).order_by(Household.id)
    found = session.scalars(named.with_for_update() if lock else named)
    return {household.code: household for household in found}


def _read(
    row: Row, households: Mapping[str, Household], suppliers: Sequence[Supplier], today: date
) -> tuple[UUID, Item]:
    """Return the item of a row; raises what is wrong with it, pointed at its column."""
    household = households.get(row.cells[CODE])
    if household is None:
        raise NotFoundError(what="household", pointer=CODE)
    kind = KIND_OF_NAME.get(row.cells[KIND])
    if kind is None and row.cells[KIND] in set(ItemKind):
        kind = ItemKind(row.cells[KIND])
    if kind is None:
        raise InvalidInputError("there is no such kind of item", "没有该收支类别", pointer=KIND)
    item = Item(kind, fen_of(row.cells[YUAN]), _day(row.cells[DAY]), _text(row, SOURCE), _text(row, EVIDENCE))
    try:
        service.check_item(household, item, today=today)
    except MarketError as error:
        error.pointer = DAY
        raise
    try:
        check_source(item.kind, item.source, suppliers)
    except MarketError as error:
        error.pointer = SOURCE
        raise
    return household.id, item


def fen_of(yuan: str) -> int:
    """Return the fen of an amount written in yuan, exactly; raises `InvalidInputError` for anything else."""
    match = _YUAN.fullmatch(yuan.replace(",", ","))
    if match is not None:
        fen = int(match[1].replace(",", "")) * 100 + int((match[2] or "").ljust(2, "0"))
        if 0 < fen <= MOST_OF_A_HOUSEHOLD_FEN:
            return fen
    raise InvalidInputError("not an amount in yuan and fen above zero", "须为大于零、至多两位小数的金额", pointer=YUAN)


def _day(text: str) -> date:
    day = day_of(text)
    if day is None or day.year not in YEARS:
        raise InvalidInputError("not a day written as YYYY-MM-DD", "日期须写作 YYYY-MM-DD", pointer=DAY)
    return day


def _text(row: Row, column: str) -> str:
    text = row.cells[column]
    if not text or len(text) > MOST_CHARACTERS or not text.isprintable():
        reason = f"1 to {MOST_CHARACTERS} printable characters"
        raise InvalidInputError(reason, f"须为 1 至 {MOST_CHARACTERS} 个可打印字符", pointer=column)
    if holds_personal_number(text):
        raise InvalidInputError("holds a number of a person", "含有个人证件、手机或银行卡号码", pointer=column)
    return text
