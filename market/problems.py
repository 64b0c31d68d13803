"""How every refusal and failure is answered: problem+json in the reader's language, with pointers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from market.api import FORMS, again, language_of, pointer_to, problem
from market.errors import BusyError, ConflictError, MarketError
from market.words import listed

LOG = structlog.get_logger()

MAX_BODY_BYTES = 1_000_000
"""The largest request in JSON, a disbursement of 1,000 payments, takes a quarter of it."""


class BrokenJsonError(MarketError):
    """The body is no JSON at all."""

    status = 400
    en = "The body is no JSON: it breaks at character {position}."
    zh = "请求内容不是有效的 JSON:第 {position} 个字符处出错。"


class MediaTypeError(MarketError):
    """A body of another type, or of none, is not read."""

    status = 415
    en = "Send the body as JSON, with Content-Type: application/json."
    zh = "请以 JSON 发送请求内容,并注明 Content-Type: application/json。"


def _malformed(request: Request, faults: Sequence[Mapping[str, Any]]) -> MarketError | None:
    """Return what is wrong with the body as a whole, if it is no JSON or not said to be."""
    for fault in faults:
        if fault["type"] == "json_invalid":
            return BrokenJsonError(position=fault["loc"][-1] + 1, pointer="")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = re.fullmatch(r"application/([^/]+\+)?json", media_type) is not None
    unread = any(fault["loc"] == ("body",) and fault["type"] != "missing" for fault in faults)
    return MediaTypeError(pointer="") if unread and not is_json else None


INVALID_TRANSACTION_STATE = "25"
"""The class of SQLSTATE of a database that may only be read now, and of a transaction that idled too long."""


def _sqlstate(error: Exception) -> str:
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""


def install_problem_handlers(app: FastAPI) -> None:
    """Turn every refusal and failure into problem+json."""

    def refused(request: Request, error: MarketError) -> Response:
        language = language_of(request)
        detail = error.detail(language)
        faults = [{"pointer": pointer, "detail": said} for pointer, said in error.faults(language)]
        answer = problem(request, error.code(), error.status, detail, faults)
        answer.headers.update(error.headers)
        return answer

    def invalid(request: Request, error: RequestValidationError) -> Response:
        malformed = _malformed(request, error.errors())
        if malformed is not None:
            return refused(request, malformed)
        faults = [
            {"pointer": _pointer(fault, error.body), "detail": _said(fault, language_of(request))}
            for fault in error.errors()
        ]
        detail = "输入未通过校验。" if language_of(request) == "zh" else "The input is not valid."
        return problem(request, "invalid_input", 422, detail, faults)

    def contradicted(request: Request, error: sa.exc.IntegrityError) -> Response:
        diagnosis = getattr(error.orig, "diag", None)
        LOG.info("contradicted", constraint=getattr(diagnosis, "constraint_name", None))
        return refused(request, ConflictError())

    def hindered(request: Request, error: sa.exc.OperationalError | sa.exc.TimeoutError) -> Response:
        LOG.warning("hindered", sqlstate=_sqlstate(error))
        return refused(request, BusyError(again=again(request)))

    def impossible(request: Request, error: sa.exc.InternalError) -> Response:
        if not _sqlstate(error).startswith(INVALID_TRANSACTION_STATE):
            raise error
        LOG.warning("hindered", sqlstate=_sqlstate(error))
        return refused(request, BusyError(again=again(request)))

    def plain(request: Request, error: HTTPException) -> Response:
        en, zh = _SAID_OF_STATUS.get(error.status_code, (str(error.detail), str(error.detail)))
        code = _CODE_OF_STATUS.get(error.status_code, "http_error")
        said = (zh if language_of(request) == "zh" else en).format(most=error.detail)
        answer = problem(request, code, error.status_code, said)
        answer.headers.update(error.headers or {})
        return answer

    app.add_exception_handler(MarketError, refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, invalid)  # type: ignore[arg-type]
    app.add_exception_handler(sa.exc.IntegrityError, contradicted)  # type: ignore[arg-type]
    # Locks and statements that took too long, deadlocks, connections lost or not to be had.
    app.add_exception_handler(sa.exc.OperationalError, hindered)  # type: ignore[arg-type]
    app.add_exception_handler(sa.exc.TimeoutError, hindered)  # type: ignore[arg-type]
    app.add_exception_handler(sa.exc.InternalError, impossible)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, plain)  # type: ignore[arg-type]


class BodyLimit:
    """Middleware that reads no request body beyond a number of bytes: it is refused with 413 as soon as it passes it.

    A plain ASGI class for the reason given in `market.observing`. FastAPI's own limit answers in plain text.
    """

    def __init__(self, app: ASGIApp, larger: Mapping[str, int] | None = None) -> None:
        """Remember the limits: `larger` ones by the last word of a path, for files."""
        self._app = app
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        read = 0
        most_bytes = self._larger.get(scope.get("path", "").rpartition("/")[2], MAX_BODY_BYTES)

        async def receive_within_limit() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most_bytes:
                raise HTTPException(413, str(most_bytes))
            return message

        await self._app(scope, receive_within_limit if scope["type"] == "http" else receive, send)


_CODE_OF_STATUS = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
_SAID_OF_STATUS = {
    400: ("The request cannot be read.", "请求无法解析。"),
    404: ("There is nothing at this address.", "该地址不存在。"),
    405: ("This address does not take this method.", "该地址不支持此请求方法。"),
    413: ("A request to this address holds at most {most} bytes.", "发往该地址的请求内容不得超过 {most} 字节。"),
}


def _pointer(fault: Mapping[str, Any], body: object) -> str:
    """Return the JSON pointer of a fault; the tag by which one of a union's schemas was chosen is no part of it."""
    location = fault["loc"]
    if not location or location[0] != "body":
        return pointer_to(*location)
    parts, at = [], body
    for part in location[1:-1]:
        if isinstance(at, Mapping) and part not in at and part in at.values():
            continue
        parts.append(part)
        at = at.get(part) if isinstance(at, Mapping) else at[part] if isinstance(at, list) else None
    return pointer_to(*parts, *location[1:][-1:])


_SAID_IN_CHINESE: Mapping[str, str] = {
    "missing": "必填",
    "extra_forbidden": "不认识的字段",
    "int_type": "必须是整数",
    "int_from_float": "必须是整数,不接受小数",
    "int_parsing": "必须是整数",
    "bool_type": "必须是 true 或 false",
    "string_type": "必须是文本",
    "string_unicode": "必须是有效的 Unicode 文本",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "至多 {max_length} 个字符",
    "greater_than": "必须大于 {gt}",
    "greater_than_equal": "不得小于 {ge}",
    "less_than": "必须小于 {lt}",
    "less_than_equal": "不得大于 {le}",
    "too_short": "至少 {min_length} 项",
    "too_long": "至多 {max_length} 项",
    "enum": "须为 {expected} 之一",
    "literal_error": "须为 {expected} 之一",
    "uuid_parsing": "不是有效的编号",
    "int_parsing_size": "数值过大",
    "bool_parsing": "必须是 true 或 false",
    "list_type": "必须是数组",
    "is_instance_of": "必须是数组",
    "sequence_str": "必须是数组",
    "dict_type": "必须是对象",
    "model_type": "必须是对象",
    "model_attributes_type": "必须是对象",
    "uuid_type": "不是有效的编号",
    "union_tag_invalid": "{discriminator} 须为 {expected_tags} 之一",
    "union_tag_not_found": "须注明 {discriminator}",
    "named_twice": "每项只能填写一次",
    "evidence_missing": "须注明凭证:{proof_zh}",
    "unprintable": "含有不可打印的字符",
    "personal_number": "不得填写居民身份证号、手机号码或银行卡号,个人信息只存于专库",
    "not_a_day": "不是有效的日期(YYYY-MM-DD)",
    "not_of_our_time": "日期须在 1900 至 2199 年之间",
    "date_from_datetime_parsing": "不是有效的日期(YYYY-MM-DD)",
    "date_parsing": "不是有效的日期(YYYY-MM-DD)",
}


def _said(fault: Mapping[str, Any], language: str) -> str:
    facts = fault.get("ctx", {})
    form = FORMS.get(facts.get("pattern", ""))
    if form is not None:
        return f"格式应为:{form[1]}" if language == "zh" else f"must be {form[0]}"
    message = re.sub(r"^Value error, ", "", str(fault["msg"]))
    if language != "zh":
        return message
    whole = {name: _CODES.sub(_enumerated, str(value)) for name, value in facts.items()}
    kind = fault["type"]
    is_secret = kind in ("too_short", "too_long") and facts.get("field_type") == "Value"
    sentence = _SAID_IN_CHINESE.get(f"string_{kind}" if is_secret else kind)
    return sentence.format(**whole) if sentence else f"输入无效:{message}"


_CODES = re.compile(r"'\w+'(?:(?:, | or )'\w+')*")
"""How Pydantic lists the codes that it expects: `'kg', 'jin' or 'box'`."""


def _enumerated(codes: re.Match[str]) -> str:
    return listed(re.findall(r"\w+(?=')", codes[0]), "zh")
