"""People of households, readings in clear, consents, erasures and files of the register that are refused."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from tests import factories
from tests.bad_input.fair import INVALID, NOBODY, Ask, Case, Fair
from tests.households.test_importing import csv_of, row
from tests.stalls import TODAY, Desk

WHY = {"purpose": "assistance", "reason": "入户走访"}
PAYMENT = {"purpose": "payment", "reason": "分红兑付"}
NUMBER = "座机 0358 301 2345"


def add(fair: Fair, *, household: object = None, **changed: Any) -> Ask:
    """Put a person on the register, with changes."""
    body = factories.particulars(8_100) | changed
    return Ask(fair.county, "POST", f"/households/{household or fair.households[0].id}/people", body)


def correct(fair: Fair, *, if_match: str | None = '"1"', person: object = None, **changed: Any) -> Ask:
    """Correct a person's telephone, or something else."""
    path = f"/people/{person or fair.person.id}"
    return Ask(fair.county, "PATCH", path, changed or {"phone": "13900001111"}, {"If-Match": if_match})


def depart(fair: Fair, *, person: object = None) -> Ask:
    """Take a person off the household."""
    return Ask(fair.county, "POST", f"/people/{person or fair.person.id}/departure")


def reveal(fair: Fair, *, desk: Desk | None = None, household: object = None, **changed: Any) -> Ask:
    """Read the name of a household's people in clear, with changes."""
    body = {"household_ids": [str(household or fair.households[0].id)], "fields": ["name"]} | WHY | changed
    return Ask(desk or fair.village, "POST", "/people/reveals", body)


def search(fair: Fair, *, desk: Desk | None = None, **changed: Any) -> Ask:
    """Look a telephone up, with changes."""
    body = {"field": "phone", "value": "13900008000"} | WHY | changed
    return Ask(desk or fair.village, "POST", "/people/searches", body)


def consent(fair: Fair, *, household: object = None, **changed: Any) -> Ask:
    """Record that a household consents, with changes."""
    body = {"purpose": "payment_details", "valid_from": TODAY, "evidence": "同意书,村委会存档"} | changed
    return Ask(fair.village, "POST", f"/households/{household or fair.households[0].id}/consents", body)


def withdraw(fair: Fair, *, consent: str = "", **changed: Any) -> Ask:
    """Withdraw a consent, with changes."""
    path = f"/consents/{consent or fair.consent_id}/withdrawal"
    return Ask(fair.village, "POST", path, {"evidence": "农户到村声明"} | changed)


def erase(fair: Fair, *, household: object = None, **changed: Any) -> Ask:
    """Ask that a household's personal data be erased, with changes."""
    path = f"/households/{household or fair.households[0].id}/erasures"
    return Ask(fair.village, "POST", path, {"reason": "农户迁出"} | changed)


def decide(fair: Fair, *, desk: Desk | None = None, erasure: str = "", **changed: Any) -> Ask:
    """Carry an erasure out, with changes."""
    path = f"/erasures/{erasure or fair.erasure_id}/decision"
    return Ask(desk or fair.county, "POST", path, {"event": "carry_out", "opinion": "情况属实"} | changed)


def load(fair: Fair, *rows: Mapping[str, Any], **changed: Any) -> Ask:
    """Import a file of the register, of one household unless its rows are given, with changes."""
    content = csv_of([dict(each) for each in rows] or [row(8_200, "BAD1")])
    body = {"kind": "csv", "content": base64.b64encode(content).decode()} | changed
    return Ask(fair.county, "POST", "/register-imports", body)


SOUND: dict[str, Callable[[Fair], Ask]] = {
    "a person": add,
    "a correction": correct,
    "a departure of a person": depart,
    "a reading in clear": reveal,
    "a look-up": search,
    "a consent": consent,
    "a withdrawal of a consent": withdraw,
    "an erasure": erase,
    "a decision on an erasure": decide,
    "a file of the register": load,
}

VALUES: list[tuple[str, str, Any]] = [
    ("a name that is a number", "name", 7),
    ("a name that is empty", "name", " "),
    ("a name with a telephone", "name", "张三 139 1234 5678"),
    ("a relation that is a resident ID", "relation", "11010519491231002X"),
    ("a name with a null", "name", "张\x00"),
    ("a name as long as a letter", "name", "张" * 61),
    ("a resident ID of 17 digits", "resident_id", "14112219500101001"),
    ("a resident ID with a wrong check", "resident_id", "141122195001010010"),
    ("a resident ID of tomorrow", "resident_id", "141122209901010010"),
    ("a telephone that is a number", "phone", 13900000001),
    ("a telephone of seven digits", "phone", "5551234"),
    ("an account in letters", "bank_account", "ICBC"),
    ("an account that is a float", "bank_account", 6.2e18),
    ("a note on health as long as a book", "health", "病" * 501),
]

CASES: list[Case] = [
    # People
    *(
        (f"a person with {name}", lambda f, k=key, v=v: add(f, **{k: v}), 422, INVALID, [f"/{key}"])
        for name, key, v in VALUES
    ),
    *(
        (f"a correction to {name}", lambda f, k=key, v=v: correct(f, **{k: v}), 422, INVALID, [f"/{key}"])
        for name, key, v in VALUES
    ),
    ("a person without a name", lambda f: add(f, name=None), 422, INVALID, ["/name"]),
    ("a name taken away", lambda f: correct(f, name=None), 422, INVALID, ["/name"]),
    ("a person of no household", lambda f: add(f, household=NOBODY), 404, "not_found", []),
    ("a person of another county", lambda f: add(f, household=f.stranger.id), 404, "not_found", []),
    ("a person above the heads", lambda f: add(f, household=f.full.id), 409, "people_exceed_heads", []),
    ("a person of a household that left", lambda f: add(f, household=f.departed.id), 409, "household_departed", []),
    (
        "a resident ID of somebody else",
        lambda f: add(f, resident_id=factories.resident_id(8_001)),
        409,
        "resident_id_taken",
        ["/resident_id"],
    ),
    (
        "a correction to somebody else's resident ID",
        lambda f: correct(f, resident_id=factories.resident_id(8_001)),
        409,
        "resident_id_taken",
        ["/resident_id"],
    ),
    ("a correction without If-Match", lambda f: correct(f, if_match=None), 428, "precondition_required", []),
    ("a correction with a stale If-Match", lambda f: correct(f, if_match='"2"'), 412, "precondition_failed", []),
    ("a correction of nobody", lambda f: correct(f, person=NOBODY), 404, "not_found", []),
    ("a correction in another county", lambda f: correct(f, person=f.distant_person.id), 404, "not_found", []),
    ("a departure of nobody", lambda f: depart(f, person=NOBODY), 404, "not_found", []),
    ("a departure in another county", lambda f: depart(f, person=f.distant_person.id), 404, "not_found", []),
    # Readings
    ("a reading without a purpose", lambda f: reveal(f, purpose=None), 422, INVALID, ["/purpose"]),
    ("a reading for curiosity", lambda f: reveal(f, purpose="curiosity"), 422, INVALID, ["/purpose"]),
    ("a reading without a reason", lambda f: reveal(f, reason=""), 422, INVALID, ["/reason"]),
    ("a reading with a number in its reason", lambda f: reveal(f, reason=NUMBER), 422, "number_in_text", ["/reason"]),
    ("a reading of nothing", lambda f: reveal(f, fields=[]), 422, INVALID, ["/fields"]),
    ("a reading of a field unheard of", lambda f: reveal(f, fields=["salary"]), 422, INVALID, ["/fields/0"]),
    ("a reading of a field twice", lambda f: reveal(f, fields=["name", "name"]), 422, INVALID, ["/fields"]),
    ("a reading of no household", lambda f: reveal(f, household_ids=[]), 422, INVALID, ["/household_ids"]),
    (
        "a reading of too many households",
        lambda f: reveal(f, household_ids=[f"0198c2f0-5b7a-7c3e-9a54-{place:012d}" for place in range(21)]),
        422,
        INVALID,
        ["/household_ids"],
    ),
    ("a reading of nobody", lambda f: reveal(f, household=NOBODY), 404, "not_found", ["/household_ids/0"]),
    (
        "a reading in another county",
        lambda f: reveal(f, household=f.stranger.id),
        404,
        "not_found",
        ["/household_ids/0"],
    ),
    (
        "a reading of more than its purpose needs",
        lambda f: reveal(f, fields=["name", "bank_account"]),
        403,
        "reveal_not_allowed",
        ["/fields"],
    ),
    (
        "a cooperative's reading after a consent has ended",
        lambda f: reveal(f, desk=f.manager, **PAYMENT),
        409,
        "consent_missing",
        ["/household_ids/0"],
    ),
    (
        "a cooperative's reading after a consent was withdrawn",
        lambda f: reveal(f, desk=f.manager, household=f.households[1].id, **PAYMENT),
        409,
        "consent_missing",
        ["/household_ids/0"],
    ),
    (
        "a cooperative's reading without a consent",
        lambda f: reveal(f, desk=f.manager, household=f.households[2].id, **PAYMENT),
        409,
        "consent_missing",
        ["/household_ids/0"],
    ),
    ("one reading too many", lambda f: reveal(f, desk=f.tired), 429, "reveal_quota", []),
    ("one look-up too many", lambda f: search(f, desk=f.tired), 429, "reveal_quota", []),
    ("a look-up by name", lambda f: search(f, field="name", value="张"), 422, INVALID, ["/field"]),
    ("a look-up of a number that is one", lambda f: search(f, value=13900008000), 422, INVALID, ["/value"]),
    ("a look-up of nothing", lambda f: search(f, value=""), 422, INVALID, ["/value"]),
    ("a look-up with a number in its reason", lambda f: search(f, reason=NUMBER), 422, "number_in_text", ["/reason"]),
    (
        "a look-up that its purpose does not need",
        lambda f: search(f, field="bank_account", value="6200000000000000005"),
        403,
        "reveal_not_allowed",
        ["/fields"],
    ),
    # Consents
    ("a consent to anything", lambda f: consent(f, purpose="anything"), 422, INVALID, ["/purpose"]),
    ("a consent of no household", lambda f: consent(f, household=NOBODY), 404, "not_found", []),
    ("a consent in another county", lambda f: consent(f, household=f.stranger.id), 404, "not_found", []),
    (
        "a consent of a household that left",
        lambda f: consent(f, household=f.departed.id),
        409,
        "household_departed",
        [],
    ),
    ("a consent from tomorrow", lambda f: consent(f, valid_from="2026-03-03"), 422, "future_date", ["/valid_from"]),
    ("a consent from a timestamp", lambda f: consent(f, valid_from=1772409600), 422, INVALID, ["/valid_from"]),
    ("a consent that ends as it begins", lambda f: consent(f, valid_until=TODAY), 422, INVALID, ["/valid_until"]),
    (
        "a consent twice",
        lambda f: consent(f, purpose="public_disclosure", valid_from="2026-03-01"),
        409,
        "consent_taken",
        ["/valid_from"],
    ),
    ("a consent with a telephone", lambda f: consent(f, evidence=NUMBER), 422, "number_in_text", ["/evidence"]),
    ("a withdrawal of no consent", lambda f: withdraw(f, consent=NOBODY), 404, "not_found", []),
    ("a withdrawal twice", lambda f: withdraw(f, consent=f.withdrawn_id), 409, "consent_withdrawn", []),
    ("a withdrawal with a telephone", lambda f: withdraw(f, evidence=NUMBER), 422, "number_in_text", ["/evidence"]),
    # Acts in a household's place
    (
        "a confirmation in a household's place with a telephone",
        lambda f: Ask(f.village, "POST", "/payments/confirmations", {"payment_ids": [f.payment_id], "note": NUMBER}),
        422,
        "number_in_text",
        ["/note"],
    ),
    # Erasures
    ("an erasure of no household", lambda f: erase(f, household=NOBODY), 404, "not_found", []),
    ("an erasure in another county", lambda f: erase(f, household=f.stranger.id), 404, "not_found", []),
    ("an erasure of nothing", lambda f: erase(f, household=f.departed.id), 404, "nothing_to_erase", []),
    ("an erasure asked twice", lambda f: erase(f, household=f.households[2].id), 409, "erasure_pending", []),
    ("an erasure done twice", lambda f: erase(f, household=f.erased.id), 409, "erasure_pending", []),
    ("an erasure with a telephone", lambda f: erase(f, reason=NUMBER), 422, "number_in_text", ["/reason"]),
    ("a decision on no erasure", lambda f: decide(f, erasure=NOBODY), 404, "not_found", []),
    ("a decision on one's own erasure", lambda f: decide(f, desk=f.village), 403, "four_eyes", []),
    ("a decision of an odd kind", lambda f: decide(f, event="perhaps"), 422, INVALID, ["/event"]),
    ("a decision with a telephone", lambda f: decide(f, opinion=NUMBER), 422, "number_in_text", ["/opinion"]),
    ("a person of an erased household", lambda f: add(f, household=f.erased.id), 409, "people_exceed_heads", []),
    # Files of the register
    ("a file of the register of no kind", lambda f: load(f, kind="pdf"), 422, INVALID, ["/kind"]),
    ("a file of the register not in base64", lambda f: load(f, content="户编号"), 422, INVALID, ["/content"]),
    ("a file that is perhaps applied", lambda f: load(f, apply_changes="yes"), 422, INVALID, ["/apply_changes"]),
    (
        "a file of another county",
        lambda f: load(f, row(8_200, "BAD1", village_code="141130101201")),
        422,
        "register_file",
        ["/content/2/village_code"],
    ),
    (
        "a file with a household that left",
        lambda f: load(f, row(8_200, f.departed.code)),
        422,
        "register_file",
        ["/content/2/household_code"],
    ),
    (
        "a file with an erased household",
        lambda f: load(f, row(8_200, f.erased.code)),
        422,
        "register_file",
        ["/content/2/household_code"],
    ),
    (
        "a file with a household of another county",
        lambda f: load(f, row(8_200, f.stranger.code)),
        422,
        "register_file",
        ["/content/2/household_code"],
    ),
    (
        "a file with somebody of another household",
        lambda f: load(f, row(8_001, "BAD1")),
        422,
        "register_file",
        ["/content/2/resident_id"],
    ),
    (
        "a file with half a head",
        lambda f: load(f, row(8_200, "BAD1") | {"head_count": "1.5"}),
        422,
        "register_file",
        ["/content/2/head_count"],
    ),
]
