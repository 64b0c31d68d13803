"""What goes in and out over HTTP: items, imports, baselines."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import (
    AnyRegionCode,
    Count,
    Day,
    Fen,
    HouseholdFen,
    LongText,
    PageQuery,
    PositiveFen,
    Schema,
    SignedFen,
    Text,
    Wording,
    form,
)
from market.benefits.rules import IncomeClass
from market.households.schemas import VillageCode
from market.livelihoods.rules import BaselineStatus, CheckState, Figure, ItemKind, Treatment
from market.money import MOST_OF_A_HOUSEHOLD_FEN

Id = Annotated[UUID, Field(examples=["0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55"])]
Kind = Annotated[ItemKind, Field(examples=["pension"])]


class RecordItem(Schema):
    """What a household received or spent outside the market; whether it counts follows from the kind."""

    kind: Kind
    amount_fen: HouseholdFen
    occurred_on: Day
    source: Annotated[Wording, Field(examples=["县人社局"])]
    evidence: Annotated[Wording, Field(examples=["养老金发放表 2026-02"])]


class ReverseItem(Schema):
    """Why an item is taken back."""

    reason: Annotated[Wording, Field(examples=["重复登记"])]


class AccountItemOut(Schema):
    """An item of a household's account; a reversal names what it reverses."""

    id: Id
    household_id: Id
    kind: Kind
    name: Annotated[str, Field(examples=["养老金"])]
    treatment: Annotated[Treatment, Field(examples=["counted"])]
    income_class: Annotated[IncomeClass | None, Field(examples=["transfer"])]
    amount_fen: Fen
    occurred_on: Annotated[date, Field(examples=["2026-02-10"])]
    source: Text
    evidence: Text
    reverses: Annotated[UUID | None, Field(examples=[None])]
    reason: Annotated[str | None, Field(examples=[None])]
    recorded_at: Annotated[datetime, Field(examples=["2026-03-02T08:00:00Z"])]
    recorded_by: Id
    state: Annotated[CheckState, Field(examples=["checked"], description="checked once a second person has")]
    checked_by: Annotated[UUID | None, Field(examples=["0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e66"])]
    checked_at: Annotated[datetime | None, Field(examples=["2026-03-09T08:00:00Z"])]


class ItemsQuery(PageQuery):
    """The items of which region and period, by recording; `unchecked` are those that are yet to be checked."""

    region_code: Annotated[AnyRegionCode, Field(examples=["141122106201"], description="the village, or one above it")]
    period_from: Annotated[Day, Field(examples=["2026-01-01"])]
    period_to: Annotated[Day, Field(examples=["2026-12-31"])]
    state: Annotated[CheckState | None, Field(examples=["unchecked"])] = None


class CheckItems(Schema):
    """A village's items of a period, as they were looked at: how many others recorded, and what they come to."""

    village_code: VillageCode
    period_from: Annotated[Day, Field(examples=["2026-01-01"])]
    period_to: Annotated[Day, Field(examples=["2026-12-31"])]
    items: Annotated[int, Field(strict=True, ge=1, le=1_000_000, examples=[37])]
    amount_fen: PositiveFen


class ItemsCheckedOut(Schema):
    """What was checked; items that who checks has recorded are not among them, and stay unchecked."""

    items: Count
    amount_fen: Fen


class ImportItems(Schema):
    """A spreadsheet of items, with the headings 户编号, 类别, 金额(元), 日期, 来源, 凭证."""

    file_name: Annotated[Text, Field(examples=["2026年2月养老金.csv"])]
    content: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1_000_000,
            examples=["5oi357yW5Y+3LOexu+WIqyzph5Hpop0o5YWDKSzml6XmnJ8s5p2l5rqQLOWHreivgQo="],
            description="the file's bytes in base64",
        ),
    ]


class FaultOut(Schema):
    """What is wrong with a line of the file."""

    line: Count
    column: Annotated[str, Field(examples=["金额(元)"])]
    code: Annotated[str, Field(examples=["invalid_input"])]
    en: Annotated[str, Field(examples=["The input is not valid: not an amount in yuan and fen above zero"])]
    zh: Annotated[str, Field(examples=["输入无效:须为大于零、至多两位小数的金额"])]


class ImportOut(Schema):
    """What a file holds; with faults (of a dry run alone) nothing of it would be taken."""

    dry_run: Annotated[bool, Field(examples=[True])]
    rows: Count
    counted_fen: Fen
    excluded_fen: Fen
    expense_fen: Fen
    monitored_expense_fen: Fen
    faults: list[FaultOut]


class ProposeBaseline(Schema):
    """What a figure of the household was in twelve months before, and who says so."""

    figure: Annotated[Figure, Field(examples=["net_per_head"])]
    amount_fen: Annotated[
        int,
        Field(
            strict=True,
            ge=-MOST_OF_A_HOUSEHOLD_FEN,
            le=MOST_OF_A_HOUSEHOLD_FEN,
            examples=[1_140_000],
            description="fen, below zero for a loss",
        ),
    ]
    period_from: Annotated[Day, Field(examples=["2024-01-01"])]
    period_to: Annotated[Day, Field(examples=["2024-12-31"])]
    source: Annotated[Wording, Field(examples=["2024年度农户收入采集表"])]
    replaces: Annotated[
        UUID | None, Field(examples=[None], description="the confirmed baseline that it is to take the place of")
    ] = None
    reason: Annotated[Wording | None, Field(examples=[None], description="why, if it replaces one")] = None


class DecideBaseline(Schema):
    """The county's word on a proposed baseline."""

    confirmed: Annotated[bool, Field(strict=True, examples=[True])]
    opinion: LongText


class HouseholdBaselineOut(Schema):
    """A baseline of a household; an increase is stated only against a confirmed one of the same figure."""

    id: Id
    household_id: Id
    figure: Annotated[Figure, Field(examples=["net_per_head"])]
    amount_fen: SignedFen
    period_from: Annotated[date, Field(examples=["2024-01-01"])]
    period_to: Annotated[date, Field(examples=["2024-12-31"])]
    source: Text
    status: Annotated[BaselineStatus, Field(examples=["confirmed"])]
    opinion: Annotated[str | None, Field(examples=["与采集表一致"])]
    decided_at: Annotated[datetime | None, Field(examples=["2026-03-09T08:00:00Z"])]
    replaces: Annotated[UUID | None, Field(examples=[None])]
    reason: Annotated[str | None, Field(examples=[None])]


class SetLine(Schema):
    """What a year asks in a province, city or county; no region means the whole country."""

    region_code: Annotated[
        str,
        form(
            r"^([0-9]{2}([0-9]{2}([0-9]{2})?)?)?$",
            "the code of a province, city or county: 2, 4 or 6 digits; empty for the whole country",
            "省、市、县行政区划代码(2、4 或 6 位数字),全国为空",
            example="53",
        ),
    ]
    year: Annotated[int, Field(strict=True, ge=2000, le=2199, examples=[2025])]
    line_fen: Annotated[PositiveFen, Field(examples=[870000], description="net income per head and year")]
    jump_bp: Annotated[
        int, Field(strict=True, ge=10_000, le=1_000_000, examples=[20_000], description="of the twelve months before")
    ]
    jump_fen: Annotated[PositiveFen, Field(examples=[1000000])]
    unchecked_fen: Annotated[
        PositiveFen, Field(examples=[100000], description="other income per head and year that may stay unchecked")
    ]
    unchecked_days: Annotated[
        int, Field(strict=True, ge=1, le=366, examples=[30], description="for how long more than that may be unchecked")
    ]
    source: Annotated[Text, Field(examples=["云农办通〔2025〕1号"])]


class LineOut(SetLine):
    """A line of monitoring, with its source."""
