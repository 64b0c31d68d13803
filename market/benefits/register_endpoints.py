"""Share registers, their versions and their decision, by HTTP."""

from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, declared, router_of
from market.benefits import queries, registers
from market.benefits.endpoints import page_by_ids
from market.benefits.holdings import ModePartMissingError, RegisterBodyError, SchemeBeyondRuleError
from market.benefits.models import Register, RegisterVersion
from market.benefits.refusals import CollectiveElsewhereError, NotCollectiveError, NotEnrolledError
from market.benefits.register_schemas import (
    BoundedOut,
    DraftRegister,
    OpenRegister,
    RegisterDetailOut,
    RegisterOut,
    RegisterQuery,
    RegisterRowsOut,
    RegisterVersionOut,
    bounded_out,
    rows_out,
)
from market.benefits.registers import ListKeeperError, NotOfVillageError, RegisterNameTakenError
from market.benefits.schemas import DecideVersion
from market.clock import utc_now
from market.errors import FourEyesError, NotFoundError, TransitionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission

router = router_of("benefits")


@router.post(
    "/registers",
    status_code=201,
    response_model=RegisterOut,
    responses=declared(RegisterNameTakenError, ListKeeperError),
)
def open_register(request: OpenRegister, caller: Annotated[Caller, requires(Permission.REGISTER_WRITE)]) -> Response:
    """Open a share register; its content comes in versions."""
    return caller.once(
        request,
        lambda session, actor: RegisterOut.model_validate(
            registers.open_register(session, actor, kind=request.kind, name=request.name)
        ),
    )


@router.get("/registers")
def list_registers(
    query: Annotated[RegisterQuery, Query()], caller: Annotated[Caller, requires(Permission.REGISTER_READ)]
) -> Page[RegisterOut]:
    """List the share registers you may see, oldest first."""
    with caller.transaction() as (session, actor):
        found = queries.visible_registers(actor)
        if query.kind is not None:
            found = found.where(Register.kind == query.kind)
        return page_by_ids(session, found, (Register.id,), query, RegisterOut)


@router.get("/registers/{register_id}", responses=declared(NotFoundError))
def show_register(
    register_id: UUID, caller: Annotated[Caller, requires(Permission.REGISTER_READ)]
) -> RegisterDetailOut:
    """Show a register with every version; the rows of a version are a page of their own."""
    with caller.transaction() as (session, actor):
        register = registers.one(session, actor, register_id)
        versions = session.scalars(
            sa.select(RegisterVersion)
            .where(RegisterVersion.register_id == register_id)
            .order_by(RegisterVersion.number)
        )
        return RegisterDetailOut(
            **RegisterOut.model_validate(register).model_dump(),
            versions=[RegisterVersionOut.model_validate(version) for version in versions],
        )


@router.post(
    "/registers/{register_id}/versions",
    status_code=201,
    response_model=RegisterVersionOut,
    responses=declared(
        NotFoundError,
        RegisterBodyError,
        ModePartMissingError,
        SchemeBeyondRuleError,
        NotEnrolledError,
        NotOfVillageError,
        NotCollectiveError,
        CollectiveElsewhereError,
    ),
)
def draft_register(
    register_id: UUID, request: DraftRegister, caller: Annotated[Caller, requires(Permission.REGISTER_WRITE)]
) -> Response:
    """Draft the next version of a register; it names households by the code on their papers."""

    def work(session: orm.Session, actor: Actor) -> RegisterVersionOut:
        kind = registers.one(session, actor, register_id).kind
        body = request.register_body(kind, registers.ids_of(session, kind, request.codes()))
        drafted = registers.draft(
            session,
            actor,
            register_id=register_id,
            body=body,
            valid_from=request.valid_from,
            evidence=request.evidence,
            now=utc_now(),
        )
        return RegisterVersionOut.model_validate(drafted)

    return caller.once(request, work)


@router.get("/register-versions/{version_id}", responses=declared(NotFoundError))
def show_register_version(
    version_id: UUID, caller: Annotated[Caller, requires(Permission.REGISTER_READ)]
) -> RegisterRowsOut:
    """Show what a version says, household by household."""
    with caller.transaction() as (session, actor):
        version = session.scalar(queries.visible_register_versions(actor).where(RegisterVersion.id == version_id))
        if version is None:
            raise NotFoundError(what="register_version")
        body = registers.body_of(version)
        return rows_out(_bounded(session, version), body, registers.codes_of(session, body))


def _bounded(session: orm.Session, version: RegisterVersion) -> BoundedOut:
    rule = registers.rule_of(session, session.get_one(Register, version.register_id))
    return bounded_out(RegisterVersionOut.model_validate(version), registers.body_of(version), rule)


@router.post(
    "/register-versions/{version_id}/submission",
    response_model=RegisterVersionOut,
    responses=declared(NotFoundError, TransitionError),
)
def submit_register(version_id: UUID, caller: Annotated[Caller, requires(Permission.REGISTER_WRITE)]) -> Response:
    """Hand a draft to the county."""
    return caller.once(
        None,
        lambda session, actor: RegisterVersionOut.model_validate(
            registers.submit(session, actor, version_id=version_id)
        ),
        status=200,
    )


@router.post(
    "/register-versions/{version_id}/approval",
    response_model=BoundedOut,
    responses=declared(NotFoundError, TransitionError, FourEyesError),
)
def approve_register(
    version_id: UUID, request: DecideVersion, caller: Annotated[Caller, requires(Permission.REGISTER_APPROVE)]
) -> Response:
    """Approve a submitted version; from then on it never changes. What bounds its scheme is shown with it."""
    return caller.once(
        request,
        lambda session, actor: _bounded(
            session, registers.approve(session, actor, version_id=version_id, opinion=request.opinion, now=utc_now())
        ),
        status=200,
    )


@router.post(
    "/register-versions/{version_id}/rejection",
    response_model=RegisterVersionOut,
    responses=declared(NotFoundError, TransitionError, FourEyesError),
)
def reject_register(
    version_id: UUID, request: DecideVersion, caller: Annotated[Caller, requires(Permission.REGISTER_APPROVE)]
) -> Response:
    """Turn a submitted version down."""
    return caller.once(
        request,
        lambda session, actor: RegisterVersionOut.model_validate(
            registers.reject(session, actor, version_id=version_id, opinion=request.opinion, now=utc_now())
        ),
        status=200,
    )
