"""Signing in and out, organisations, members, API keys."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Request, Response
from pydantic import SecretStr
from sqlalchemy import orm

from market.api import (
    Page,
    PageQuery,
    PreconditionFailedError,
    PreconditionRequiredError,
    after_id,
    check_version,
    cut,
    declared,
    etag,
    router_of,
)
from market.clock import utc_now
from market.db import Database
from market.errors import FourEyesError, NotFoundError
from market.identity import members, queries, service
from market.identity.access import Caller, public, requires
from market.identity.limiting import SignInLimits
from market.identity.models import Credential, Member, Organisation
from market.identity.refusals import (
    AlreadyAdmittedError,
    CreditCodeError,
    CreditCodeTakenError,
    LoginFailedError,
    LoginTakenError,
    NotAdmittedError,
    OrganisationNameKeptError,
    OrganisationNameTakenError,
    SamePasswordError,
    TooManySignInsError,
    WrongAdmissionCodeError,
    WrongPasswordError,
)
from market.identity.rules import Actor, KeyScopeError, Permission, RoleNotOfKindError, permissions_of
from market.identity.schemas import (
    AddMember,
    AdmittedMemberOut,
    ChangeMember,
    ChangeOrganisation,
    GrantOut,
    KeyOut,
    MakeKey,
    MemberOut,
    MeOut,
    NewKeyOut,
    OrganisationOut,
    OrganisationQuery,
    RegisterOrganisation,
    ResetPassword,
    SetPassword,
    SignIn,
    TokenOut,
)

router = router_of("identity")
IfMatch = Annotated[str | None, Header()]
_EDITING = (NotFoundError, PreconditionRequiredError, PreconditionFailedError)


_WAIT = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}}
_SIGNING_IN = declared(LoginFailedError, NotAdmittedError, TooManySignInsError)
_SETTING_PASSWORD = declared(WrongPasswordError, SamePasswordError, WrongAdmissionCodeError, TooManySignInsError)
for _limited in (_SIGNING_IN, _SETTING_PASSWORD):
    _limited[TooManySignInsError.status]["headers"] = _WAIT


@router.post("/tokens", status_code=201, responses=_SIGNING_IN, dependencies=[public()])
def sign_in(request: Request, response: Response, body: SignIn) -> TokenOut:
    """Exchange a login and its password for a bearer token. Takes no Idempotency-Key: each call makes a new token."""
    db: Database = request.app.state.db
    sign_ins: SignInLimits = request.app.state.sign_ins
    sign_ins.admit(address=request.client.host if request.client else "", login=body.login)
    with db.reading() as connection:
        checked = service.check_password(connection, login=body.login, password=body.password.get_secret_value())
    with db.transaction() as session:
        hours = request.app.state.token_hours
        token, credential = service.sign_in(session, checked, now=utc_now(), hours=hours)
        response.headers["Cache-Control"] = "no-store"
        return TokenOut(token=token, expires_at=credential.expires_at)


@router.delete("/tokens/current", status_code=204)
def sign_out(caller: Annotated[Caller, requires(Permission.SELF_READ)]) -> None:
    """End the token that this request carries."""
    with caller.transaction() as (session, _):
        service.sign_out(session, secret=caller.secret, now=utc_now())


@router.get("/me")
def read_me(caller: Annotated[Caller, requires(Permission.SELF_READ)]) -> MeOut:
    """Say who is asking, for which organisation, and what the credential in use may do."""
    with caller.transaction() as (session, actor):
        grants = permissions_of(actor.role, actor.key_scopes)
        return MeOut(
            member=MemberOut.model_validate(session.get_one(Member, actor.member_id)),
            organisation=OrganisationOut.model_validate(session.get_one(Organisation, actor.organisation_id)),
            permissions=[GrantOut(permission=permission, scope=scope) for permission, scope in grants],
        )


@router.put("/me/password", status_code=204, responses=_SETTING_PASSWORD)
def set_password(
    request: Request, body: SetPassword, caller: Annotated[Caller, requires(Permission.PASSWORD_WRITE)]
) -> None:
    """Set a password of one's own, before which a new member may do nothing else; one's other tokens and keys end.

    The first time with the admission code, which whoever admitted the member has and whoever added it has not.
    """
    sign_ins: SignInLimits = request.app.state.sign_ins
    with caller.reading() as (connection, actor):
        sign_ins.admit(address=caller.ip, login=str(actor.member_id))
        old, new = body.old_password.get_secret_value(), body.new_password.get_secret_value()
        password = service.check_new_password(connection, actor, old=old, new=new)
    with caller.transaction() as (session, actor):
        member = members.locked(session, actor, member_id=actor.member_id)
        code = body.admission_code.get_secret_value() if body.admission_code else ""
        service.set_password(session, member, password, admission_code=code, secret=caller.secret, now=utc_now())


@router.post(
    "/organisations",
    status_code=201,
    response_model=OrganisationOut,
    responses=declared(CreditCodeError, CreditCodeTakenError, OrganisationNameTakenError),
)
def register_organisation(
    request: RegisterOrganisation, caller: Annotated[Caller, requires(Permission.ORGANISATION_WRITE)]
) -> Response:
    """Register a body that will act in the market."""
    return caller.once(
        request,
        lambda session, _: OrganisationOut.model_validate(
            service.register_organisation(
                session,
                kind=request.kind,
                name=request.name,
                region_code=request.region_code,
                credit_code=request.credit_code,
            )
        ),
    )


@router.get("/organisations")
def list_organisations(
    query: Annotated[OrganisationQuery, Query()], caller: Annotated[Caller, requires(Permission.ORGANISATION_READ)]
) -> Page[OrganisationOut]:
    """List organisations in the order of their registration."""
    with caller.transaction() as (session, actor):
        found = queries.find_organisations(
            session,
            actor,
            kind=query.kind,
            side=query.side,
            region_code=query.region_code,
            name_prefix=query.q,
            after=after_id(query.cursor),
            limit=query.limit + 1,
        )
        page, following = cut(found, query.limit, lambda row: row.id)
        return Page(items=[OrganisationOut.model_validate(row) for row in page], next_cursor=following)


@router.get("/organisations/{organisation_id}", responses=declared(NotFoundError))
def read_organisation(
    organisation_id: UUID,
    response: Response,
    caller: Annotated[Caller, requires(Permission.ORGANISATION_READ)],
) -> OrganisationOut:
    """Read one organisation; the ETag is what an edit must name."""
    with caller.transaction() as (session, actor):
        row = session.scalar(queries.visible_organisations(actor).where(Organisation.id == organisation_id))
        if row is None:
            raise NotFoundError(what="organisation")
        response.headers["ETag"] = etag(row.version)
        return OrganisationOut.model_validate(row)


@router.patch(
    "/organisations/{organisation_id}",
    responses=declared(*_EDITING, OrganisationNameTakenError, OrganisationNameKeptError),
)
def change_organisation(
    organisation_id: UUID,
    request: ChangeOrganisation,
    response: Response,
    caller: Annotated[Caller, requires(Permission.ORGANISATION_WRITE)],
    if_match: IfMatch = None,
) -> OrganisationOut:
    """Rename an organisation, or close and reopen it.

    A closed one's members are locked out at once; reopened, another admits each anew. The name in which a custody
    account is held stays.
    """
    with caller.transaction() as (session, actor):
        row = service.organisation_to_change(session, actor, organisation_id=organisation_id)
        check_version(if_match, row.version)
        service.change_organisation(session, actor, row, name=request.name, active=request.active, now=utc_now())
        response.headers["ETag"] = etag(row.version)
        return OrganisationOut.model_validate(row)


@router.post(
    "/organisations/{organisation_id}/members",
    status_code=201,
    response_model=MemberOut,
    responses=declared(NotFoundError, RoleNotOfKindError, LoginTakenError),
)
def add_member(
    organisation_id: UUID, request: AddMember, caller: Annotated[Caller, requires(Permission.MEMBER_WRITE)]
) -> Response:
    """Give a person an account, which acts once another member admitted it and it set a password of its own.

    For that it needs the admission code, which the other member has.
    """
    password_hash = _hashed(caller, request.password)
    return caller.once(
        request,
        lambda session, actor: MemberOut.model_validate(
            members.add(
                session,
                actor.member_id,
                organisation_id=organisation_id,
                login=request.login,
                password_hash=password_hash,
                role=request.role,
                now=utc_now(),
            )
        ),
    )


@router.get("/organisations/{organisation_id}/members", responses=declared(NotFoundError))
def list_members(
    organisation_id: UUID,
    query: Annotated[PageQuery, Query()],
    caller: Annotated[Caller, requires(Permission.MEMBER_READ)],
) -> Page[MemberOut]:
    """List an organisation's members in the order in which they were added."""
    with caller.transaction() as (session, actor):
        if session.scalar(queries.visible_organisations(actor).where(Organisation.id == organisation_id)) is None:
            raise NotFoundError(what="organisation")
        found = queries.find_members(
            session, actor, organisation_id=organisation_id, after=after_id(query.cursor), limit=query.limit + 1
        )
        page, following = cut(found, query.limit, lambda row: row.id)
        return Page(items=[MemberOut.model_validate(row) for row in page], next_cursor=following)


@router.get("/members/{member_id}", responses=declared(NotFoundError))
def read_member(
    member_id: UUID, response: Response, caller: Annotated[Caller, requires(Permission.MEMBER_READ)]
) -> MemberOut:
    """Read one member; the ETag is what an edit must name."""
    with caller.transaction() as (session, actor):
        row = session.scalar(queries.visible_members(actor).where(Member.id == member_id))
        if row is None:
            raise NotFoundError(what="member")
        response.headers["ETag"] = etag(row.version)
        return MemberOut.model_validate(row)


@router.post(
    "/members/{member_id}/admission",
    status_code=201,
    response_model=AdmittedMemberOut,
    responses=declared(*_EDITING, AlreadyAdmittedError, FourEyesError),
)
def admit_member(
    member_id: UUID, caller: Annotated[Caller, requires(Permission.MEMBER_ADMIT)], if_match: IfMatch = None
) -> Response:
    """Let a member act in its role, as another member added it; If-Match names what was read of it.

    Tell the admission code in the answer to the person itself, whom you know, and to nobody else: without it the person
    cannot set its first own password. A code that was lost is not told again; have the password reset instead.
    """

    def admit(session: orm.Session, actor: Actor) -> AdmittedMemberOut:
        row = members.locked(session, actor, member_id=member_id)
        check_version(if_match, row.version)
        code = members.admit(session, actor, row, now=utc_now())
        return AdmittedMemberOut(**MemberOut.model_validate(row).model_dump(), admission_code=code)

    return caller.once(None, admit, shown_once=("admission_code",))


@router.post(
    "/members/{member_id}/password-reset",
    status_code=201,
    response_model=MemberOut,
    responses=declared(*_EDITING),
)
def reset_password(
    member_id: UUID,
    request: ResetPassword,
    caller: Annotated[Caller, requires(Permission.MEMBER_WRITE)],
    if_match: IfMatch = None,
) -> Response:
    """Give a member a first password again; its tokens and keys end, and another admits it anew."""
    password_hash = _hashed(caller, request.password)

    def reset(session: orm.Session, actor: Actor) -> MemberOut:
        row = members.locked(session, actor, member_id=member_id)
        check_version(if_match, row.version)
        members.reset_password(session, actor, row, password_hash=password_hash, now=utc_now())
        return MemberOut.model_validate(row)

    return caller.once(request, reset)


def _hashed(caller: Caller, password: SecretStr) -> str:
    with caller.reading():  # only who was let in makes the market hash, which is slow on purpose
        pass
    return service.hash_password(password.get_secret_value())


@router.patch("/members/{member_id}", responses=declared(*_EDITING, RoleNotOfKindError))
def change_member(
    member_id: UUID,
    request: ChangeMember,
    response: Response,
    caller: Annotated[Caller, requires(Permission.MEMBER_WRITE)],
    if_match: IfMatch = None,
) -> MemberOut:
    """Change a member's role or let it in again, both until another admits it anew; or lock it out at once.

    Its tokens and keys end with either.
    """
    with caller.transaction() as (session, actor):
        row = members.locked(session, actor, member_id=member_id)
        check_version(if_match, row.version)
        members.change(session, actor, row, role=request.role, active=request.active, now=utc_now())
        response.headers["ETag"] = etag(row.version)
        return MemberOut.model_validate(row)


@router.post("/api-keys", status_code=201, response_model=NewKeyOut, responses=declared(KeyScopeError))
def make_key(request: MakeKey, caller: Annotated[Caller, requires(Permission.API_KEY_WRITE)]) -> Response:
    """Make an API key that acts as its maker, with the permissions named and no others."""
    return caller.once(
        request,
        lambda session, actor: _with_secret(
            *service.make_key(
                session, actor, label=request.label, scopes=request.scopes, now=utc_now(), days=request.days
            )
        ),
        shown_once=("secret",),
    )


def _with_secret(secret: str, key: Credential) -> NewKeyOut:
    return NewKeyOut(**KeyOut.model_validate(key).model_dump(), secret=secret)


@router.get("/api-keys")
def list_keys(
    query: Annotated[PageQuery, Query()], caller: Annotated[Caller, requires(Permission.API_KEY_WRITE)]
) -> Page[KeyOut]:
    """List the caller's own API keys, ended ones too."""
    with caller.transaction() as (session, actor):
        found = queries.find_keys(session, actor, after=after_id(query.cursor), limit=query.limit + 1)
        page, following = cut(found, query.limit, lambda row: row.id)
        return Page(items=[KeyOut.model_validate(row) for row in page], next_cursor=following)


@router.delete("/api-keys/{key_id}", status_code=204, responses=declared(NotFoundError))
def revoke_key(key_id: UUID, caller: Annotated[Caller, requires(Permission.API_KEY_WRITE)]) -> None:
    """End one of the caller's own API keys at once."""
    with caller.transaction() as (session, actor):
        service.revoke_key(session, actor, key_id=key_id, now=utc_now())
