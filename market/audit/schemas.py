"""What the audit answers over HTTP; money in fen, quantities as decimal strings in the unit named."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import AnyRegionCode, Count, Fen, Flag, Page, PageQuery, Schema, Sha256Hex, SignedFen
from market.api import Day as QueryDay
from market.attribution.rules import Means
from market.audit.rules import Difference, MonitoringRule
from market.households.rules import HouseholdStatus

Id = Annotated[UUID, Field(examples=["0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33"])]
OptionalId = Annotated[UUID | None, Field(examples=["0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33"])]
Day = Annotated[date, Field(examples=["2026-03-02"])]
OptionalDay = Annotated[date | None, Field(examples=["2026-03-02"])]
Amount = Annotated[str, Field(examples=["12.5"], description="decimal string")]
Kind = Annotated[str, Field(examples=["household"], description="household, collective, retained, pool or suspense")]
Step = Annotated[str, Field(examples=["recognised"], description="accrued, recognised, disbursed, confirmed, top_up …")]
OptionalMechanism = Annotated[str | None, Field(examples=["order_purchase"])]
Source = Annotated[str, Field(examples=["acceptance:0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33"])]
OptionalFen = Annotated[int | None, Field(examples=[128000])]


LotNumber = Annotated[str, Field(examples=["L-20260302-K3V7QHTA"])]
BaseUnit = Annotated[str, Field(examples=["kg"], description="kg or piece")]
OfTheRecalled = Annotated[
    str, Field(examples=["12.5"], description="how much of the recalled lot it is, in that lot's base unit")
]


class RecalledLotOut(Schema):
    """The recalled lot, or one in which something of it is, and what of that is still in stock or spoiled."""

    lot_id: Id
    number: LotNumber
    product_id: Id
    status: Annotated[str, Field(examples=["open"])]
    origin: Annotated[str, Field(examples=["processed"])]
    generation: Annotated[int, Field(ge=0, examples=[1], description="steps from the recalled lot on the shortest way")]
    base_unit: BaseUnit
    quantity: Amount
    available: Amount
    recalled_available: OfTheRecalled
    recalled_spoiled: OfTheRecalled


class RecalledDeliveryOut(Schema):
    """What an order line holds of such a lot: still reserved, on the way, or accepted and not returned."""

    order_id: Id
    order_number: Annotated[str, Field(examples=["D202603020000017"])]
    order_status: Annotated[str, Field(examples=["accepted"])]
    order_line_id: Id
    product_name: Annotated[str, Field(examples=["骏枣"])]
    buyer_id: Id
    buyer_name: Annotated[str, Field(examples=["示范中学"])]
    shipped_on: OptionalDay
    accepted_on: OptionalDay
    lot_id: Id
    lot_number: LotNumber
    base_unit: BaseUnit
    reserved: Amount
    shipped: Amount
    accepted: Amount
    recalled: OfTheRecalled


class RecallOut(Schema):
    """Where all of a lot is: what lots still have, what spoiled and what orders hold of it sum to its quantity."""

    lot_id: Id
    number: LotNumber
    base_unit: BaseUnit
    quantity: Amount
    lots: list[RecalledLotOut]
    deliveries: list[RecalledDeliveryOut]


class OrderHeadOut(Schema):
    """An order and its parties."""

    id: Id
    number: Annotated[str, Field(examples=["D202603020000017"])]
    status: Annotated[str, Field(examples=["accepted"])]
    channel_code: Annotated[str, Field(examples=["canteen"])]
    supplier_id: Id
    supplier_name: Annotated[str, Field(examples=["富山合作社"])]
    buyer_id: Id
    buyer_name: Annotated[str, Field(examples=["示范中学"])]
    placed_on: Day
    accepted_on: OptionalDay
    paid_fen: Fen


class ReceiptPartOut(Schema):
    """The part of a bank receipt that paid the order."""

    receipt_id: Id
    bank_reference: Annotated[str, Field(examples=["20260315-000871"])]
    received_on: Day
    amount_fen: Fen


class SaleOut(Schema):
    """What was sold with a line: accepted less returned, at its price less what was cut of it."""

    accepted: Amount
    returned: Amount
    unit: Annotated[str, Field(examples=["jin"])]
    gross_fen: Fen
    net_fen: Annotated[Fen, Field(description="without tax; what the shares sum to")]
    paid_fen: Fen


class PlanPinOut(Schema):
    """The version of the benefit plan that the line pins."""

    version_id: Id
    number: Annotated[int, Field(examples=[2])]
    sha256: Sha256Hex


class DrawnLotOut(Schema):
    """A lot that the line drew on, in kg or pieces."""

    lot_id: Id
    number: Annotated[str, Field(examples=["L-20260302-K3V7QHTA"])]
    quality_certificate: Annotated[str | None, Field(examples=["HGZ-141122-20260302-018"])]
    produced_on: Day
    accepted: Amount
    returned: Amount


class ContributionOut(Schema):
    """What the share follows from: a contribution to a lot."""

    id: Id
    lot_number: Annotated[str, Field(examples=["L-20260302-K3V7QHTA"])]
    delivered_on: Day
    evidence: Annotated[str, Field(examples=["收购单-20260302-007"])]


class PaymentOut(Schema):
    """How the share was paid."""

    id: Id
    reference: Annotated[str, Field(examples=["农商行-20260320-0113"])]
    evidence: Annotated[str, Field(examples=["银行回单-20260320"])]
    paid_on: Day
    evidence_ids: Annotated[list[Id], Field(description="files that prove the disbursement")]
    confirmed_by: Annotated[Means | None, Field(examples=["village_clerk"])]
    confirmed_at: Annotated[datetime | None, Field(examples=["2026-03-05T08:00:00Z"])]
    confirmation_evidence_ids: Annotated[list[Id], Field(description="files that prove its confirmation")]


class ShareOut(Schema):
    """A part of the line: whose, why, at which step."""

    kind: Kind
    owner_id: Id
    owner_name: Annotated[str | None, Field(examples=["1411221062010007"], description="a household's code, or a name")]
    mechanism: OptionalMechanism
    mechanism_name: Annotated[str | None, Field(examples=["订单收购"])]
    step: Step
    assisted: Annotated[bool | None, Field(examples=[True])]
    amount_fen: Fen
    contribution: Annotated[ContributionOut | None, Field(examples=[None])]
    payment: Annotated[PaymentOut | None, Field(examples=[None])]


class EntryOut(Schema):
    """An entry of the book that touches the line."""

    source: Source
    reason: Annotated[str, Field(examples=["accrual"])]
    effective_on: Day
    recorded_at: Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]
    moved_fen: Annotated[Fen, Field(description="the sum of its transfers on this line")]


class PeriodGivenOut(Schema):
    """What a supplier's distribution of a period gave of the line, and what proves its figures."""

    id: Id
    mechanism: Annotated[str, Field(examples=["patronage"])]
    period_from: Day
    period_to: Day
    evidence: Annotated[str, Field(examples=["成员大会决议及年度盈余核算表"])]
    list_sha256: Sha256Hex
    amount_fen: Annotated[Fen, Field(description="of this line, to all payees or to the household that is traced")]


class SecondGivenOut(Schema):
    """What a village collective gave on of the line by a list of its own, and what proves it."""

    id: Id
    collective_id: Id
    collective_name: Annotated[str, Field(examples=["东坡底村股份经济合作社"])]
    given_on: Day
    reference: Annotated[str, Field(examples=["二次分配 2026-01"])]
    evidence: Annotated[str, Field(examples=["村民代表会议决议及领款签字表"])]
    list_sha256: Sha256Hex
    amount_fen: Annotated[Fen, Field(description="of this line, to all households or to the one that is traced")]


class LineTraceOut(Schema):
    """An order line with all that it brought, and how that was posted."""

    id: Id
    position: Annotated[int, Field(examples=[0])]
    product_name: Annotated[str, Field(examples=["骏枣"])]
    certificate_number: Annotated[str, Field(examples=["JC-141122-2026-03-0007"])]
    sale: SaleOut
    plan: PlanPinOut
    lots: list[DrawnLotOut]
    shares: list[ShareOut]
    entries: list[EntryOut]
    distributions: list[PeriodGivenOut]
    second_distributions: list[SecondGivenOut]


class OrderTraceOut(Schema):
    """An order down to its households."""

    order: OrderHeadOut
    receipts: list[ReceiptPartOut]
    lines: list[LineTraceOut]


class HouseholdLineOut(Schema):
    """An order line that reached the household, the order it is of, and the money that paid that."""

    order: OrderHeadOut
    receipts: list[ReceiptPartOut]
    line: LineTraceOut


class StepSumOut(Schema):
    """What stands at a step."""

    step: Step
    amount_fen: SignedFen


class HouseholdTraceOut(Schema):
    """A household up to its orders; sums and shares stand as of the end of the period."""

    household_id: Id
    code: Annotated[str, Field(examples=["1411221062010007"])]
    steps: list[StepSumOut]
    items: list[HouseholdLineOut]
    next_cursor: Annotated[str | None, Field(examples=[None])]


class TraceQuery(PageQuery):
    """A period of at most a year, both days included, and a page of order lines."""

    begin: Annotated[QueryDay, Field(alias="from", examples=["2026-01-01"])]
    end: Annotated[QueryDay, Field(alias="to", examples=["2026-12-31"])]


class VerificationQuery(Schema):
    """Verify what concerns one order, or one household, or everything."""

    order_id: Annotated[UUID | None, Field(examples=["0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33"])] = None
    household_id: Annotated[UUID | None, Field(examples=[None])] = None


class FindingOut(Schema):
    """One difference between the book and the facts."""

    difference: Annotated[Difference, Field(examples=["amount"])]
    source: Source
    order_id: OptionalId
    order_line_id: OptionalId
    owner_kind: Annotated[str | None, Field(examples=["household"])]
    owner_id: OptionalId
    owner_name: Annotated[str | None, Field(examples=[None], description="of an organisation; a household has its id")]
    step: Annotated[str | None, Field(examples=["accrued"])]
    expected_fen: OptionalFen
    found_fen: OptionalFen
    sentence: Annotated[str, Field(examples=["acceptance:0198c2f0: the amount is not what the facts make it"])]


class VerificationOut(Schema):
    """What was recomputed, and what differs; `notes` are explained by the register's own history."""

    sound: Flag
    suppliers: Count
    lines: Count
    entries: Count
    transfers: Count
    difference_count: Count
    findings: Annotated[list[FindingOut], Field(description="the first 100")]
    notes: Annotated[list[FindingOut], Field(description="the first 100")]


class SymptomOut(Schema):
    """A broken invariant."""

    invariant: Annotated[str, Field(examples=["line_is_conserved"])]
    subject: Annotated[str, Field(examples=["order line 0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33"])]
    expected: Annotated[str, Field(examples=["128000"])]
    found: Annotated[str, Field(examples=["127999"])]
    sentence: Annotated[str, Field(examples=["line_is_conserved: broken: households + collectives + …"])]


class ExaminationOut(Schema):
    """Every invariant that was asked, and what breaks them."""

    sound: Flag
    invariants: list[Annotated[str, Field(examples=["line_is_conserved"])]]
    symptoms: list[SymptomOut]


class AlertQuery(PageQuery):
    """The households of which region (all that one may see if absent), as of which day, by which rule."""

    region_code: AnyRegionCode | None = None
    on: Annotated[QueryDay | None, Field(description="today if absent")] = None
    rule: Annotated[MonitoringRule | None, Field(examples=["below_the_line"])] = None


class AlertOut(Schema):
    """A household that triggers a rule, with figures by which it does: fen, but for `heads`, `households` and days."""

    household_id: Id
    household_code: Annotated[str, Field(examples=["1411221062010007"])]
    village_code: Annotated[str, Field(examples=["141122106201"])]
    status: Annotated[HouseholdStatus | None, Field(examples=["registered_poor"])]
    monitored: Flag
    rule: Annotated[MonitoringRule, Field(examples=["below_the_line"])]
    en: Annotated[str, Field(examples=["net income per head lies below the line"])]
    zh: Annotated[str, Field(examples=["人均纯收入低于监测线"])]
    figures: Annotated[dict[str, int], Field(examples=[{"line_fen": 850000, "monitored_per_head_fen": 712300}])]


class MissingLineOut(Schema):
    """A province in which households have no line for the year in which the window ends."""

    province: Annotated[str, Field(examples=["14"], description="two digits of the region code")]
    year: Annotated[int, Field(examples=[2026])]
    households: Count


class AlertsOut(Page[AlertOut]):
    """A page of warnings; where a line is missing, no household is judged by it, whatever it earns."""

    missing_lines: list[MissingLineOut]


class CountQuery(Schema):
    """Which region (the own one if absent), and on which day."""

    region_code: AnyRegionCode | None = None
    on: Annotated[QueryDay | None, Field(description="today if absent")] = None


class StatusCountOut(Schema):
    """Households and people of a region with a status."""

    region_code: Annotated[str, Field(examples=["621002"])]
    status: Annotated[HouseholdStatus, Field(examples=["unstable"])]
    households: Count
    people: Count


class CategoryOut(Schema):
    """Households and people of a category, over all the regions asked for."""

    status: Annotated[HouseholdStatus, Field(examples=["unstable"])]
    households: Count
    people: Count


class MonitoredOut(Schema):
    """Who is monitored on a day: by category, in all, and by the regions next below."""

    on: Day
    households: Count
    people: Count
    categories: list[CategoryOut]
    regions: list[StatusCountOut]
