"""What is odd about what is on record of lots, contributions, plans and payments, as JSON."""

from datetime import date
from typing import Annotated

from pydantic import Field

from market.api import Day, PageQuery, Schema
from market.audit.rules import RecordRule
from market.audit.schemas import Id, OptionalId


class RecordQuery(PageQuery):
    """What was recorded in which period (the last 365 days if absent), by which supplier, by which rule."""

    begin: Annotated[Day | None, Field(alias="from", examples=["2026-01-01"])] = None
    end: Annotated[Day | None, Field(alias="to", examples=["2026-12-31"])] = None
    supplier_id: OptionalId = None
    rule: Annotated[RecordRule | None, Field(examples=["yield_beyond_land"])] = None


class OddRecordOut(Schema):
    """What is odd about a record; a hint to look at, no verdict."""

    rule: Annotated[RecordRule, Field(examples=["yield_beyond_land"])]
    en: Annotated[str, Field(examples=["a lot holds more than its land can have borne"])]
    zh: Annotated[str, Field(examples=["批次数量超过其种植面积的可能产量"])]
    id: Annotated[Id, Field(description="of the lot, contribution, version of a plan, disbursement or receipt")]
    supplier_id: Id
    household_id: OptionalId
    effective_on: Annotated[date, Field(examples=["2026-03-02"], description="the day that it is said to be of")]
    recorded_on: Annotated[date, Field(examples=["2026-03-02"], description="when it was written down, or decided")]
    figures: Annotated[dict[str, int], Field(examples=[{"kg_per_mu": 10_000_000, "most_kg_per_mu": 10_000}])]
