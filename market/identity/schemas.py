"""What goes in and out of the identity endpoints."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from market.api import AnyRegionCode, Flag, PageQuery, Schema, Text, Wording, form
from market.identity.rules import OrganisationKind, Permission, Role, Scope, Side

_ID = "0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55"
_LATER = "2026-03-02T12:00:00Z"


def _only_useful(scopes: list[Permission]) -> list[Permission]:
    if len(set(scopes)) < len(scopes):
        msg = "must not name a permission twice"
        raise ValueError(msg)
    return scopes


Id = Annotated[UUID, Field(examples=[_ID])]
Instant = Annotated[datetime, Field(examples=[_LATER])]
Version = Annotated[int, Field(examples=[1])]
Kind = Annotated[OrganisationKind, Field(examples=["cooperative"])]
OneRole = Annotated[Role, Field(examples=["supplier_clerk"])]
Login = Annotated[
    str,
    form(
        r"^[a-z0-9][a-z0-9._@-]{2,63}$",
        "3 to 64 lower-case letters, digits and . _ @ -, a letter or digit first",
        "3 至 64 位小写字母、数字或 . _ @ -,以字母或数字开头",
        example="fushan.clerk",
    ),
]


def _only_unicode(secret: SecretStr) -> SecretStr:
    """A half of a surrogate pair has no bytes that could be hashed."""
    try:
        secret.get_secret_value().encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("string_unicode", "must be valid Unicode text") from None
    return secret


# SecretStr keeps a password out of logs and out of the digest that an Idempotency-Key is compared by.
Secret = Annotated[SecretStr, AfterValidator(_only_unicode)]
Password = Annotated[Secret, Field(min_length=10, max_length=128, examples=["correct horse battery"])]
Scopes = Annotated[
    list[Permission],
    Field(min_length=1, max_length=len(Permission), examples=[["product:read", "order:read"]]),
    AfterValidator(_only_useful),
]


class SignIn(Schema):
    """A login and its password."""

    login: Annotated[Text, Field(examples=["fushan.clerk"])]
    password: Annotated[Secret, Field(min_length=1, max_length=128, examples=["correct horse battery"])]


class TokenOut(Schema):
    """A bearer token, shown this once."""

    token: Annotated[str, Field(examples=["mt_4fT0..."])]
    expires_at: Instant


class RegisterOrganisation(Schema):
    """A body to be registered."""

    kind: Kind
    name: Annotated[Wording, Field(examples=["富山种植专业合作社"])]
    region_code: AnyRegionCode
    credit_code: Annotated[str | None, Field(max_length=40, examples=["93141122MA0FAKE015"])] = None


class ChangeOrganisation(Schema):
    """What of an organisation may be edited; what is absent stays."""

    name: Annotated[Wording | None, Field(examples=["富山种养专业合作社"])] = None
    active: Annotated[Flag | None, Field(examples=[False])] = None


class OrganisationOut(Schema):
    """An organisation."""

    id: Id
    kind: Kind
    name: Annotated[str, Field(examples=["富山种植专业合作社"])]
    region_code: Annotated[str, Field(examples=["141122"])]
    credit_code: Annotated[str | None, Field(examples=["93141122MA0FAKE015"])]
    active: Annotated[bool, Field(examples=[True])]
    version: Version


class OrganisationQuery(PageQuery):
    """Which organisations to list."""

    kind: Annotated[OrganisationKind | None, Field(examples=["cooperative"])] = None
    side: Annotated[Side | None, Field(examples=["supplier"])] = None
    region_code: Annotated[AnyRegionCode | None, Field(examples=["141122"], description="and below")] = None
    q: Annotated[Text | None, Field(examples=["富山"], description="how the name begins")] = None


class AddMember(Schema):
    """A person who shall have an account."""

    login: Login
    password: Password
    role: OneRole


class ResetPassword(Schema):
    """The first password of a member that lost its own, or whose first one was used by who gave it."""

    password: Password


class SetPassword(Schema):
    """The password in use, and the one that shall take its place.

    Who was added by another names the admission code with its first own password; later it is not looked at.
    """

    old_password: Annotated[Secret, Field(min_length=1, max_length=128, examples=["first horse battery"])]
    new_password: Password
    admission_code: Annotated[Secret | None, Field(max_length=64, examples=["7KQM-3XRD-9HTB-2WEV-ZP5N-C8JA-YF64"])] = (
        None
    )


class ChangeMember(Schema):
    """What of a member may be edited; what is absent stays."""

    role: Annotated[Role | None, Field(examples=["supplier_manager"])] = None
    active: Annotated[Flag | None, Field(examples=[False])] = None


class MemberOut(Schema):
    """A member of an organisation: who gave it its role and when, and who admitted it, without whom it cannot act.

    Whom the command line made has neither, but the instants.
    """

    id: Id
    organisation_id: Id
    login: Annotated[str, Field(examples=["fushan.clerk"])]
    role: OneRole
    added_by: Annotated[UUID | None, Field(examples=[_ID])]
    added_at: Instant
    admitted_by: Annotated[UUID | None, Field(examples=[_ID])]
    admitted_at: Annotated[datetime | None, Field(examples=[_LATER])]
    active: Annotated[bool, Field(examples=[True])]
    version: Version


class AdmittedMemberOut(MemberOut):
    """An admitted member and its admission code, to be told to the person by a way of your own.

    The code is shown this once, and null when the request is repeated or the member has a password of its own.
    """

    admission_code: Annotated[str | None, Field(examples=["7KQM-3XRD-9HTB-2WEV-ZP5N-C8JA-YF64"])]


class GrantOut(Schema):
    """A permission and how far it reaches."""

    permission: Annotated[Permission, Field(examples=["product:read"])]
    scope: Annotated[Scope, Field(examples=["all"])]


class MeOut(Schema):
    """Who is asking, and what the credential in use may do."""

    member: MemberOut
    organisation: OrganisationOut
    permissions: list[GrantOut]


class MakeKey(Schema):
    """An API key to be made, for a program that acts as its maker with fewer permissions."""

    label: Annotated[Text, Field(examples=["进销存系统"])]
    scopes: Scopes
    days: Annotated[int, Field(strict=True, ge=1, le=366, examples=[90])]


class KeyOut(Schema):
    """An API key, without its secret."""

    id: Id
    label: Annotated[str, Field(examples=["进销存系统"])]
    scopes: Annotated[list[str], Field(examples=[["product:read", "order:read"]])]
    created_at: Instant
    expires_at: Instant
    revoked_at: Annotated[datetime | None, Field(examples=[None])]


class NewKeyOut(KeyOut):
    """A new API key; the secret is shown this once and is null when the request is repeated."""

    secret: Annotated[str | None, Field(examples=["mk_9aQx..."])]
