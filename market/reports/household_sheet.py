"""A household's account as a workbook: in yuan, in fen, its items and its corrections, and what each figure counts."""

from collections.abc import Mapping, Sequence
from io import BytesIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from market.attribution.statements import HouseholdStatement
from market.clock import CHINA_STANDARD_TIME, business_date
from market.reports.household_account import Figures, HouseholdAccount, WindowAccount
from market.reports.household_page import MEANS, REVERSED, TREATMENTS, increase, standing
from market.words import ITEM_KINDS

YUAN_SHEET, FEN_SHEET, SUPPLIERS_SHEET, PAYMENTS_SHEET, ITEMS_SHEET, CORRECTIONS_SHEET, NOTES_SHEET = SHEETS = (
    "收入(元)",
    "收入(分)",
    "供应商(分)",
    "收款确认(分)",
    "其他收支(分)",
    "更正(分)",
    "说明",
)
FIGURES: Sequence[tuple[str, str, str]] = (
    ("received_fen", "供应商付来", "实际收到 = 订单带来:已到账 + 补差:已付 + 预付:净增"),
    ("top_up_paid_fen", "补差:已付", "供应商在订单所得之外补足的钱:是农户收入,不是订单带来"),
    ("ahead_fen", "预付:净增", "期间预付的钱,减去期间被订单核销的预付;不是余额"),
    ("other_fen", "其他收入", "政策转移、务工、光伏、保险补偿等计入收入的项目"),
    ("other_checked_fen", "其中经县核对", "其他收入中,由登记人以外的第二人核对过的部分"),
    ("gross_fen", "毛收入", "供应商付来 + 其他收入"),
    ("operating_expense_fen", "生产经营支出", "从毛收入中减去"),
    ("net_fen", "纯收入", "毛收入 - 生产经营支出"),
    ("per_head", "人均纯收入", "纯收入 / 该期间最后一日的在册人口,不足一分舍去"),
    ("self_paid_fen", "合规自付支出", "只在监测时扣除"),
    ("excluded_fen", "不计入的款项", "一次性慰问与专项补助,只登记"),
    ("accrued_fen", "订单带来:应计", "验收时归集,扣除冲回"),
    ("recognised_fen", "订单带来:确认", "货款已到供应商"),
    ("brought_by_orders_fen", "订单带来:已到账", "已被订单核销的实收,不含补差"),
)

REASONS: Mapping[str, str] = {
    "accrual": "验收归集",
    "recognition": "货款确认",
    "unrecognition": "货款退回",
    "return": "退货",
    "price_cut": "折让",
    "distribution": "按期分配",
    "second_distribution": "二次分配",
    "annulment": "撤销",
    "matching": "预付核销",
    "disbursement": "兑付",
    "confirmation": "农户确认",
    "payment_reversal": "兑付冲销",
}
"""Why an entry was posted; an item of the account has a reason of its own."""


def household_workbook(account: HouseholdAccount, orders: HouseholdStatement) -> bytes:
    """Return the account as the bytes of an .xlsx file; `orders` is the statement of its year."""
    buffer = BytesIO()
    with Workbook(buffer) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        yuan, count = (book.add_format({"num_format": form}) for form in ("#,##0.00", "#,##0"))
        _figures(book.add_worksheet(YUAN_SHEET), account, bold, yuan, units=100)
        _figures(book.add_worksheet(FEN_SHEET), account, bold, count, units=1)
        _suppliers(book.add_worksheet(SUPPLIERS_SHEET), account, orders, bold, count)
        _payments(book.add_worksheet(PAYMENTS_SHEET), orders, bold, count)
        _items(book.add_worksheet(ITEMS_SHEET), account, bold, count)
        _corrections(book.add_worksheet(CORRECTIONS_SHEET), account, bold, count)
        _notes(book.add_worksheet(NOTES_SHEET), account, bold)
    return buffer.getvalue()


def _columns(account: HouseholdAccount) -> list[tuple[str, Figures | None]]:
    """Name what stands side by side: both windows, as now known and as closed."""
    windows = [(f"{account.year.window.begin.year}年", account.year), ("近十二个月", account.rolling)]
    return [
        (f"{name}{how}", figures)
        for name, found in windows
        for how, figures in ((",现在", found.known), (",结账时", found.closed))
    ]


def _figures(sheet: Worksheet, account: HouseholdAccount, bold: Format, form: Format, *, units: int) -> None:
    columns = _columns(account)
    _head(sheet, ["", *(name for name, _ in columns)], bold, first=24)
    for number, (name, title, _) in enumerate(FIGURES, 1):
        sheet.write_string(number, 0, title)
        for place, (_, figures) in enumerate(columns, 1):
            if figures is not None:
                fen = figures.net_per_head.fen if name == "per_head" else getattr(figures, name)
                sheet.write_number(number, place, fen / units if units > 1 else fen, form)


def _suppliers(
    sheet: Worksheet, account: HouseholdAccount, orders: HouseholdStatement, bold: Format, form: Format
) -> None:
    year, end = f"{account.year.window.begin.year}年", f"截至 {account.year.window.end}"
    of_orders = ["此前尚欠", f"{year}应得", f"{year}货款已到", f"{year}已到账", f"预付余额,{end}", f"尚欠,{end}"]
    of_top_ups = ["此前尚欠补差", f"{year}应补差", f"{year}已补差", f"尚欠补差,{end}"]
    _head(sheet, ["供应商", *of_orders, *of_top_ups], bold, first=30)
    for number, (_, name, own) in enumerate(orders.suppliers, 1):
        by_orders, (before_fen, due_fen, _, paid_fen, _, owed_fen) = standing(own)
        sheet.write_string(number, 0, name)
        for place, fen in enumerate((*by_orders, before_fen, due_fen, paid_fen, owed_fen), 1):
            sheet.write_number(number, place, fen, form)


def _payments(sheet: Worksheet, orders: HouseholdStatement, bold: Format, form: Format) -> None:
    _head(sheet, ["供应商", "付款日期", "凭证号", "金额", "确认方式", "确认日期", "入账日期"], bold, first=30)
    for number, each in enumerate(orders.payments, 1):
        said = REVERSED if each.reverses_id else MEANS[each.means]
        confirmed_on = str(business_date(each.confirmed_at)) if each.confirmed_at else ""
        texts = {0: each.supplier_name, 1: str(each.paid_on), 2: each.reference, 4: said, 5: confirmed_on}
        for place, text in (texts | {6: str(each.booked_on)}).items():
            sheet.write_string(number, place, text)
        sheet.write_number(number, 3, each.amount_fen, form)


def _items(sheet: Worksheet, account: HouseholdAccount, bold: Format, form: Format) -> None:
    _head(sheet, ["项目", "处理", "本年", "近十二个月"], bold, first=24)
    windows = [{each.kind: each for each in found.known.items} for found in (account.year, account.rolling)]
    kinds = sorted({kind for window in windows for kind in window})
    for number, kind in enumerate(kinds, 1):
        some = next(window[kind] for window in windows if kind in window)
        sheet.write_string(number, 0, some.name)
        sheet.write_string(number, 1, TREATMENTS[some.treatment])
        for place, window in enumerate(windows, 2):
            sheet.write_number(number, place, window[kind].fen if kind in window else 0, form)


def _corrections(sheet: Worksheet, account: HouseholdAccount, bold: Format, form: Format) -> None:
    titles = [
        "期间",
        "发生日期",
        "入账日期",
        "登记时间",
        "事由",
        "收支类别",
        "实收",
        "应计",
        "已到账",
        "收支金额",
        "在册人口",
    ]
    _head(sheet, titles, bold, first=26)
    number = 0
    for found in (account.year, account.rolling):
        for each in found.corrections:
            number += 1
            kind = ITEM_KINDS[each.item_kind][1] if each.item_kind else ""
            recorded = each.recorded_at.astimezone(CHINA_STANDARD_TIME).strftime("%Y-%m-%d %H:%M")
            reason = REASONS.get(each.reason, each.reason)
            texts = (_span(found), each.happened_on, each.booked_on or "", recorded, reason, kind)
            for place, text in enumerate(texts):
                sheet.write_string(number, place, str(text))
            for place, fen in enumerate(
                (each.received_fen, each.accrued_fen, each.brought_fen, each.item_fen), len(texts)
            ):
                sheet.write_number(number, place, fen, form)
            if each.heads is not None:
                sheet.write_number(number, len(titles) - 1, each.heads, form)


def _span(found: WindowAccount) -> str:
    return f"{found.window.begin} 至 {found.window.end}"


def _notes(sheet: Worksheet, account: HouseholdAccount, bold: Format) -> None:
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 70)
    facts = [
        ("户编号", account.household_code),
        ("在册人口", str(account.heads)),
        ("截至", str(account.on)),
        ("本年", _span(account.year)),
        ("近十二个月", _span(account.rolling)),
        ("本年增收", increase(account.year, str)),
        *((title, meaning) for _, title, meaning in FIGURES),
    ]
    for number, (name, value) in enumerate(facts):
        sheet.write_string(number, 0, name, bold)
        sheet.write_string(number, 1, value)


def _head(sheet: Worksheet, titles: Sequence[str], bold: Format, *, first: int) -> None:
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, 0, first)
    sheet.set_column(1, len(titles), 16)
    for place, title in enumerate(titles):
        sheet.write_string(0, place, title, bold)
