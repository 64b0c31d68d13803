"""The OpenAPI document: what FastAPI derives, with security, common refusals, and an example on every operation."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from market.api import PROBLEM_JSON, Problem
from market.identity.access import Requirement, marker_of
from market.refusal_examples import examples

DESCRIPTION = """
Consumption assistance accounted to the fen: certified products, orders through seven channels, and what each order
brings to each household. Amounts are integers of fen; quantities are decimal strings in the unit named.

* Sign in at `POST /v1/tokens` and send `Authorization: Bearer …`; a new member first sets a password of
  its own (`PUT /v1/me/password`), with the admission code that whoever admitted it told it.
* Every other `POST` needs an `Idempotency-Key`; a repeat gets the first answer with `Idempotency-Hit: true`.
* Edits need `If-Match` with the `ETag` that was read.
* Refusals are `application/problem+json` with a stable `code`; `Accept-Language: zh` gives them in Chinese.
""".strip()

TAGS: Mapping[str, str] = {
    "annulments": "撤销: what was approved and never was, taken off the book by two people's word",
    "audit": "审计: trace orders and households both ways, verify the book, check the invariants",
    "banking": "银行流水: accounts, imported statements, and what of them waits for two people",
    "cash": "资金: the cash book, in which the money of every order is held, kept, paid on or paid back",
    "catalog": "产品目录: categories, products, price tiers, listing and search",
    "certification": "产品认定: applications, reviews, price evidence, public notice, batches, certificates",
    "channels": "渠道: the scheme in force, by default 七进",
    "disbursements": "兑付: payments to households and collectives, and their confirmation",
    "distributions": "分配: what a period's list gives out of pools, and what village collectives give on",
    "households": "农户: the register and its statuses over time",
    "identity": "身份: organisations, members, tokens, API keys",
    "livelihoods": "收支: what households earn and spend outside the market, their baselines",
    "lots": "批次: quantities with one origin, contributions of households, stock",
    "orders": "订单: placing, shipment, acceptance line by line, returns",
    "benefits": "联农带农方案: benefit plans, their versions, enrolments",
    "people": "农户成员: personal data, masked unless read in clear for a purpose; register import, consent, erasure",
    "periods": "结账: closed months of a book",
    "published": "公布数据: what press, forecasts, intents and agreements say of sales; never added up",
    "receipts": "到款: the buyers' money at the suppliers' banks",
    "regions": "行政区划: GB/T 2260 codes and their names over time",
    "reports": "报表: sales beside what they brought to whom, each figure naming its step",
    "reach": "带动: how many households an order, product, buyer or channel reached, and what the public is told",
    "online payments": "在线支付: buyers pay by card, Alipay or WeChat Pay; what it brings is held for the orders",
    "refunds": "退款: what a buyer paid and does not owe goes back by the way it came",
    "settlements": "结算: what suppliers earned in custody is paid on to them, less what they owe",
    "statements": "对账单: of a household, of a supplier, of a lot",
}

COMMON: Mapping[str, str] = {
    "401": "`unauthenticated`, `token_expired`: sign in (again)",
    "403": "`forbidden`, `four_eyes`: the role, the key's scopes, or separation of duties does not allow it",
    "422": "`invalid_input`: the input is not valid; `errors` point at it",
    "503": "`busy`: it could not be finished now, and nothing was changed; ask again, a POST with the same key",
}
FOR_POST: Mapping[str, str] = {
    "400": "`missing_idempotency_key`, `broken_json`, `bad_request`: the key is missing, or the body is no JSON",
    "409": "`idempotency_key_reused`, `conflict`: it contradicts what is recorded",
    "413": "`body_too_large`: a body has at most 1 MB, a file 10 MB",
    "415": "`media_type`: the Content-Type is not application/json",
}
FOR_EDIT: Mapping[str, str] = {
    "400": "`broken_json`, `bad_request`: the body is no JSON",
    "404": "`not_found`: there is no such thing, or it is not yours to see",
    "409": "`conflict`: it contradicts what is recorded",
    "412": "`precondition_failed`: it was changed since it was read",
    "413": "`body_too_large`: a body has at most 1 MB, a file 10 MB",
    "415": "`media_type`: the Content-Type is not application/json",
    "428": "`precondition_required`: send If-Match",
}
_CODE = re.compile("`([a-z0-9_]+)`")
KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "example": "5f0c2a3e-order-0001",
}


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document of an application, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=DESCRIPTION,
            routes=app.routes,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            servers=[{"url": "/"}],
        )
        _complete(made, _requirements(app))
        app.openapi_schema = made
    return app.openapi_schema


def _requirements(app: FastAPI) -> dict[str, Requirement]:
    """Return the permission each operation declares, by operation id."""
    found: dict[str, Requirement] = {}
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            marker = marker_of(route)
            if isinstance(marker, Requirement):
                found[route.original_route.name] = marker
    return found


def _complete(made: dict[str, Any], requirements: Mapping[str, Requirement]) -> None:
    components = made["components"]
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"] |= {**schema.pop("$defs"), "Problem": schema}
    components["schemas"].pop("HTTPValidationError", None)
    components["schemas"].pop("ValidationError", None)
    used = {tag for _, operation in _operations(made) for tag in operation["tags"]}
    made["tags"] = [{"name": tag, "description": TAGS[tag]} for tag in sorted(used)]
    told, named = examples(), set[str]()
    for method, operation in _operations(made):
        _secure(operation, method, requirements.get(operation["operationId"]))
        _exemplify(operation, components["schemas"])
        named |= _exemplify_refusals(operation, told)
    components["examples"] = {code: told[code] for code in sorted(named)}


def _operations(made: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in made["paths"].values():
        yield from path.items()


def _secure(operation: dict[str, Any], method: str, requirement: Requirement | None) -> None:
    common = {code: COMMON[code] for code in ("422", "503")} if requirement is None else dict(COMMON)
    if method == "post":
        common |= FOR_POST
    elif method in {"patch", "put", "delete"}:
        common |= FOR_EDIT
    if requirement is None:
        operation["security"] = []
    else:
        operation["security"] = [{"bearer": []}]
        operation["x-permission"] = requirement.permission.value
        if method == "post":
            operation.setdefault("parameters", []).append(KEY_PARAMETER)
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for status, description in common.items():
        said = responses.get(status, {}).get("description")
        responses[status] = {
            "description": f"{description}; {said}" if said else description,
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }


def _exemplify(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    for body in [*bodies, *operation["responses"].values()]:
        for media in body.get("content", {}).values():
            if "schema" in media and "example" not in media:
                media["example"] = example(media["schema"], schemas)
    for parameter in operation.get("parameters", ()):
        if "example" not in parameter:
            parameter["example"] = example(parameter["schema"], schemas)


def _exemplify_refusals(operation: dict[str, Any], told: Mapping[str, Any]) -> set[str]:
    """Give each response the examples of the refusals whose codes its description names; return these codes."""
    found: set[str] = set()
    for response in operation["responses"].values():
        media = response.get("content", {}).get(PROBLEM_JSON)
        codes = [code for code in _CODE.findall(response["description"]) if code in told]
        if media and codes:
            del media["example"]
            media["examples"] = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
            found.update(codes)
    return found


def example(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Compose an example of a schema from its fields' examples; a field's own goes before that of its type."""
    if schema.get("examples"):
        return schema["examples"][0]
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas)
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("example", "const", "default"):
        if key in schema:
            return schema[key]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return example(schema[key][0], schemas)
    return _by_type(schema, schemas)


def _by_type(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "object":
            return {name: example(part, schemas) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [example(schema["items"], schemas)] * max(schema.get("minItems", 1), 1)
        case "string":
            formats = {"uuid": "0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a", "date": "2026-03-02"}
            return formats.get(schema.get("format", ""), "文本")
        case "integer":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return None
