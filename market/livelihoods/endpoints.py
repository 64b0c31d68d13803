"""What households earn and spend outside the market, by HTTP."""

import base64
import binascii
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import (
    Page,
    PageQuery,
    after_id,
    answer,
    cut,
    declared,
    decode_cursor,
    encode_cursor,
    newest,
    router_of,
    tried,
)
from market.clock import business_date, utc_now
from market.errors import FourEyesError, FutureDateError, InvalidInputError, NotFoundError, TransitionError
from market.households.rules import HouseholdDepartedError, VillageOutsideRegionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.livelihoods import baselines, checking, item_import, queries, service
from market.livelihoods.checking import Checked, ItemsToCheckError
from market.livelihoods.models import AccountItem, HouseholdBaseline
from market.livelihoods.rules import (
    ITEMS,
    BaselineConfirmedError,
    BaselineEvent,
    BaselinePeriodError,
    CheckState,
    ItemRecordedError,
    ItemReversedError,
    ItemTooOldError,
    LineSetError,
    RowsAtFaultError,
    SupplierAsSourceError,
    Treatment,
    Window,
)
from market.livelihoods.schemas import (
    AccountItemOut,
    CheckItems,
    DecideBaseline,
    FaultOut,
    HouseholdBaselineOut,
    ImportItems,
    ImportOut,
    ItemsCheckedOut,
    ItemsQuery,
    LineOut,
    ProposeBaseline,
    RecordItem,
    ReverseItem,
    SetLine,
)
from market.regions.rules import UnknownRegionError

router = router_of("livelihoods")


@router.post(
    "/households/{household_id}/account-items",
    status_code=201,
    response_model=AccountItemOut,
    responses=declared(
        NotFoundError,
        FutureDateError,
        HouseholdDepartedError,
        ItemTooOldError,
        SupplierAsSourceError,
        ItemRecordedError,
    ),
)
def record_item(
    household_id: UUID, request: RecordItem, caller: Annotated[Caller, requires(Permission.ACCOUNT_WRITE)]
) -> Response:
    """Record what a household received or spent outside the market."""
    now = utc_now()
    item = service.Item(request.kind, request.amount_fen, request.occurred_on, request.source, request.evidence)
    return caller.once(
        request,
        lambda session, actor: _item(
            queries.Shown(
                service.record(session, actor, household_id=household_id, item=item, today=business_date(now), now=now),
                None,
            )
        ),
    )


@router.get("/households/{household_id}/account-items", responses=declared(NotFoundError))
def list_items(
    household_id: UUID,
    query: Annotated[PageQuery, Query()],
    caller: Annotated[Caller, requires(Permission.ACCOUNT_READ)],
) -> Page[AccountItemOut]:
    """List the items of a household's account, what was recorded last first; what is reversed stays."""
    with caller.transaction() as (session, actor):
        queries.check_visible(session, actor, household_id)
        items = queries.visible_account_items(actor).where(AccountItem.household_id == household_id)
        if last := after_id(query.cursor):
            items = items.where(AccountItem.id < last)
        rows = queries.shown(session, items.order_by(AccountItem.id.desc()).limit(query.limit + 1))
    page, next_cursor = cut(rows, query.limit, lambda row: row.item.id)
    return Page(items=[_item(row) for row in page], next_cursor=next_cursor)


@router.get("/account-items")
def list_items_of_region(
    query: Annotated[ItemsQuery, Query()], caller: Annotated[Caller, requires(Permission.ACCOUNT_READ)]
) -> Page[AccountItemOut]:
    """List the items of a region's households of a period, first recorded first: what is to be checked, or was."""
    with caller.transaction() as (session, actor):
        period = Window(query.period_from, query.period_to)
        items = queries.of_region(queries.visible_account_items(actor), query.region_code, period)
        if query.state is not None:
            items = queries.in_state(items, query.state)
        if last := after_id(query.cursor):
            items = items.where(AccountItem.id > last)
        rows = queries.shown(session, items.order_by(AccountItem.id).limit(query.limit + 1))
    page, next_cursor = cut(rows, query.limit, lambda row: row.item.id)
    return Page(items=[_item(row) for row in page], next_cursor=next_cursor)


@router.post(
    "/account-items/checks",
    status_code=201,
    response_model=ItemsCheckedOut,
    responses=declared(VillageOutsideRegionError, ItemsToCheckError),
)
def check_items(request: CheckItems, caller: Annotated[Caller, requires(Permission.ACCOUNT_CHECK)]) -> Response:
    """Say that a village's items of a period were checked, by another person than who recorded them."""

    def work(session: orm.Session, actor: Actor) -> ItemsCheckedOut:
        period = Window(request.period_from, request.period_to)
        seen = Checked(request.items, request.amount_fen)
        return ItemsCheckedOut.model_validate(
            checking.check_items(
                session, actor, village_code=request.village_code, period=period, seen=seen, now=utc_now()
            )
        )

    return caller.once(request, work)


@router.post(
    "/account-items/{item_id}/reversal",
    status_code=201,
    response_model=AccountItemOut,
    responses=declared(NotFoundError, ItemReversedError),
)
def reverse_item(
    item_id: UUID, request: ReverseItem, caller: Annotated[Caller, requires(Permission.ACCOUNT_WRITE)]
) -> Response:
    """Take an item back; the reversal is a row of its own."""
    return caller.once(
        request,
        lambda session, actor: _item(
            queries.Shown(service.reverse(session, actor, item_id=item_id, reason=request.reason, now=utc_now()), None)
        ),
    )


@router.post(
    "/account-items/imports",
    status_code=201,
    response_model=ImportOut,
    responses=tried(ImportOut) | declared(RowsAtFaultError),
)
def import_items(
    request: ImportItems, caller: Annotated[Caller, requires(Permission.ACCOUNT_WRITE)], *, dry_run: bool = False
) -> Response:
    """Import items from a CSV file or a workbook, all or none; `dry_run=true` lists every fault and writes nothing."""
    now = utc_now()
    try:
        content = base64.b64decode(request.content, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInputError("it is not base64", "不是有效的 base64 文本", pointer="/content") from None

    def work(session: orm.Session, actor: Actor) -> ImportOut:
        found = item_import.import_items(
            session,
            actor,
            file_name=request.file_name,
            content=content,
            today=business_date(now),
            now=now,
            dry_run=dry_run,
        )
        return _imported(found, dry_run=dry_run)

    if not dry_run:
        return caller.once(request, work)
    with caller.transaction() as (session, actor):
        return answer(work(session, actor))


@router.post(
    "/households/{household_id}/baselines",
    status_code=201,
    response_model=HouseholdBaselineOut,
    responses=declared(NotFoundError, BaselinePeriodError, BaselineConfirmedError),
)
def propose_household_baseline(
    household_id: UUID, request: ProposeBaseline, caller: Annotated[Caller, requires(Permission.ACCOUNT_WRITE)]
) -> Response:
    """State what a figure of a household was in a year before; the county confirms or rejects it.

    What is confirmed is replaced only by a proposal that names it and says why, once the county confirms that too.
    """
    return caller.once(
        request,
        lambda session, actor: HouseholdBaselineOut.model_validate(
            baselines.propose(
                session,
                actor,
                household_id=household_id,
                figure=request.figure,
                amount_fen=request.amount_fen,
                period=Window(request.period_from, request.period_to),
                source=request.source,
                replaces=request.replaces,
                reason=request.reason,
                now=utc_now(),
            )
        ),
    )


@router.get("/households/{household_id}/baselines", responses=declared(NotFoundError))
def list_household_baselines(
    household_id: UUID,
    query: Annotated[PageQuery, Query()],
    caller: Annotated[Caller, requires(Permission.ACCOUNT_READ)],
) -> Page[HouseholdBaselineOut]:
    """List the baselines of a household, what was stated last first."""
    with caller.transaction() as (session, actor):
        queries.check_visible(session, actor, household_id)
        found = queries.visible_household_baselines(actor).where(HouseholdBaseline.household_id == household_id)
        page, next_cursor = newest(session, found, HouseholdBaseline.id, query)
    return Page(items=[HouseholdBaselineOut.model_validate(row) for row in page], next_cursor=next_cursor)


@router.post(
    "/household-baselines/{baseline_id}/decision",
    status_code=201,
    response_model=HouseholdBaselineOut,
    responses=declared(NotFoundError, TransitionError, FourEyesError, BaselineConfirmedError),
)
def decide_household_baseline(
    baseline_id: UUID, request: DecideBaseline, caller: Annotated[Caller, requires(Permission.BASELINE_CONFIRM)]
) -> Response:
    """Confirm or reject what a household's figure is said to have been; another person stated it."""
    event = BaselineEvent.CONFIRM if request.confirmed else BaselineEvent.REJECT
    return caller.once(
        request,
        lambda session, actor: HouseholdBaselineOut.model_validate(
            baselines.decide(
                session, actor, baseline_id=baseline_id, event=event, opinion=request.opinion, now=utc_now()
            )
        ),
    )


@router.get("/monitoring/lines")
def list_lines(
    query: Annotated[PageQuery, Query()], caller: Annotated[Caller, requires(Permission.REGION_READ)]
) -> Page[LineOut]:
    """List the lines of monitoring, the latest year first."""
    with caller.transaction() as (session, _):
        lines = queries.monitoring_lines()
        if query.cursor is not None:
            year, region_code = decode_cursor(query.cursor, keys=2)
            lines = lines.where(queries.line_after(year, region_code))
        rows = session.scalars(lines.limit(query.limit + 1)).all()
    page = rows[: query.limit]
    more = len(rows) > query.limit
    next_cursor = encode_cursor(page[-1].year, page[-1].region_code) if more else None
    return Page(items=[LineOut.model_validate(row) for row in page], next_cursor=next_cursor)


@router.post(
    "/monitoring/lines", status_code=201, response_model=LineOut, responses=declared(UnknownRegionError, LineSetError)
)
def set_line(request: SetLine, caller: Annotated[Caller, requires(Permission.MONITORING_WRITE)]) -> Response:
    """Set the line below which a region's households are warned of in a year.

    A region may ask more than those it lies in, never less: of all lines around a village the strictest holds.
    """
    return caller.once(
        request, lambda session, _: LineOut.model_validate(service.set_line(session, **request.model_dump()))
    )


def _item(row: queries.Shown) -> AccountItemOut:
    item, check = row
    return AccountItemOut(
        **{column.name: getattr(item, column.name) for column in AccountItem.__table__.columns},
        **ITEMS[item.kind]._asdict(),
        state=CheckState.CHECKED if check else CheckState.UNCHECKED,
        checked_by=check.checked_by if check else None,
        checked_at=check.checked_at if check else None,
    )


def _imported(found: item_import.Imported, *, dry_run: bool) -> ImportOut:
    return ImportOut(
        dry_run=dry_run,
        rows=found.rows,
        **{f"{treatment}_fen": found.amounts[treatment] for treatment in Treatment},
        faults=[
            FaultOut(
                line=fault.line,
                column=fault.column,
                code=fault.error.code(),
                en=fault.error.detail("en"),
                zh=fault.error.detail("zh"),
            )
            for fault in found.faults
        ],
    )
