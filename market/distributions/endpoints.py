"""Distributions and second distributions over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, PageQuery, answer, declared, decode_cursor, encode_cursor, newest, router_of, tried
from market.benefits.formulas import (
    NoSurplusError,
    NoWeightError,
    PatronageFloorError,
    SchemeMissingError,
    SchemeYearError,
)
from market.benefits.holdings import Source
from market.clock import business_date, utc_now
from market.distributions import collective_queries, giving_on, pools, proposing, queries
from market.distributions.listing import Custody, Dividend, Formula, Patronage, Profit
from market.distributions.models import Distribution, SecondDistribution
from market.distributions.rules import (
    ConsignedHasNoValueError,
    DeliveryAnnulledError,
    GivenBeforeReceivedError,
    MixedUnitsError,
    MonthsBeyondPeriodError,
    NobodyListedError,
    NoRemainderError,
    NotEnoughReceivedError,
    NotEnoughRecognisedError,
    Period,
    PeriodAlreadySharedError,
    RegisterNotInForceError,
    RemainderAmountError,
    RemainderSharedError,
    ReserveChangedError,
    SecondConfirmedError,
    SecondNotApprovedError,
    SecondReferenceTakenError,
)
from market.distributions.schemas import (
    CollectiveAccountOut,
    CollectiveMoneyOut,
    CustodyIn,
    DecideDistribution,
    DistributionOut,
    DistributionQuery,
    DividendIn,
    GivenOut,
    GiveOn,
    ListedOut,
    PatronageIn,
    PoolOut,
    ProfitIn,
    ProposeDistribution,
    ProposedOut,
    SecondOut,
    items_out,
)
from market.errors import (
    FourEyesError,
    FutureDateError,
    InvalidInputError,
    NotFoundError,
    TransitionError,
    check_not_ahead,
)
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.ledger.rules import PeriodClosedError

router = router_of("distributions")

Reader = Annotated[Caller, requires(Permission.DISTRIBUTION_READ)]
Writer = Annotated[Caller, requires(Permission.DISTRIBUTION_WRITE)]
Approver = Annotated[Caller, requires(Permission.DISTRIBUTION_APPROVE)]


def _formula(asked: PatronageIn | DividendIn | CustodyIn | ProfitIn) -> Formula:
    match asked:
        case PatronageIn():
            return Patronage(asked.surplus_fen, asked.by_volume_bp, asked.counted)
        case DividendIn():
            sources = [Source(name) for name in asked.sources]
            averages = asked.averages_grants
            if averages is None:
                averages = asked.remainder_of is not None
            return Dividend(asked.register_version_id, asked.amount_fen, sources, averages, asked.remainder_of)
        case CustodyIn():
            return Custody(asked.register_version_id, asked.months)
        case ProfitIn():
            return Profit(asked.register_version_id, asked.profit_fen_per_mu)


def _proposed(distribution_id: UUID | None, period: Period, found: proposing.Predicted) -> ProposedOut:
    made, funding = found.listing, found.funding
    return ProposedOut(
        id=distribution_id,
        mechanism=made.mechanism,
        period_from=period.begins_on,
        period_to=period.ends_on,
        amount_fen=made.amount_fen,
        kept_fen=made.kept_fen,
        pool_fen=funding.pool_fen,
        retained_fen=funding.retained_fen,
        from_pool_fen=funding.from_pool_fen,
        from_retained_fen=funding.from_retained_fen(made.amount_fen),
        remainder_fen=made.remainder_fen,
        items=items_out(made.items),
    )


@router.post(
    "/distributions",
    status_code=201,
    response_model=ProposedOut,
    responses=tried(ProposedOut)
    | declared(
        NotFoundError,
        NobodyListedError,
        NoSurplusError,
        NoWeightError,
        PatronageFloorError,
        MixedUnitsError,
        ConsignedHasNoValueError,
        SchemeMissingError,
        SchemeYearError,
        RegisterNotInForceError,
        MonthsBeyondPeriodError,
        NoRemainderError,
        RemainderSharedError,
        RemainderAmountError,
        PeriodAlreadySharedError,
        NotEnoughRecognisedError,
    ),
)
def propose_distribution(request: ProposeDistribution, caller: Writer, *, dry_run: bool = False) -> Response:
    """Propose what a period gives to whom; the county decides it. A dry run shows list and funding alone."""
    now = utc_now()
    if request.period_to < request.period_from:
        raise InvalidInputError("the period ends before it begins", "截止日期早于起始日期", pointer="/period_to")
    if request.period_to > business_date(now):
        raise InvalidInputError("the period is not over", "分配期间尚未结束", pointer="/period_to")
    formula, period = _formula(request.formula), Period(request.period_from, request.period_to)

    def work(session: orm.Session, actor: Actor) -> ProposedOut:
        distribution, found = proposing.propose(
            session, actor, formula=formula, period=period, evidence=request.evidence, now=now
        )
        return _proposed(distribution.id, period, found)

    if not dry_run:
        return caller.once(request, work)
    with caller.transaction() as (session, actor):
        found = proposing.predict(session, actor, formula=formula, period=period)
    return answer(_proposed(None, period, found))


@router.get("/distributions")
def list_distributions(query: Annotated[DistributionQuery, Query()], caller: Reader) -> Page[DistributionOut]:
    """List distributions of suppliers, newest first."""
    with caller.transaction() as (session, actor):
        found = queries.visible_distributions(actor)
        if query.status is not None:
            found = found.where(Distribution.status == query.status)
        page, next_cursor = newest(session, found, Distribution.id, query)
    return Page(items=[DistributionOut.model_validate(row) for row in page], next_cursor=next_cursor)


@router.get("/distributions/{distribution_id}", responses=declared(NotFoundError))
def show_distribution(distribution_id: UUID, caller: Reader) -> ListedOut:
    """Show a distribution with its whole list, and others by another register or formula of the same days."""
    with caller.transaction() as (session, actor):
        visible = queries.visible_distributions(actor).where(Distribution.id == distribution_id)
        found = session.scalar(visible)
        if found is None:
            raise NotFoundError(what="distribution")
        items = items_out(queries.items_of(session, distribution_id))
        others = [DistributionOut.model_validate(each) for each in queries.overlapping(session, found)]
    return ListedOut(**DistributionOut.model_validate(found).model_dump(), items=items, overlapping=others)


@router.post(
    "/distributions/{distribution_id}/approval",
    response_model=DistributionOut,
    responses=declared(
        NotFoundError,
        TransitionError,
        FourEyesError,
        RegisterNotInForceError,
        ReserveChangedError,
        DeliveryAnnulledError,
        NotEnoughRecognisedError,
        PeriodClosedError,
    ),
)
def approve_distribution(distribution_id: UUID, request: DecideDistribution, caller: Approver) -> Response:
    """Approve a proposed distribution: what it lists is owed from now on."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> DistributionOut:
        approved = proposing.approve(
            session, actor, distribution_id=distribution_id, opinion=request.opinion, on=business_date(now), now=now
        )
        return DistributionOut.model_validate(approved)

    return caller.once(request, work, status=200)


@router.post(
    "/distributions/{distribution_id}/rejection",
    response_model=DistributionOut,
    responses=declared(NotFoundError, TransitionError, FourEyesError),
)
def reject_distribution(distribution_id: UUID, request: DecideDistribution, caller: Approver) -> Response:
    """Turn a proposed distribution down; a better one is a new proposal."""

    def work(session: orm.Session, actor: Actor) -> DistributionOut:
        rejected = proposing.reject(
            session, actor, distribution_id=distribution_id, opinion=request.opinion, now=utc_now()
        )
        return DistributionOut.model_validate(rejected)

    return caller.once(request, work, status=200)


@router.get("/pools")
def list_pools(query: Annotated[PageQuery, Query()], caller: Reader) -> Page[PoolOut]:
    """List what suppliers keep in pools, by mechanism: brought by lines, distributed, left."""
    with caller.transaction() as (session, actor):
        found = pools.pools(session, actor, after=_after(query.cursor), limit=query.limit + 1)
    page = found[: query.limit]
    last = page[-1] if len(found) > query.limit else None
    items = [PoolOut.model_validate(row) for row in page]
    return Page(items=items, next_cursor=last and encode_cursor(last.supplier_id, last.mechanism))


def _after(cursor: str | None) -> tuple[UUID, str] | None:
    if cursor is None:
        return None
    supplier_id, mechanism = decode_cursor(cursor, keys=2)
    try:
        return UUID(supplier_id), mechanism
    except ValueError:
        raise InvalidInputError("the cursor is not one of ours", "游标无效", pointer="/query/cursor") from None


@router.post(
    "/second-distributions",
    status_code=201,
    response_model=GivenOut,
    responses=tried(GivenOut)
    | declared(
        NotFoundError,
        FutureDateError,
        RegisterNotInForceError,
        NobodyListedError,
        NotEnoughReceivedError,
        GivenBeforeReceivedError,
        SecondReferenceTakenError,
    ),
)
def give_on(request: GiveOn, caller: Writer, *, dry_run: bool = False) -> Response:
    """State what your village collective gave its households of what a supplier had paid it; the county decides it."""
    now = utc_now()
    check_not_ahead(request.given_on, today=business_date(now), pointer="/given_on")
    given = giving_on.Given(**request.model_dump())

    def out(distribution_id: UUID | None, found: giving_on.Second) -> GivenOut:
        return GivenOut(
            id=distribution_id,
            amount_fen=given.amount_fen,
            kept_fen=found.kept_fen,
            held_before_fen=found.held_fen,
            items=items_out(found.items),
        )

    def work(session: orm.Session, actor: Actor) -> GivenOut:
        distribution, found = giving_on.give_on(session, actor, given=given, now=now)
        return out(distribution.id, found)

    if not dry_run:
        return caller.once(request, work)
    with caller.transaction() as (session, actor):
        return answer(out(None, giving_on.predict(session, actor, given=given)))


@router.get("/second-distributions")
def list_second_distributions(query: Annotated[PageQuery, Query()], caller: Reader) -> Page[SecondOut]:
    """List what village collectives gave on, newest first."""
    with caller.transaction() as (session, actor):
        found: Any = collective_queries.visible_second_distributions(actor)
        page, next_cursor = newest(session, found, SecondDistribution.id, query)
    return Page(items=[SecondOut.model_validate(row) for row in page], next_cursor=next_cursor)


@router.post(
    "/second-distributions/{distribution_id}/approval",
    response_model=SecondOut,
    responses=declared(
        NotFoundError,
        TransitionError,
        FourEyesError,
        RegisterNotInForceError,
        NotEnoughReceivedError,
        GivenBeforeReceivedError,
        PeriodClosedError,
    ),
)
def approve_second_distribution(distribution_id: UUID, request: DecideDistribution, caller: Approver) -> Response:
    """Approve what a village collective states to have given: from now on its households have received it."""

    def work(session: orm.Session, actor: Actor) -> SecondOut:
        approved = giving_on.approve(
            session, actor, distribution_id=distribution_id, opinion=request.opinion, now=utc_now()
        )
        return SecondOut.model_validate(approved)

    return caller.once(request, work, status=200)


@router.post(
    "/second-distributions/{distribution_id}/rejection",
    response_model=SecondOut,
    responses=declared(NotFoundError, TransitionError, FourEyesError),
)
def reject_second_distribution(distribution_id: UUID, request: DecideDistribution, caller: Approver) -> Response:
    """Turn down what a village collective states to have given; its reference is free again."""

    def work(session: orm.Session, actor: Actor) -> SecondOut:
        rejected = giving_on.reject(
            session, actor, distribution_id=distribution_id, opinion=request.opinion, now=utc_now()
        )
        return SecondOut.model_validate(rejected)

    return caller.once(request, work, status=200)


@router.post(
    "/second-distributions/{distribution_id}/confirmation",
    response_model=SecondOut,
    responses=declared(NotFoundError, SecondNotApprovedError, SecondConfirmedError),
)
def confirm_second_distribution(
    distribution_id: UUID, caller: Annotated[Caller, requires(Permission.DISBURSEMENT_CONFIRM)]
) -> Response:
    """Confirm for the households of one's village that they have what their collective gave them."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> SecondOut:
        confirmed = giving_on.confirm(session, actor, distribution_id=distribution_id, on=business_date(now), now=now)
        return SecondOut.model_validate(confirmed)

    return caller.once(None, work, status=200)


@router.get("/collectives/{collective_id}/account", responses=declared(NotFoundError))
def show_collective_account(collective_id: UUID, caller: Reader) -> CollectiveAccountOut:
    """Show what a village collective received, gave on and still holds, supplier by supplier."""
    with caller.transaction() as (session, actor):
        if session.scalar(collective_queries.visible_collectives(actor, collective_id)) is None:
            raise NotFoundError(what="organisation")
        rows = collective_queries.collective_account(session, collective_id)
        return CollectiveAccountOut(items=[CollectiveMoneyOut.model_validate(row) for row in rows])
