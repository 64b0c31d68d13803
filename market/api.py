"""What every endpoint shares: schema base and field types, problem+json, keyset cursors, versions as ETags."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError
from sqlalchemy import orm

from market.clock import YEARS, business_date, utc_now
from market.errors import InvalidInputError, MarketError, check_not_ahead
from market.identifiers import holds_personal_number, holds_resident_id, is_personal_code, is_personal_reference
from market.money import MAX_FEN, MOST_OF_A_HOUSEHOLD_FEN, WHOLE_BP
from market.routing import GatedRoute

PROBLEM_JSON = "application/problem+json"


class Schema(BaseModel):
    """Input and output alike refuse what they do not know; what failed to fit is not repeated where it is logged."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, frozen=True, hide_input_in_errors=True)


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _refuse_unprintable(value: str) -> str:
    if any(not character.isprintable() for character in value):
        raise PydanticCustomError("unprintable", "must be printable text")
    return value


def _refuse_resident_numbers(value: str) -> str:
    """What is kept in clear names nobody: personal data belong into the vault."""
    if holds_resident_id(value):
        raise PydanticCustomError("personal_number", "must not hold a resident number")
    return value


def _refuse_if(holds: Callable[[str], bool]) -> AfterValidator:
    def refuse(value: str) -> str:
        if holds(value):
            raise PydanticCustomError("personal_number", "must not hold a resident, mobile or bank card number")
        return value

    return AfterValidator(refuse)


def _only_as_written(value: object) -> object:
    if not isinstance(value, str | date) or (isinstance(value, str) and not _DAY.fullmatch(value)):
        raise PydanticCustomError("not_a_day", "must be a date written as YYYY-MM-DD")
    return value


def _of_our_time(value: date) -> date:
    if value.year not in YEARS:
        raise PydanticCustomError("not_of_our_time", "must be a day of the years 1900 to 2199")
    return value


# What we answer may be a sum, which has no limit; what we are given has one.
Fen = Annotated[int, Field(strict=True, ge=0, examples=[128000], description="fen, 1/100 yuan")]
SignedFen = Annotated[int, Field(strict=True, examples=[128000], description="fen")]
GivenFen = Annotated[int, Field(strict=True, ge=0, le=MAX_FEN, examples=[128000], description="fen, 1/100 yuan")]
PositiveFen = Annotated[int, Field(strict=True, gt=0, le=MAX_FEN, examples=[128000], description="fen, 1/100 yuan")]
HouseholdFen = Annotated[
    int, Field(strict=True, gt=0, le=MOST_OF_A_HOUSEHOLD_FEN, examples=[128000], description="fen, 1/100 yuan")
]
BasisPoints = Annotated[int, Field(strict=True, ge=0, le=WHOLE_BP, examples=[800], description="1/100 of 1 %")]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000, examples=[3])]
PositiveCount = Annotated[int, Field(strict=True, gt=0, le=1_000_000_000, examples=[3])]
Flag = Annotated[bool, Field(strict=True, examples=[True])]
Day = Annotated[date, BeforeValidator(_only_as_written), AfterValidator(_of_our_time), Field(examples=["2026-03-02"])]
# What is written elsewhere and only named here: the code of a household, which may look like a card's number.
Named = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Field(examples=["骏枣"]),
    AfterValidator(_refuse_unprintable),
    AfterValidator(_refuse_resident_numbers),
]
# A reference may look like a telephone's number; in what is said in words no number of a person has business.
Text = Annotated[Named, _refuse_if(is_personal_reference)]
Wording = Annotated[Named, _refuse_if(holds_personal_number)]
LongText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    Field(examples=["同意"]),
    AfterValidator(_refuse_unprintable),
    _refuse_if(holds_personal_number),
]
FORMS: dict[str, tuple[str, str]] = {}
"""What each pattern of a field asks, in English and Chinese, for the refusal of what does not have that form."""


def form(pattern: str, en: str, zh: str, *, example: str) -> Any:
    """Declare a text of a form, described in the OpenAPI and in refusals: "must be" `en`, "格式应为" `zh`."""
    FORMS[pattern] = en, zh
    return Field(pattern=pattern, description=en, examples=[example])


Quantity = Annotated[
    str,
    form(
        r"^[0-9]{1,10}(\.[0-9]{1,6})?$",
        "a decimal string in the unit named, with at most 10 digits before and 6 after the point",
        "所填单位下的十进制数字文本,整数部分至多 10 位,小数至多 6 位",
        example="12.5",
    ),
]
RegionCode = Annotated[
    str,
    form(
        r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$",
        "the code of a county, township or village: 6, 9 or 12 digits",
        "县、乡镇或村的行政区划代码(6、9 或 12 位数字)",
        example="141122",
    ),
]
AnyRegionCode = Annotated[
    str,
    form(
        r"^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$",
        "the code of a province, city, county, township or village: 2, 4, 6, 9 or 12 digits",
        "省、市、县、乡镇或村的行政区划代码(2、4、6、9 或 12 位数字)",
        example="141122",
    ),
]
CountyCode = Annotated[
    str, form(r"^[0-9]{6}$", "the code of a county: 6 digits", "县级行政区划代码(6 位数字)", example="141122")
]
Code = Annotated[
    str,
    form(
        r"^[a-z][a-z0-9_]{1,39}$",
        "2 to 40 lower-case letters, digits and underscores, a letter first",
        "2 至 40 位小写字母、数字或下划线,以字母开头",
        example="canteen",
    ),
    _refuse_if(is_personal_code),
]
Sha256Hex = Annotated[str, form(r"^[0-9a-f]{64}$", "64 hexadecimal digits", "64 位十六进制数字", example="0" * 64)]


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(examples=["urn:market:problem:certificate_expired"])
    code: str = Field(examples=["certificate_expired"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["The certificate of this product expired on 2026-03-01."])
    errors: list["Fault"] = Field(examples=[[{"pointer": "/lines/0/product_id", "detail": "expired"}]])
    request_id: str = Field(examples=["0198c2f0"])


class Fault(BaseModel):
    """One input at fault, by JSON pointer."""

    pointer: str = Field(examples=["/lines/0/quantity"])
    detail: str = Field(examples=["must be a decimal string"])


class PageQuery(Schema):
    """Keyset paging; every list takes these two and its own allow-listed filters."""

    limit: Annotated[int, Field(ge=1, le=100, examples=[20])] = 20
    cursor: Annotated[str | None, Field(max_length=400, examples=[None])] = None


Item = TypeVar("Item")
Row = TypeVar("Row")


class Page(Schema, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: Annotated[str | None, Field(examples=[None])]


def encode_cursor(*keys: object) -> str:
    """Return an opaque cursor after the row with these sort keys."""
    return base64.urlsafe_b64encode("\x1f".join(map(str, keys)).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *, keys: int) -> list[str]:
    """Return the sort keys of a cursor; raises `InvalidInputError` for one we never gave."""
    try:
        parts = (
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode().split("\x1f")
        )
    except (binascii.Error, UnicodeDecodeError, ValueError):
        parts = []
    if len(parts) != keys or not all(part.isprintable() for part in parts):
        raise InvalidInputError("the cursor is not one of ours", "游标无效", pointer="/query/cursor")
    return parts


def after_id(cursor: str | None) -> UUID | None:
    """Return the id after which a page sorted by id begins; raises `InvalidInputError` for a cursor we never gave."""
    if cursor is None:
        return None
    try:
        return UUID(decode_cursor(cursor, keys=1)[0])
    except ValueError:
        raise InvalidInputError("the cursor is not one of ours", "游标无效", pointer="/query/cursor") from None


def day_asked(on: date | None, pointer: str = "/query/on") -> date:
    """Return the day that is asked for, today if none is named; raises `FutureDateError` for one still to come."""
    today = business_date(utc_now())
    check_not_ahead(on or today, today=today, pointer=pointer)
    return on or today


def cut(rows: Sequence[Row], limit: int, key: Callable[[Row], object]) -> tuple[Sequence[Row], str | None]:
    """Return the page and its next cursor, from rows of which one more than `limit` was asked for."""
    page = rows[:limit]
    return page, encode_cursor(key(page[-1])) if len(rows) > limit else None


def newest(
    session: orm.Session, found: sa.Select[Row], identifier: orm.InstrumentedAttribute[UUID], query: PageQuery
) -> tuple[Sequence[Row], str | None]:
    """Return a page of what a query finds, the newest first, and its next cursor."""
    if last := after_id(query.cursor):
        found = found.where(identifier < last)
    rows = session.scalars(found.order_by(identifier.desc()).limit(query.limit + 1)).all()
    return cut(rows, query.limit, lambda row: getattr(row, identifier.key))


def answer(body: BaseModel, status: int = 200) -> Response:
    """Answer with a schema that is already validated, past FastAPI's second validation."""
    return Response(body.model_dump_json(), status, media_type="application/json")


async def read_file(request: Request) -> bytes:
    """Read a body that is a file, for an endpoint that depends on it."""
    return await request.body()


def file_content(*media_types: str) -> dict[str, Any]:
    """Describe a body that is a file, by its media types, for the OpenAPI."""
    return {kind: {"schema": {"type": "string", "format": "binary"}} for kind in media_types}


def file_body(*media_types: str) -> dict[str, Any]:
    """Describe a request whose body is a file, for the OpenAPI."""
    return {"requestBody": {"required": True, "content": file_content(*media_types)}}


def router_of(*tags: str) -> APIRouter:
    """Return a domain's router: under /v1, an operation named after its function."""
    return APIRouter(
        prefix="/v1", tags=list(tags), route_class=GatedRoute, generate_unique_id_function=lambda route: route.name
    )


class PreconditionRequiredError(MarketError):
    """RFC 6585: the client must say which version it edits."""

    status = 428
    en = "Send If-Match with the ETag that you read, so that no other edit is lost."
    zh = "请在 If-Match 中带上读取时的 ETag,以免覆盖他人的修改。"


class PreconditionFailedError(MarketError):
    """Someone else edited it since."""

    status = 412
    en = "It was changed since you read it; read it again."
    zh = "该记录在您读取之后已被修改,请重新读取。"


class MissingIdempotencyKeyError(MarketError):
    """Creating, or moving money or stock, needs a key."""

    status = 400
    en = "Send an Idempotency-Key, so that a repeated request does nothing twice."
    zh = "请携带 Idempotency-Key,以保证重复提交不会重复生效。"


def etag(version: int) -> str:
    """Return the ETag of a row's version."""
    return f'"{version}"'


def check_version(if_match: str | None, version: int) -> None:
    """Compare If-Match with the version of a locked row; raises 428 without it, 412 when it differs."""
    if if_match is None:
        raise PreconditionRequiredError
    if if_match.strip() != etag(version):
        raise PreconditionFailedError


def language_of(request: Request) -> str:
    """Return `zh` when the caller prefers Chinese, else `en`."""
    return "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"


def again(request: Request) -> str:
    """Return how a request that failed is asked again, as a code of `words.AGAIN`; a key is sent where it counts."""
    if request.method in {"PATCH", "PUT"}:
        return "edit"
    return "create" if request.method == "POST" and "idempotency-key" in request.headers else "read"


def problem(
    request: Request, code: str, status: int, detail: str, errors: Sequence[Mapping[str, str]] = ()
) -> JSONResponse:
    """Build a problem+json answer."""
    content = {
        "type": f"urn:market:problem:{code}",
        "code": code,
        "status": status,
        "detail": detail,
        "errors": list(errors),
        "request_id": getattr(request.state, "request_id", ""),
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(content, status, headers, media_type=PROBLEM_JSON)


def declared(*errors: type[MarketError]) -> dict[int | str, dict[str, Any]]:
    """Declare an endpoint's refusals for the OpenAPI: one response per status, listing its codes."""
    by_status: dict[int, list[str]] = {}
    for error in errors:
        by_status.setdefault(error.status, []).append(f"`{error.code()}`: {error.en}")
    return {
        status: {
            "description": "; ".join(sorted(set(lines))),
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, lines in sorted(by_status.items())
    }


def tried(answer: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Declare that an endpoint answers 200 with the same where it was only tried."""
    return {200: {"model": answer, "description": "A dry run: nothing was recorded"}}


def pointer_to(*parts: str | int) -> str:
    """Return the JSON pointer with these parts (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
