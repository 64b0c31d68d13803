"""How the lines of the matrix about people, consent and erasure are asked for."""

from base64 import b64encode
from typing import Any

from tests.access.ask import Ask, Asked, item, said, thing
from tests.stalls import TODAY


def _register_file(asked: Asked) -> Any:
    titles = "household_code,village_code,status,head_count,registered_on,name"
    rows = f"{titles}\nR1-1,{asked.place.code},ordinary,1,2026-03-01,赵示例"
    return {"kind": "csv", "content": b64encode(rows.encode()).decode()}


def _why(asked: Asked) -> dict[str, str]:
    purposes = {"supplier_manager": "payment", "auditor": "audit"}
    return {"purpose": purposes.get(asked.role, "identity_check"), "reason": "年度核验"}


def _reveal(asked: Asked) -> Any:
    return {"household_ids": [asked.place.household], "fields": ["name"]} | _why(asked)


PEOPLE: dict[str, Ask] = {
    "GET /v1/people people": Ask(thing("household"), lists=item("household_id")),
    "POST /v1/households/{household_id}/people household": Ask(thing("household"), said(name="赵示例")),
    "PATCH /v1/people/{person_id} person": Ask(thing("person"), said(health=None), version=1),
    "POST /v1/people/{person_id}/departure person": Ask(thing("person")),
    "POST /v1/people/reveals household": Ask(body=_reveal),
    "POST /v1/people/searches": Ask(body=lambda asked: {"field": "phone", "value": "13900000000"} | _why(asked)),
    "POST /v1/households/{household_id}/consents household": Ask(
        thing("household"), said(purpose="public_disclosure", valid_from=TODAY, evidence="纸质同意书")
    ),
    "GET /v1/consents consents": Ask(thing("consent"), lists=item()),
    "POST /v1/consents/{consent_id}/withdrawal consent": Ask(thing("consent"), said(evidence="农户声明")),
    "GET /v1/proxy-acts proxy acts": Ask(thing("proxy_act"), lists=item()),
    "POST /v1/households/{household_id}/erasures household": Ask(thing("household"), said(reason="本人申请")),
    "GET /v1/erasures erasures": Ask(thing("erasure"), lists=item()),
    "POST /v1/erasures/{erasure_id}/decision erasure": Ask(thing("erasure"), said(event="reject", opinion="未结清")),
    "GET /v1/register-imports/template": Ask(),
    "POST /v1/register-imports village": Ask(body=_register_file),
    "GET /v1/personal-data-accesses": Ask(),
}
