"""What goes in and out of the endpoints of people: masked by default, in clear only where a purpose is said."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from market.api import AnyRegionCode, Day, LongText, PageQuery, Schema
from market.households.rules import MAX_REVEALED_AT_ONCE, AccessKind, PersonalField, Purpose
from market.households.schemas import Id
from market.identity.rules import Role

_Short = StringConstraints(strip_whitespace=True, min_length=1, max_length=60)
Name = Annotated[str, _Short, Field(examples=["张示例"])]
ResidentId = Annotated[
    str, _Short, Field(examples=["14112219800101001X"], description="GB 11643, 18 characters; the example is nobody's")
]
Relation = Annotated[str, _Short, Field(examples=["户主"], description="to the head of the household")]
Phone = Annotated[str, _Short, Field(examples=["13800000000"])]
BankName = Annotated[str, _Short, Field(examples=["示例农商银行"])]
BankAccount = Annotated[str, _Short, Field(examples=["6200000000000000005"])]
Health = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), Field(examples=["无"])]
Reason = Annotated[LongText, Field(examples=["入户核实信息"], description="kept as it is: no numbers of persons")]


class AddPerson(Schema):
    """A person of a household."""

    name: Name
    resident_id: ResidentId | None = None
    relation: Relation | None = None
    phone: Phone | None = None
    bank_name: BankName | None = None
    bank_account: BankAccount | None = None
    health: Health | None = None


class CorrectPerson(Schema):
    """What of a person is corrected: a field that is not named stays, one that is null is taken away."""

    name: Name | None = None
    resident_id: ResidentId | None = None
    relation: Relation | None = None
    phone: Phone | None = None
    bank_name: BankName | None = None
    bank_account: BankAccount | None = None
    health: Health | None = None


class PersonNamedOut(Schema):
    """A person, by id alone: what is answered to a key is remembered, and nothing of a person may be."""

    id: Id
    household_id: Id
    departed_on: Annotated[date | None, Field(examples=[None])]
    version: Annotated[int, Field(examples=[1])]


class PersonOut(Schema):
    """A person, masked; null where nothing is recorded, or where the caller's role does not see it."""

    id: Id
    version: Annotated[int, Field(examples=[1])]
    name: Annotated[str | None, Field(examples=["张**"])]
    resident_id: Annotated[str | None, Field(examples=["141122********001X"])]
    relation: Annotated[str | None, Field(examples=["户主"])]
    phone: Annotated[str | None, Field(examples=["138****0000"])]
    bank_name: Annotated[str | None, Field(examples=["***"])]
    bank_account: Annotated[str | None, Field(examples=["****0005"])]
    health: Annotated[str | None, Field(examples=[None], description="*** where something is recorded")]


class HouseholdPeopleOut(Schema):
    """A household's people of today, masked."""

    household_id: Id
    household_code: Annotated[str, Field(examples=["1411221062010007"])]
    erased: Annotated[bool, Field(examples=[False], description="the personal data were destroyed, for ever")]
    people: list[PersonOut]


class PeopleQuery(PageQuery):
    """Whose people to list, by the code of the household."""

    village_code: Annotated[
        AnyRegionCode | None, Field(examples=["141122106201"], description="the village, or a region above it")
    ] = None
    household_id: Annotated[UUID | None, Field(examples=[None])] = None


def _each_once(values: list[UUID] | list[PersonalField]) -> list[UUID] | list[PersonalField]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("named_twice", "must name each once")
    return values


class Reveal(Schema):
    """Whose data are read in clear, which, and why."""

    household_ids: Annotated[
        list[UUID],
        Field(min_length=1, max_length=MAX_REVEALED_AT_ONCE, examples=[["0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55"]]),
        AfterValidator(_each_once),
    ]
    fields: Annotated[
        list[PersonalField],
        Field(min_length=1, max_length=len(PersonalField), examples=[["name", "phone"]]),
        AfterValidator(_each_once),
    ]
    purpose: Annotated[Purpose, Field(examples=["assistance"])]
    reason: Reason


class PersonClearOut(Schema):
    """A person with the fields that were asked for, in clear; null where nothing is recorded, or not asked for."""

    id: Id
    name: Annotated[str | None, Field(examples=["张示例"])]
    resident_id: Annotated[str | None, Field(examples=[None])]
    relation: Annotated[str | None, Field(examples=[None])]
    phone: Annotated[str | None, Field(examples=["13800000000"])]
    bank_name: Annotated[str | None, Field(examples=[None])]
    bank_account: Annotated[str | None, Field(examples=[None])]
    health: Annotated[str | None, Field(examples=[None])]


class HouseholdClearOut(Schema):
    """A household's people of today, in clear."""

    household_id: Id
    household_code: Annotated[str, Field(examples=["1411221062010007"])]
    erased: Annotated[bool, Field(examples=[False])]
    people: list[PersonClearOut]


class RevealedOut(Schema):
    """What was revealed; null in a repeat with the same Idempotency-Key: reading again is another reading."""

    households: list[HouseholdClearOut] | None


class Search(Schema):
    """A number to look up exactly, and why."""

    field: Annotated[PersonalField, Field(examples=["resident_id"], description="resident_id, phone or bank_account")]
    value: Annotated[str, _Short, Field(examples=["14112219800101001X"])]
    purpose: Annotated[Purpose, Field(examples=["identity_check"])]
    reason: Reason


class PersonFoundOut(Schema):
    """A person to whom the number belongs."""

    person_id: Id
    household_id: Id
    household_code: Annotated[str, Field(examples=["1411221062010007"])]


class FoundOut(Schema):
    """Everybody within the caller's reach to whom the number belongs."""

    items: list[PersonFoundOut]


class AccessOut(Schema):
    """A reading of personal data in clear, or a look-up."""

    id: Id
    kind: Annotated[AccessKind, Field(examples=["reveal"])]
    member_id: Id
    role: Annotated[Role, Field(examples=["village_clerk"])]
    acting_for: Annotated[
        UUID, Field(description="the organisation", examples=["0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55"])
    ]
    purpose: Annotated[Purpose, Field(examples=["assistance"])]
    reason: Annotated[str, Field(examples=["入户核实信息"])]
    household_ids: Annotated[list[UUID], Field(examples=[["0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55"]])]
    fields: Annotated[list[PersonalField], Field(examples=[["name", "phone"]])]
    person_count: Annotated[int, Field(examples=[4])]
    ip: Annotated[str, Field(examples=["192.0.2.7"])]
    request_id: Annotated[str, Field(examples=["0198c2f05d1e7b3a9c412f6d0b7a1e55"])]
    accessed_at: Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]


class AccessQuery(PageQuery):
    """Which readings to list, newest first."""

    household_id: Annotated[UUID | None, Field(examples=[None])] = None
    member_id: Annotated[UUID | None, Field(examples=[None])] = None
    from_: Annotated[Day | None, Field(alias="from", examples=["2026-03-01"])] = None
    to: Annotated[Day | None, Field(examples=["2026-03-31"], description="the last day")] = None
