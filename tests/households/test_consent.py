"""Consent, acts in a household's place, and erasure."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.clock import business_date, utc_now
from market.households.models import HouseholdKey, ProxyAct
from market.households.queries import consenting
from market.households.rules import ConsentPurpose, Deed
from market.identity.rules import OrganisationKind, Role
from tests import factories
from tests.households.registry import CARD, WHY, Registry
from tests.stalls import VILLAGE

CONSENT = {"purpose": "payment_details", "valid_from": "2024-01-01", "evidence": "纸质同意书,村委会存档"}
REASON = {"reason": "农户迁出,本人申请删除"}
FOR_PAYMENT = {"purpose": "payment", "reason": "分红兑付"}


def acts(session: orm.Session) -> list[tuple[Deed, str]]:
    """Return what was done for the household since it takes part with the supplier."""
    since = sa.select(ProxyAct).where(ProxyAct.deed != Deed.ENROLMENT_CONFIRMED)
    rows = session.scalars(since.order_by(ProxyAct.id))
    return [(row.deed, str(row.about_id)) for row in rows]


def test_a_cooperative_reads_bank_details_only_while_the_household_consents(registry: Registry) -> None:
    path = f"/households/{registry.household.id}/consents"
    refused = registry.reveal(registry.manager, "name", "bank_account", **FOR_PAYMENT)
    assert (refused.status_code, refused.json()["code"]) == (409, "consent_missing")
    assert registry.accesses() == []
    consent = registry.clerk.made(path, CONSENT)
    (home,) = registry.reveal(registry.manager, "name", "bank_account", **FOR_PAYMENT).json()["households"]
    assert home["people"][0]["bank_account"] == CARD["bank_account"]
    assert registry.reveal(registry.manager, "resident_id", **FOR_PAYMENT).status_code == 403, "payment needs none"
    withdrawn = registry.clerk.made(f"/consents/{consent['id']}/withdrawal", {"evidence": "农户到村声明"})
    assert withdrawn["withdrawn_on"] == str(business_date(utc_now()))
    assert registry.reveal(registry.manager, "bank_account", **FOR_PAYMENT).status_code == 409
    again = registry.clerk.post(f"/consents/{consent['id']}/withdrawal", {"evidence": "再次"})
    assert (again.status_code, again.json()["code"]) == (409, "consent_withdrawn")
    assert registry.reveal(registry.county, "bank_account", **FOR_PAYMENT).status_code == 201, "an office acts by law"
    assert acts(registry.session) == [(Deed.CONSENT_GIVEN, consent["id"]), (Deed.CONSENT_WITHDRAWN, consent["id"])]


def test_a_consent_holds_from_its_first_day_until_the_one_before_its_last(registry: Registry) -> None:
    session, household_id = registry.session, registry.household.id
    asked = CONSENT | {"purpose": "public_disclosure", "valid_until": "2025-01-01"}
    registry.county.made(f"/households/{household_id}/consents", asked)
    purpose = ConsentPurpose.PUBLIC_DISCLOSURE
    for day, holds in [("2023-12-31", False), ("2024-01-01", True), ("2024-12-31", True), ("2025-01-01", False)]:
        found = consenting(session, purpose, [household_id], date.fromisoformat(day))
        assert (household_id in found) is holds, day
    assert not consenting(session, ConsentPurpose.PAYMENT_DETAILS, [household_id], business_date(utc_now()))
    assert acts(session) == [], "the county acts by its office, in nobody's place"


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"valid_from": "2099-01-01"}, 422, "future_date"),
        ({"valid_until": "2024-01-01"}, 422, "invalid_input"),
        ({"evidence": "身份证 141122198001011234"}, 422, "number_in_text"),
        ({"purpose": "marketing"}, 422, "invalid_input"),
    ],
)
def test_a_consent_that_cannot_be_is_refused(
    registry: Registry, changed: dict[str, Any], status: int, code: str
) -> None:
    answer = registry.clerk.post(f"/households/{registry.household.id}/consents", CONSENT | changed)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_consent_is_recorded_once(registry: Registry) -> None:
    path = f"/households/{registry.household.id}/consents"
    registry.clerk.made(path, CONSENT)
    again = registry.clerk.post(path, CONSENT)
    assert (again.status_code, again.json()["code"]) == (409, "consent_taken")
    listed = registry.auditor.get("/consents", household_id=str(registry.household.id)).json()["items"]
    assert [row["purpose"] for row in listed] == ["payment_details"]
    (act, _) = registry.auditor.get("/proxy-acts", household_id=str(registry.household.id)).json()["items"]
    assert (act["deed"], act["member_id"]) == ("consent_given", str(registry.clerk.member.id))


def erased(registry: Registry) -> None:
    """Everybody is told the same of an erased household."""
    for desk in (registry.county, registry.clerk, registry.auditor, registry.manager):
        (home,) = desk.get("/people").json()["items"]
        assert (home["erased"], home["people"]) == (True, [])
    (home,) = registry.reveal(registry.county, "name").json()["households"]
    assert (home["erased"], home["people"]) == (True, [])
    search = {"field": "resident_id", "value": CARD["resident_id"]} | WHY
    assert registry.county.post("/people/searches", search).json() == {"items": []}
    refused = registry.county.post(f"/households/{registry.household.id}/people", factories.particulars(7))
    assert (refused.status_code, refused.json()["code"]) == (409, "household_erased")
    headers = registry.county.bearer | {"If-Match": '"1"'}
    path = f"/v1/people/{registry.person.id}"
    assert registry.client.patch(path, json={"phone": "13911112222"}, headers=headers).status_code == 409


def test_the_county_erases_at_once_and_for_ever(registry: Registry) -> None:
    path = f"/households/{registry.household.id}/erasures"
    made = registry.county.made(path, REASON)
    assert (made["status"], made["decided_by"]) == ("carried_out", str(registry.county.member.id))
    registry.session.expire_all()
    kept = registry.session.get_one(HouseholdKey, registry.household.id)
    assert (kept.wrapped, kept.reason, kept.destroyed_by) == (None, REASON["reason"], registry.county.member.id)
    erased(registry)
    again = registry.county.post(path, REASON)
    assert (again.status_code, again.json()["code"]) == (409, "erasure_pending")


def test_a_village_clerk_erases_with_a_second_person(registry: Registry) -> None:
    made = registry.clerk.made(f"/households/{registry.household.id}/erasures", REASON)
    assert made["status"] == "requested"
    path, yes = f"/erasures/{made['id']}/decision", {"event": "carry_out", "opinion": "属实"}
    alone = registry.clerk.post(path, yes)
    assert (alone.status_code, alone.json()["code"]) == (403, "four_eyes")
    assert registry.county.get("/people").json()["items"][0]["erased"] is False
    second = registry.desk(OrganisationKind.VILLAGE_OFFICE, Role.VILLAGE_CLERK, VILLAGE)
    assert second.made(path, yes)["status"] == "carried_out"
    registry.session.expire_all()
    erased(registry)
    late = registry.county.post(path, yes)
    assert (late.status_code, late.json()["code"]) == (409, "transition")
    assert acts(registry.session)[0][0] == Deed.ERASURE_REQUESTED


def test_a_rejected_erasure_leaves_everything_and_may_be_asked_again(registry: Registry) -> None:
    path = f"/households/{registry.household.id}/erasures"
    made = registry.clerk.made(path, REASON)
    registry.county.made(f"/erasures/{made['id']}/decision", {"event": "reject", "opinion": "兑付未结清"})
    assert registry.reveal(registry.county, "name").json()["households"][0]["people"]
    registry.clerk.made(path, REASON)
    listed = registry.county.get("/erasures", status="rejected").json()["items"]
    assert [row["opinion"] for row in listed] == ["兑付未结清"]


def test_there_is_nothing_to_erase_where_nothing_is_recorded(registry: Registry) -> None:
    household = factories.household(registry.session, village_code=VILLAGE)
    refused = registry.county.post(f"/households/{household.id}/erasures", REASON)
    assert (refused.status_code, refused.json()["code"]) == (404, "nothing_to_erase")
    assert "No person of this household is recorded" in refused.json()["detail"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vault.household_keys SET wrapped = '\\x01', destroyed_at = NULL, destroyed_by = NULL, reason = NULL",
        "DELETE FROM vault.household_keys",
    ],
)
def test_a_destroyed_key_never_comes_back(registry: Registry, statement: str) -> None:
    registry.county.made(f"/households/{registry.household.id}/erasures", REASON)
    registry.session.execute(sa.text("SET ROLE NONE"))
    with pytest.raises(sa.exc.IntegrityError), registry.session.begin_nested():
        registry.session.execute(sa.text(statement))


def test_on_any_day_one_consent_to_a_purpose_stands_so_that_its_withdrawal_leaves_none(registry: Registry) -> None:
    path = f"/households/{registry.household.id}/consents"
    given = registry.clerk.made(path, CONSENT)
    for day in ("2020-01-01", "2026-03-01"):
        again = registry.clerk.post(path, CONSENT | {"valid_from": day})
        assert (again.status_code, again.json()["code"]) == (409, "consent_taken")
    ended = registry.clerk.made(path, CONSENT | {"valid_from": "2020-01-01", "valid_until": CONSENT["valid_from"]})
    assert ended["valid_until"] == CONSENT["valid_from"]
    registry.clerk.made(f"/consents/{given['id']}/withdrawal", {"evidence": "农户到村签字"})
    assert registry.clerk.post(path, CONSENT).json()["code"] == "consent_taken"
