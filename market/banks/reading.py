"""Reading a bank statement: CSV, a workbook or camt.053, whole or not at all.

A statement that says more than it lists (its balances, its sums, its number of entries) is held to it. One that an
account was left out of, or lines were, does not hold together where it gives balances; where it gives none, nothing
can show it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from market.banks import camt, profiles
from market.banks.cells import day_in, heading_of, tables_in, text_of
from market.banks.labels import Label, is_closing_row, label_of, labelled
from market.banks.profiles import Field, Places, Profile
from market.banks.rules import (
    Fault,
    LeftOut,
    Statement,
    StatementAccountError,
    StatementFaultsError,
    StatementFileError,
    StatementLine,
    account_key,
    faults_of,
    fen_of,
)
from market.tables import Cell, Table, is_workbook

MOST_LINES = 20_000
MOST_BYTES = 20_000_000
_ROWS_BEFORE_HEADINGS = 30
"""Banks put the account, its holder and sums above the table."""

_OURS = ("", "cny", "rmb", "人民币", "人民币元", "156", "01", "001")
_OUT = ("借", "借方", "支出", "支", "付", "d", "dr", "debit", "dbit")
_IN = ("贷", "贷方", "收入", "收", "c", "cr", "credit", "crdt")
_AMOUNTS = (Label.OPENING, Label.CLOSING, Label.OUT, Label.IN)
_COUNT = re.compile(r"([0-9]+)(?:\.0)?\s*[笔条]?", re.ASCII)
_NOTHING = ("", "-", "--")
_MOST_LETTERS = 1_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NO_TEXT = "holds what no bank writes: a control character, or over 1,000 letters", "含控制字符或超过 1000 字"
_NO_AMOUNT = "is no amount in yuan", "不是有效金额(元)"


def read_statements(content: bytes, *, profile: str | None = None) -> list[Statement]:
    """Return what a file says: of a spreadsheet one statement, of camt.053 one for each that it holds.

    `profile` names the form of a spreadsheet (`profiles.PROFILES`); without, it is known by its headings.

    Raises `StatementFileError` for what is none, `StatementFaultsError` with every fault of every row,
    `StatementAccountError` for a spreadsheet of several accounts.
    """
    if len(content) > MOST_BYTES:
        raise StatementFileError(reason="the file is too large", reason_zh="文件过大")
    statements = camt.read(content) if camt.is_xml(content) else [_spreadsheet(content, profile)]
    if sum(len(statement.lines) for statement in statements) > MOST_LINES:
        raise StatementFileError(reason=f"it has more than {MOST_LINES} lines", reason_zh=f"超过 {MOST_LINES} 行")
    faults = [fault for statement in statements for fault in faults_of(statement)]
    if faults:
        raise StatementFaultsError(faults)
    return statements


def check_account(statements: Sequence[Statement], account_number: str) -> None:
    """Raise `StatementAccountError` for a statement of another account, as far as it says of which."""
    asked = account_key(account_number)
    if asked and any(account_key(statement.account_number or asked) not in ("", asked) for statement in statements):
        raise StatementAccountError


def _spreadsheet(content: bytes, name: str | None) -> Statement:
    wanted = None if name is None else profiles.chosen(name)
    nearest = [profiles.missing(wanted or profiles.PROFILES["generic"], ())]
    found: list[Statement] = []
    for table in tables_in(content):
        for above, cells in enumerate(table[:_ROWS_BEFORE_HEADINGS]):
            profile = wanted or profiles.recognised(cells)
            places = profile and profiles.places_of(profile, cells)
            if profile and places:
                found.append(_statement(table, above, profile, places))
                break
            nearest.append(profiles.missing(wanted or profiles.PROFILES["generic"], cells))
        if found and not is_workbook(content):
            break
    if len(found) > 1:
        raise StatementFileError(reason="several sheets are statements", reason_zh="多个工作表均为对账单,请分别导入")
    if not found:
        fewest = min(nearest, key=len)
        lacking = "、".join(fewest)
        raise StatementFileError(
            reason=f"no row is headed by all that it needs; lacking: {lacking}",
            reason_zh=f"未找到完整表头,缺少:{lacking}",
        )
    return found[0]


def _statement(table: Table, above: int, profile: Profile, places: Places) -> Statement:
    """Return what stands under the headings, held against what stands above and below."""
    faults: list[Fault] = []
    lines: list[StatementLine] = []
    left_out: list[LeftOut] = []
    below: list[tuple[int, Sequence[Cell]]] = []
    accounts: set[str] = set()
    headings = [heading_of(cell) for cell in table[above]]
    for number, cells in enumerate(table[above + 1 :], above + 2):
        row = _Row(number, cells, places, faults)
        if not any(text_of(cell) != "" for cell in cells) or [heading_of(cell) for cell in cells] == headings:
            continue
        if row.closes():
            below.append((number, cells))
            continue
        line = _line(row, profile)
        accounts.add(account_key(row.text(Field.OWN_ACCOUNT)))
        if line is not None and line.amount_fen == 0:
            left_out.append(LeftOut(number, "moves no money", "金额为零"))
        elif line is not None:
            lines.append(line)
    stated = _stated(list(enumerate(table[:above], 1)), below, places, faults)
    if faults:
        raise StatementFaultsError(faults)
    accounts |= {account_key(stated.account_number or "")}
    if len(accounts - {""}) > 1:
        raise StatementAccountError
    return replace(
        stated,
        form=profile.name,
        account_number=next(iter(accounts - {""}), None),
        lines=tuple(lines),
        left_out=tuple(left_out),
    )


class _Row:
    """A row under the headings: its cells by field; what cannot be read becomes a fault."""

    def __init__(self, number: int, cells: Sequence[Cell], places: Places, faults: list[Fault]) -> None:
        self.number = number
        self._cells = cells
        self._places = places
        self._faults = faults
        self.day = day_in(self._cell(Field.DAY))

    def _cell(self, field: Field) -> Cell:
        place = self._places.get(field, (len(self._cells),))[0]
        return self._cells[place] if place < len(self._cells) else ""

    def closes(self) -> bool:
        amounts = [self._cell(field) for field in (Field.OUT, Field.IN, Field.AMOUNT)]
        return self.day is None and is_closing_row(self._cells, amounts=amounts)

    def has(self, field: Field) -> bool:
        return field in self._places

    def fault(self, field: Field, en: str, zh: str) -> None:
        self._faults.append(Fault(self.number, field.value, en, zh))

    def text(self, field: Field) -> str:
        texts: list[str] = []
        for place in self._places.get(field, ()):
            text = text_of(self._cells[place]) if place < len(self._cells) else ""
            if text is None:
                self.fault(field, "holds a number that has lost digits; keep it as text", "数值已丢失位数,请以文本保存")
            elif len(text) > _MOST_LETTERS or _CONTROL.search(text):
                self.fault(field, *_NO_TEXT)
            elif text and text not in texts:
                texts.append(text)
        return " ".join(texts)

    def fen(self, field: Field, *, needed: bool = False) -> int | None:
        """Return the fen of a cell; None where nothing stands in it, which may be a fault, and for what is none."""
        text = text_of(self._cell(field))
        if text in _NOTHING and not needed:
            return None
        fen = None if text is None else fen_of(text)
        if fen is None:
            self.fault(field, *_NO_AMOUNT)
        return fen


def _line(row: _Row, profile: Profile) -> StatementLine | None:
    """Return what a row says, or None with its faults."""
    if row.day is None:
        row.fault(Field.DAY, "is no day", "不是有效日期")
    if heading_of(row.text(Field.CURRENCY)) not in _OURS:
        row.fault(Field.CURRENCY, "is another currency than yuan", "币种不是人民币")
    moved = _moved_by_side(row) if profile.needed[-1] is Field.SIDE else _moved(row, profile)
    texts = {field: row.text(field) for field in (Field.REFERENCE, Field.PAYMENT_REFERENCE, Field.REMARK)}
    balance_fen = row.fen(Field.BALANCE) if row.has(Field.BALANCE) else None
    if moved is None or row.day is None:
        return None
    amount_fen, is_reversal = moved
    name, account = _counterparty(row, amount_fen)
    return StatementLine(
        row=row.number,
        booked_on=row.day,
        amount_fen=amount_fen,
        counterparty_name=name,
        counterparty_account=account,
        reference=texts[Field.REFERENCE],
        payment_reference=texts[Field.PAYMENT_REFERENCE],
        remark=texts[Field.REMARK],
        balance_fen=balance_fen,
        is_reversal=is_reversal,
    )


def _counterparty(row: _Row, amount_fen: int) -> tuple[str, str]:
    """Return name and account of the other party: where payer and payee have columns, that of the two."""
    if not row.has(Field.PAYER_NAME):
        return row.text(Field.NAME), row.text(Field.ACCOUNT)
    if amount_fen > 0:
        return row.text(Field.PAYER_NAME), row.text(Field.PAYER_ACCOUNT)
    return row.text(Field.PAYEE_NAME), row.text(Field.PAYEE_ACCOUNT)


def _moved(row: _Row, profile: Profile) -> tuple[int, bool] | None:
    """Return the signed amount, of one column or of two, and whether it is a reversal.

    In columns of their own amounts have no sign. One with a sign is in red ink (红字): it takes a booking back. Some
    exports write what goes out so as well, so that it is read only where balances show which is meant.
    """
    if Field.OUT not in profile.headings:
        fen = row.fen(Field.AMOUNT, needed=True)
        return None if fen is None else (fen, False)
    out_fen = row.fen(Field.OUT)
    sides = {Field.OUT: out_fen, Field.IN: row.fen(Field.IN, needed=out_fen is None)}
    told = {field: fen for field, fen in sides.items() if fen}
    if len(told) > 1:
        row.fault(Field.IN, "is filled on both sides", "借贷双方均有金额")
        return None
    if not told:
        return 0, False
    ((field, fen),) = told.items()
    if fen < 0 and not row.has(Field.BALANCE):
        row.fault(field, "is negative, and no balance shows what is meant", "金额为负且无余额可核对")
    return (fen if field is Field.IN else -fen), fen < 0


def _moved_by_side(row: _Row) -> tuple[int, bool] | None:
    """Return the signed amount of a row that names its side; the amount itself then has no sign."""
    fen, side = row.fen(Field.AMOUNT, needed=True), heading_of(row.text(Field.SIDE))
    if side not in _OUT + _IN:
        row.fault(Field.SIDE, "is neither debit nor credit", "借贷方向无法识别")
        return None
    if fen is None:
        return None
    if fen < 0:
        row.fault(Field.AMOUNT, "has a sign beside its side", "已注明借贷方向,金额不应为负")
    return (fen if side in _IN else -fen), False


Numbered = Sequence[tuple[int, Sequence[Cell]]]


def _stated(above: Numbered, below: Numbered, places: Places, faults: list[Fault]) -> Statement:
    """Return what the rows above and below the table state: the account, balances, sums."""
    stated: dict[Label, str] = {}
    sums = ((number, said) for number, cells in below for said in _sums_under(cells, places))
    beside = ((number, said) for number, cells in (*above, *below) for said in labelled(cells))
    for number, (label, text) in (*beside, *sums):
        if stated.setdefault(label, text) != text:
            faults.append(Fault(number, label.value, "is stated twice, differently", "前后不一致"))
    fens = {label: fen_of(stated[label]) for label in _AMOUNTS if label in stated}
    faults.extend(Fault(0, label.value, *_NO_AMOUNT) for label, fen in fens.items() if fen is None)
    count = _COUNT.fullmatch(stated.get(Label.COUNT, ""))
    return Statement(
        form="",
        account_number=stated.get(Label.ACCOUNT),
        lines=(),
        opening_fen=fens.get(Label.OPENING),
        closing_fen=fens.get(Label.CLOSING),
        out_fen=fens.get(Label.OUT),
        in_fen=fens.get(Label.IN),
        count=int(count[1]) if count else None,
    )


def _sums_under(cells: Sequence[Cell], places: Places) -> Iterator[tuple[Label, str]]:
    """Tell what a row of totals has under the columns of amounts; the sum of a page is not that of all."""
    if not any(label_of(cell) is Label.TOTAL for cell in cells):
        return
    columns: Mapping[Label, Field] = {Label.OUT: Field.OUT, Label.IN: Field.IN}
    for label, field in columns.items():
        for place in places.get(field, ()):
            text = text_of(cells[place]) if place < len(cells) else ""
            if text:
                yield label, text
