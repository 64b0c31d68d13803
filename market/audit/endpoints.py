"""The audit over HTTP: traces, verification, examination."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from market.api import after_id, cut, day_asked, declared, decode_cursor, encode_cursor, language_of, router_of
from market.attribution.rules import Means
from market.audit import doctoring, recalling, tracing, verifying
from market.audit.monitoring import Alert, alerts, missing_lines
from market.audit.rules import (
    MONITORING_WORDS,
    Finding,
    MonitoringRule,
    Symptom,
    TooMuchToVerifyError,
    TracePeriodError,
)
from market.audit.schemas import (
    AlertOut,
    AlertQuery,
    AlertsOut,
    CategoryOut,
    ContributionOut,
    CountQuery,
    DrawnLotOut,
    EntryOut,
    ExaminationOut,
    FindingOut,
    HouseholdLineOut,
    HouseholdTraceOut,
    LineTraceOut,
    MissingLineOut,
    MonitoredOut,
    OrderHeadOut,
    OrderTraceOut,
    PaymentOut,
    PeriodGivenOut,
    PlanPinOut,
    RecalledDeliveryOut,
    RecalledLotOut,
    RecallOut,
    ReceiptPartOut,
    SaleOut,
    SecondGivenOut,
    ShareOut,
    StatusCountOut,
    StepSumOut,
    SymptomOut,
    TraceQuery,
    VerificationOut,
    VerificationQuery,
)
from market.audit.tracing import DrawnLot, LineTrace, OrderHead, ReceiptPart, StandingShare
from market.benefits.rules import MECHANISMS, Mechanism
from market.errors import FutureDateError, NotFoundError
from market.households.queries import StatusCount, counts_by_status
from market.households.rules import MONITORED, HouseholdStatus
from market.identity.access import Caller, requires
from market.identity.rules import Permission, Scope
from market.quantities import base_units, text
from market.regions import service as regions
from market.regions.rules import UnknownRegionError

MOST_SHOWN = 100

router = router_of("audit")

BELOW = {0: 2, 2: 4, 4: 6, 6: 9}
"""How many digits the codes of the regions next below have."""

Monitor = Annotated[Caller, requires(Permission.MONITORING_READ)]
Auditor = Annotated[Caller, requires(Permission.AUDIT_READ)]


@router.get("/audit/orders/{order_id}/trace", responses=declared(NotFoundError))
def trace_order(order_id: UUID, caller: Auditor) -> OrderTraceOut:
    """Trace an order to every household it reached, fen by fen."""
    with caller.transaction() as (session, actor):
        found = tracing.trace_order(session, actor, order_id)
    return OrderTraceOut(
        order=_head(found.order),
        receipts=_receipts(found.receipts),
        lines=[_line(line) for line in found.lines],
    )


@router.get("/lots/{lot_id}/recall", responses=declared(NotFoundError))
def show_recall(lot_id: UUID, caller: Annotated[Caller, requires(Permission.LOT_READ)]) -> RecallOut:
    """Trace a lot forward to every order that holds something of it, or of what was made of it."""
    with caller.transaction() as (session, actor):
        found = recalling.recall(session, actor, lot_id)
    return RecallOut(
        lot_id=found.lot.id,
        number=found.lot.number,
        base_unit=found.lot.base_unit,
        quantity=base_units(found.lot.quantity_milli),
        lots=[
            RecalledLotOut(
                **{
                    name: each.facts[name]
                    for name in ("lot_id", "number", "product_id", "status", "origin", "base_unit")
                },
                generation=each.generation,
                quantity=base_units(each.facts["quantity_milli"]),
                available=base_units(each.facts["available_milli"]),
                recalled_available=base_units(each.in_stock_milli),
                recalled_spoiled=base_units(each.spoiled_milli),
            )
            for each in found.lots
        ],
        deliveries=[_delivery(each) for each in found.deliveries],
    )


def _delivery(each: recalling.Delivery) -> RecalledDeliveryOut:
    plain = set(RecalledDeliveryOut.model_fields) & set(each.facts)
    return RecalledDeliveryOut.model_validate(
        {name: each.facts[name] for name in plain}
        | {
            "lot_number": each.lot_number,
            "base_unit": each.base_unit,
            "recalled": base_units(each.recalled_milli),
            **{name: base_units(each.facts[f"{name}_milli"]) for name in ("reserved", "shipped", "accepted")},
        }
    )


@router.get("/monitoring/warnings", responses=declared(UnknownRegionError, FutureDateError))
def list_warnings(query: Annotated[AlertQuery, Query()], caller: Monitor) -> AlertsOut:
    """List the households of a county that trigger a rule over the last twelve months, by code, with the figures.

    Below the line is also who would be without other income that no second person has checked: that is
    `checked_per_head_fen`. `missing_lines` says for which provinces no line is set: there, silence about poverty means
    nothing.
    """
    on = day_asked(query.on)
    rules = [query.rule] if query.rule else list(MonitoringRule)
    with caller.transaction() as (session, actor):
        verifying.see_one_moment(session)
        if query.region_code is not None:
            regions.check_known(session, query.region_code, on, pointer="/query/region_code")
        code = query.region_code or ""
        found = [_alert(alert) for alert in alerts(session, actor, region_code=code, on=on, rules=rules)]
        missing = missing_lines(session, actor, region_code=code, on=on)
    if query.cursor is not None:
        after = tuple(decode_cursor(query.cursor, keys=2))
        found = [alert for alert in found if (alert.household_code, str(alert.rule)) > after]
    page = found[: query.limit]
    last = page[-1] if len(found) > query.limit else None
    return AlertsOut(
        items=page,
        next_cursor=last and encode_cursor(last.household_code, last.rule),
        missing_lines=[MissingLineOut.model_validate(each) for each in missing],
    )


@router.get("/monitoring/counts", responses=declared(UnknownRegionError, FutureDateError))
def count_monitored(query: Annotated[CountQuery, Query()], caller: Monitor) -> MonitoredOut:
    """Count the households and people that are monitored on a day, by category and region."""
    on = day_asked(query.on)
    with caller.transaction() as (session, actor):
        if query.region_code is not None:
            regions.check_known(session, query.region_code, on, pointer="/query/region_code")
        code = query.region_code or (actor.region_code if actor.scope is Scope.REGION else "")
        digits = BELOW.get(len(code), 12)
        counts = counts_by_status(session.connection(), actor, region_code=code, digits=digits, on=on)
    watched = [count for count in counts if count.status in MONITORED]
    return MonitoredOut(
        on=on,
        households=sum(count.households for count in watched),
        people=sum(count.people for count in watched),
        categories=[_category(status, watched) for status in HouseholdStatus if status in MONITORED],
        regions=[StatusCountOut.model_validate(count) for count in watched],
    )


@router.get("/audit/households/{household_id}/trace", responses=declared(NotFoundError, TracePeriodError))
def trace_household(household_id: UUID, query: Annotated[TraceQuery, Query()], caller: Auditor) -> HouseholdTraceOut:
    """Trace a household back to the accepted and paid order lines whose postings of a period reached it.

    Figures stand as of the period's end. A line accrued in one period and paid in the next stands in both, each time
    with all that it had brought by then: figures of periods are not added up.
    """
    with caller.transaction() as (session, actor):
        found = tracing.trace_household(
            session,
            actor,
            household_id=household_id,
            begin=query.begin,
            end=query.end,
            after=after_id(query.cursor),
            limit=query.limit,
        )
    page, next_cursor = cut(found.lines, query.limit, lambda traced: traced.line.sale.id)
    return HouseholdTraceOut(
        household_id=found.household_id,
        code=found.code,
        steps=[StepSumOut(step=step, amount_fen=fen) for step, fen in found.steps.items()],
        items=[
            HouseholdLineOut(order=_head(traced.order), receipts=_receipts(traced.receipts), line=_line(traced.line))
            for traced in page
        ],
        next_cursor=next_cursor,
    )


@router.get("/audit/verification", responses=declared(NotFoundError, TooMuchToVerifyError))
def verify(query: Annotated[VerificationQuery, Query()], caller: Auditor, request: Request) -> VerificationOut:
    """Recompute the book from the facts, of one order, one household, or all within the bound of a request."""
    with caller.transaction() as (session, _):
        found = verifying.verify(session, order_id=query.order_id, household_id=query.household_id, bounded=True)
    return VerificationOut(
        sound=found.sound,
        suppliers=found.suppliers,
        lines=found.lines,
        entries=found.entries,
        transfers=found.transfers,
        difference_count=len(found.findings),
        findings=[_finding(finding, language_of(request)) for finding in found.findings[:MOST_SHOWN]],
        notes=[_finding(note, language_of(request)) for note in found.notes[:MOST_SHOWN]],
    )


@router.get("/audit/invariants")
def examine(caller: Auditor, request: Request) -> ExaminationOut:
    """Ask every invariant of the market and name what breaks one."""
    with caller.transaction() as (session, _):
        symptoms = doctoring.examine(session)
    return ExaminationOut(
        sound=not symptoms,
        invariants=[invariant.name for invariant in doctoring.INVARIANTS],
        symptoms=[_symptom(symptom, language_of(request)) for symptom in symptoms],
    )


def _head(order: OrderHead) -> OrderHeadOut:
    return OrderHeadOut.model_validate(order)


def _receipts(receipts: Iterable[ReceiptPart]) -> list[ReceiptPartOut]:
    return [ReceiptPartOut.model_validate(receipt) for receipt in receipts]


def _line(line: LineTrace) -> LineTraceOut:
    sale = line.sale
    return LineTraceOut(
        id=sale.id,
        position=sale.position,
        product_name=sale.product_name,
        certificate_number=sale.certificate_number,
        sale=SaleOut(
            accepted=text(sale.accepted_milli, sale.unit_milli),
            returned=text(sale.returned_milli, sale.unit_milli),
            unit=sale.unit,
            gross_fen=sale.gross_fen,
            net_fen=sale.net_fen,
            paid_fen=sale.paid_fen,
        ),
        plan=PlanPinOut(version_id=sale.plan_version_id, number=sale.plan_version_number, sha256=sale.plan_sha256),
        lots=[_lot(lot) for lot in line.lots],
        shares=[_share(share) for share in line.shares],
        entries=[
            EntryOut(
                source=entry.source,
                reason=entry.reason,
                effective_on=entry.effective_on,
                recorded_at=entry.recorded_at,
                moved_fen=entry.fen,
            )
            for entry in line.entries
        ],
        distributions=[
            PeriodGivenOut(**{name: value for name, value in given._asdict().items() if name != "order_line_id"})
            for given in line.distributions
        ],
        second_distributions=[
            SecondGivenOut(
                id=given.id,
                collective_id=given.collective_id,
                collective_name=given.collective_name,
                given_on=given.given_on,
                reference=given.reference,
                evidence=given.evidence,
                list_sha256=given.list_sha256,
                amount_fen=given.fen,
            )
            for given in line.second_distributions
        ],
    )


def _lot(lot: DrawnLot) -> DrawnLotOut:
    return DrawnLotOut(
        lot_id=lot.lot_id,
        number=lot.lot_number,
        quality_certificate=lot.quality_certificate,
        produced_on=lot.produced_on,
        accepted=base_units(lot.accepted_milli),
        returned=base_units(lot.returned_milli),
    )


def _share(share: StandingShare) -> ShareOut:
    contribution = payment = None
    if share.contribution_id and share.lot_number and share.delivered_on:
        contribution = ContributionOut(
            id=share.contribution_id,
            lot_number=share.lot_number,
            delivered_on=share.delivered_on,
            evidence=share.contribution_evidence or "",
        )
    if share.payment_id and share.paid_on:
        payment = PaymentOut(
            id=share.payment_id,
            reference=share.payment_reference or "",
            evidence=share.payment_evidence or "",
            paid_on=share.paid_on,
            evidence_ids=list(share.payment_evidence_ids or ()),
            confirmed_by=Means(share.confirmed_by) if share.confirmed_by else None,
            confirmed_at=share.confirmed_at,
            confirmation_evidence_ids=list(share.confirmation_evidence_ids or ()),
        )
    return ShareOut(
        kind=share.kind,
        owner_id=share.owner_id,
        owner_name=share.owner_name,
        mechanism=share.mechanism,
        mechanism_name=MECHANISMS[Mechanism(share.mechanism)].name if share.mechanism else None,
        step=share.step,
        assisted=share.assisted,
        amount_fen=share.fen,
        contribution=contribution,
        payment=payment,
    )


def _finding(finding: Finding, language: str) -> FindingOut:
    shown = {name: value for name, value in asdict(finding).items() if name in FindingOut.model_fields}
    return FindingOut(**shown, sentence=finding.line(language))


def _symptom(symptom: Symptom, language: str) -> SymptomOut:
    return SymptomOut(
        invariant=symptom.invariant,
        subject=symptom.subject,
        expected=symptom.expected,
        found=symptom.found,
        sentence=symptom.line(language),
    )


def _alert(alert: Alert) -> AlertOut:
    household = alert.household
    en, zh = MONITORING_WORDS[alert.rule]
    return AlertOut(
        household_id=household.id,
        household_code=household.code,
        village_code=household.village_code,
        status=household.status,
        monitored=household.status in MONITORED,
        rule=alert.rule,
        en=en,
        zh=zh,
        figures=dict(alert.figures),
    )


def _category(status: HouseholdStatus, counts: Iterable[StatusCount]) -> CategoryOut:
    own = [count for count in counts if count.status is status]
    return CategoryOut(
        status=status,
        households=sum(count.households for count in own),
        people=sum(count.people for count in own),
    )
