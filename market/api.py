"""What every endpoint shares: schema base and field types, problem+json, keyset cursors, versions as ETags."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from market.errors import ConflictError, InvalidInputError, MarketError
from market.money import MAX_FEN, WHOLE_BP
from market.routing import GatedRoute

PROBLEM_JSON = "application/problem+json"
MAX_BODY_BYTES = 1_000_000
"""The largest request, a disbursement of 1,000 payments, takes a quarter of it."""


class Schema(BaseModel):
    """Input and output alike refuse what they do not know."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, frozen=True)


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _refuse_unprintable(value: str) -> str:
    if any(not character.isprintable() for character in value):
        raise PydanticCustomError("unprintable", "must be printable text")
    return value


def _only_as_written(value: object) -> object:
    if not isinstance(value, str | date) or (isinstance(value, str) and not _DAY.fullmatch(value)):
        raise PydanticCustomError("not_a_day", "must be a date written as YYYY-MM-DD")
    return value


Fen = Annotated[int, Field(strict=True, ge=0, le=MAX_FEN, examples=[128000], description="fen, 1/100 yuan")]
SignedFen = Annotated[int, Field(strict=True, ge=-MAX_FEN, le=MAX_FEN, examples=[128000], description="fen")]
PositiveFen = Annotated[int, Field(strict=True, gt=0, le=MAX_FEN, examples=[128000], description="fen, 1/100 yuan")]
BasisPoints = Annotated[int, Field(strict=True, ge=0, le=WHOLE_BP, examples=[800], description="1/100 of 1 %")]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000, examples=[3])]
PositiveCount = Annotated[int, Field(strict=True, gt=0, le=1_000_000_000, examples=[3])]
Flag = Annotated[bool, Field(strict=True, examples=[True])]
Day = Annotated[date, BeforeValidator(_only_as_written), Field(examples=["2026-03-02"])]
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Field(examples=["骏枣"]),
    AfterValidator(_refuse_unprintable),
]
LongText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    Field(examples=["同意"]),
    AfterValidator(_refuse_unprintable),
]
Quantity = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,10}(\.[0-9]{1,6})?$", examples=["12.5"], description="decimal string in the unit named"),
]
RegionCode = Annotated[str, Field(pattern=r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$", examples=["141122"])]
AnyRegionCode = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$",
        examples=["141122"],
        description="province, city, county, township or village: 2, 4, 6, 9 or 12 digits",
    ),
]
Sha256Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", examples=["0" * 64])]


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


def cut(rows: Sequence[Row], limit: int, key: Callable[[Row], object]) -> tuple[Sequence[Row], str | None]:
    """Return the page and its next cursor, from rows of which one more than `limit` was asked for."""
    page = rows[:limit]
    return page, encode_cursor(key(page[-1])) if len(rows) > limit else None


def answer(body: BaseModel, status: int = 200) -> Response:
    """Answer with a schema that is already validated, past FastAPI's second validation."""
    return Response(body.model_dump_json(), status, media_type="application/json")


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


def install_problem_handlers(app: FastAPI) -> None:
    """Turn every refusal and failure into problem+json."""

    def refused(request: Request, error: MarketError) -> Response:
        language = language_of(request)
        detail = error.detail(language)
        faults = [{"pointer": error.pointer, "detail": detail}] if error.pointer else []
        return problem(request, error.code(), error.status, detail, faults)

    def invalid(request: Request, error: RequestValidationError) -> Response:
        faults = [
            {"pointer": _pointer(fault), "detail": _said(fault, language_of(request))} for fault in error.errors()
        ]
        detail = "输入未通过校验。" if language_of(request) == "zh" else "The input is not valid."
        return problem(request, "invalid_input", 422, detail, faults)

    def contradicted(request: Request, error: sa.exc.IntegrityError) -> Response:
        diagnosis = getattr(error.orig, "diag", None)
        rule = getattr(diagnosis, "constraint_name", None) or "constraint"
        return refused(request, ConflictError(rule=rule))

    def plain(request: Request, error: HTTPException) -> Response:
        en, zh = _SAID_OF_STATUS.get(error.status_code, (str(error.detail), str(error.detail)))
        code = _CODE_OF_STATUS.get(error.status_code, "http_error")
        answer = problem(request, code, error.status_code, zh if language_of(request) == "zh" else en)
        answer.headers.update(error.headers or {})
        return answer

    app.add_exception_handler(MarketError, refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, invalid)  # type: ignore[arg-type]
    app.add_exception_handler(sa.exc.IntegrityError, contradicted)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, plain)  # type: ignore[arg-type]


class BodyLimit:
    """Middleware that reads no request body beyond a number of bytes: it is refused with 413 as soon as it passes it.

    A plain ASGI class for the reason given in `market.observing`. FastAPI's own limit answers in plain text.
    """

    def __init__(self, app: ASGIApp, most_bytes: int = MAX_BODY_BYTES) -> None:
        """Remember the limit."""
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        read = 0

        async def receive_within_limit() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most_bytes:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_within_limit if scope["type"] == "http" else receive, send)


_CODE_OF_STATUS = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
_SAID_OF_STATUS = {
    400: ("The request cannot be read.", "请求无法解析。"),
    404: ("There is nothing at this address.", "该地址不存在。"),
    405: ("This address does not take this method.", "该地址不支持此请求方法。"),
    413: (f"A request holds at most {MAX_BODY_BYTES} bytes.", f"请求内容不得超过 {MAX_BODY_BYTES} 字节。"),
}


def _pointer(fault: Mapping[str, Any]) -> str:
    """Return the JSON pointer of a fault; one in the JSON itself is of the whole document."""
    location = fault["loc"]
    if fault["type"] == "json_invalid":
        location = ()
    return pointer_to(*(location[1:] if location and location[0] == "body" else location))


def pointer_to(*parts: str | int) -> str:
    """Return the JSON pointer with these parts (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


_SAID_IN_CHINESE: Mapping[str, str] = {
    "missing": "必填",
    "extra_forbidden": "不认识的字段",
    "int_type": "必须是整数",
    "int_from_float": "必须是整数,不接受小数",
    "int_parsing": "必须是整数",
    "bool_type": "必须是 true 或 false",
    "string_type": "必须是文本",
    "string_pattern_mismatch": "格式不符",
    "string_too_short": "太短",
    "string_too_long": "太长",
    "greater_than": "太小",
    "greater_than_equal": "太小",
    "less_than": "太大",
    "less_than_equal": "太大",
    "too_short": "项数太少",
    "too_long": "项数太多",
    "enum": "不在允许的取值之内",
    "literal_error": "不在允许的取值之内",
    "uuid_parsing": "不是有效的编号",
    "int_parsing_size": "数值过大",
    "bool_parsing": "必须是 true 或 false",
    "list_type": "必须是数组",
    "dict_type": "必须是对象",
    "model_type": "必须是对象",
    "model_attributes_type": "必须是对象",
    "uuid_type": "不是有效的编号",
    "unprintable": "含有不可打印的字符",
    "not_a_day": "不是有效的日期(YYYY-MM-DD)",
    "date_from_datetime_parsing": "不是有效的日期(YYYY-MM-DD)",
    "date_parsing": "不是有效的日期(YYYY-MM-DD)",
    "json_invalid": "不是有效的 JSON",
}


def _said(fault: Mapping[str, Any], language: str) -> str:
    message = re.sub(r"^Value error, ", "", str(fault["msg"]))
    return _SAID_IN_CHINESE.get(fault["type"], f"输入无效:{message}") if language == "zh" else message
