"""Plans, their versions and their decision, the table of mechanisms, and enrolments, by HTTP."""

from collections.abc import Sequence
from typing import Annotated, TypeVar
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, PageQuery, Schema, declared, decode_cursor, encode_cursor, router_of
from market.benefits import enrolling, queries, rules, service
from market.benefits.models import Enrolment, Plan, PlanVersion
from market.benefits.refusals import (
    CollectiveElsewhereError,
    NotCollectiveError,
    NotEnrolledError,
    PlanBodyError,
    PlanNameTakenError,
    PlanNotSimulatedError,
)
from market.benefits.schemas import (
    ConfirmEnrolments,
    CreatePlan,
    DecideVersion,
    DraftVersion,
    Enrol,
    EnrolmentOut,
    EnrolmentQuery,
    EnrolmentsOut,
    MechanismOut,
    MechanismsOut,
    PlanDetailOut,
    PlanOut,
    PlanQuery,
    PlanVersionOut,
    ProofOut,
)
from market.clock import business_date, utc_now
from market.errors import (
    FourEyesError,
    FutureDateError,
    InvalidInputError,
    NotFoundError,
    TransitionError,
    check_not_ahead,
)
from market.identity.access import Caller, public, requires
from market.identity.rules import Permission

router = router_of("benefits")

Item = TypeVar("Item", bound=Schema)


def page_by_ids(
    session: orm.Session,
    rows: sa.Select[object],
    keys: tuple[orm.InstrumentedAttribute[UUID], ...],
    query: PageQuery,
    out: type[Item],
) -> Page[Item]:
    """Return one keyset page of rows that are ordered and known by one or several ids."""
    if query.cursor is not None:
        try:
            after = [UUID(part) for part in decode_cursor(query.cursor, keys=len(keys))]
        except ValueError:
            raise InvalidInputError("the cursor is not one of ours", "游标无效", pointer="/query/cursor") from None
        rows = rows.where(sa.tuple_(*keys) > sa.tuple_(*after))
    found = session.scalars(rows.order_by(*keys).limit(query.limit + 1)).all()
    shown = found[: query.limit]
    last = [getattr(shown[-1], key.key) for key in keys] if len(found) > query.limit else None
    return Page(items=[out.model_validate(row) for row in shown], next_cursor=encode_cursor(*last) if last else None)


def _shown(session: orm.Session, versions: Sequence[PlanVersion]) -> list[PlanVersionOut]:
    """Show versions, each with its latest simulation."""
    simulated = queries.latest_simulations(session, [version.id for version in versions])
    own = PlanVersionOut.model_fields.keys() - {"simulation"}
    return [
        PlanVersionOut.model_validate(
            {name: getattr(version, name) for name in own} | {"simulation": simulated.get(version.id)}
        )
        for version in versions
    ]


def _one(session: orm.Session, version: PlanVersion) -> PlanVersionOut:
    return _shown(session, [version])[0]


@router.get("/mechanisms", dependencies=[public()])
def list_mechanisms() -> MechanismsOut:
    """Show the table of benefit mechanisms: how each pays, whom, and in which class of income it counts."""
    return MechanismsOut(
        items=[
            MechanismOut(
                code=code,
                name=terms.name,
                income_class=terms.income_class,
                basis=terms.basis,
                payee=terms.payee,
                proof=ProofOut.model_validate(terms.proof),
                measures=list(terms.measures),
                pricings=list(terms.pricings),
            )
            for code, terms in rules.MECHANISMS.items()
        ]
    )


@router.post("/plans", status_code=201, response_model=PlanOut, responses=declared(PlanNameTakenError))
def create_plan(request: CreatePlan, caller: Annotated[Caller, requires(Permission.PLAN_WRITE)]) -> Response:
    """Open a benefit plan; its content comes in versions."""
    return caller.once(
        request,
        lambda session, actor: PlanOut.model_validate(service.create_plan(session, actor, name=request.name)),
    )


@router.get("/plans")
def list_plans(
    query: Annotated[PlanQuery, Query()], caller: Annotated[Caller, requires(Permission.PLAN_READ)]
) -> Page[PlanOut]:
    """List the plans you may see, oldest first."""
    with caller.transaction() as (session, actor):
        plans = queries.visible_plans(actor)
        if query.supplier_id is not None:
            plans = plans.where(Plan.supplier_id == query.supplier_id)
        return page_by_ids(session, plans, (Plan.id,), query, PlanOut)


@router.get("/plans/{plan_id}", responses=declared(NotFoundError))
def show_plan(plan_id: UUID, caller: Annotated[Caller, requires(Permission.PLAN_READ)]) -> PlanDetailOut:
    """Show a plan with every version."""
    with caller.transaction() as (session, actor):
        plan = session.scalar(queries.visible_plans(actor).where(Plan.id == plan_id))
        if plan is None:
            raise NotFoundError(what="plan")
        versions = session.scalars(
            sa.select(PlanVersion).where(PlanVersion.plan_id == plan_id).order_by(PlanVersion.number)
        )
        return PlanDetailOut(
            id=plan.id,
            supplier_id=plan.supplier_id,
            name=plan.name,
            versions=_shown(session, versions.all()),
        )


@router.post(
    "/plans/{plan_id}/versions",
    status_code=201,
    response_model=PlanVersionOut,
    responses=declared(NotFoundError, PlanBodyError, NotEnrolledError, NotCollectiveError, CollectiveElsewhereError),
)
def draft_version(
    plan_id: UUID, request: DraftVersion, caller: Annotated[Caller, requires(Permission.PLAN_WRITE)]
) -> Response:
    """Draft the next version of a plan."""
    return caller.once(
        request,
        lambda session, actor: _one(
            session,
            service.draft_version(
                session,
                actor,
                plan_id=plan_id,
                body=request.plan_body(),
                valid_from=request.valid_from,
                now=utc_now(),
            ),
        ),
    )


@router.post(
    "/plan-versions/{version_id}/submission",
    response_model=PlanVersionOut,
    responses=declared(NotFoundError, TransitionError),
)
def submit_version(version_id: UUID, caller: Annotated[Caller, requires(Permission.PLAN_WRITE)]) -> Response:
    """Hand a draft to the county."""
    return caller.once(
        None,
        lambda session, actor: _one(session, service.submit(session, actor, version_id=version_id)),
        status=200,
    )


@router.post(
    "/plan-versions/{version_id}/approval",
    response_model=PlanVersionOut,
    responses=declared(NotFoundError, TransitionError, FourEyesError, PlanNotSimulatedError),
)
def approve_version(
    version_id: UUID, request: DecideVersion, caller: Annotated[Caller, requires(Permission.PLAN_APPROVE)]
) -> Response:
    """Approve a submitted version that has been simulated since; from then on it never changes."""
    return caller.once(
        request,
        lambda session, actor: _one(
            session, service.approve(session, actor, version_id=version_id, opinion=request.opinion, now=utc_now())
        ),
        status=200,
    )


@router.post(
    "/plan-versions/{version_id}/rejection",
    response_model=PlanVersionOut,
    responses=declared(NotFoundError, TransitionError, FourEyesError),
)
def reject_version(
    version_id: UUID, request: DecideVersion, caller: Annotated[Caller, requires(Permission.PLAN_APPROVE)]
) -> Response:
    """Turn a submitted version down."""
    return caller.once(
        request,
        lambda session, actor: _one(
            session, service.reject(session, actor, version_id=version_id, opinion=request.opinion, now=utc_now())
        ),
        status=200,
    )


@router.post(
    "/enrolments",
    status_code=201,
    response_model=EnrolmentsOut,
    responses=declared(NotFoundError, FutureDateError),
)
def enrol(request: Enrol, caller: Annotated[Caller, requires(Permission.ENROLMENT_WRITE)]) -> Response:
    """Propose households that take part with your organisation; their village confirms them."""
    today = business_date(utc_now())
    on = request.enrolled_on or today
    check_not_ahead(on, today=today, pointer="/enrolled_on")
    return caller.once(
        request,
        lambda session, actor: _enrolments(
            enrolling.enrol(session, actor, household_codes=request.household_codes, on=on)
        ),
    )


@router.post(
    "/enrolments/confirmations",
    response_model=EnrolmentsOut,
    responses=declared(NotFoundError, FourEyesError),
)
def confirm_enrolments(
    request: ConfirmEnrolments, caller: Annotated[Caller, requires(Permission.ENROLMENT_CONFIRM)]
) -> Response:
    """Confirm for the village that households take part with a supplier."""
    return caller.once(
        request,
        lambda session, actor: _enrolments(
            enrolling.confirm_enrolments(
                session,
                actor,
                supplier_id=request.supplier_id,
                household_ids=request.household_ids,
                now=utc_now(),
            )
        ),
        status=200,
    )


def _enrolments(rows: list[Enrolment]) -> EnrolmentsOut:
    return EnrolmentsOut(items=[EnrolmentOut.model_validate(row) for row in rows])


@router.get("/enrolments")
def list_enrolments(
    query: Annotated[EnrolmentQuery, Query()], caller: Annotated[Caller, requires(Permission.HOUSEHOLD_READ)]
) -> Page[EnrolmentOut]:
    """List the enrolments you may see, by supplier and household."""
    with caller.transaction() as (session, actor):
        enrolments = queries.visible_enrolments(actor)
        if query.supplier_id is not None:
            enrolments = enrolments.where(Enrolment.supplier_id == query.supplier_id)
        if query.household_id is not None:
            enrolments = enrolments.where(Enrolment.household_id == query.household_id)
        if query.confirmed is not None:
            enrolments = enrolments.where(Enrolment.confirmed_at.is_not(None) == query.confirmed)
        keys = (Enrolment.supplier_id, Enrolment.household_id)
        return page_by_ids(session, enrolments, keys, query, EnrolmentOut)
