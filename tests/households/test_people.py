"""People by HTTP: masked by role, in clear for a purpose, logged, within a quota."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.app import create_app
from market.db import Database
from market.households import keys
from market.households.models import HouseholdKey, Person
from market.households.rules import REVEALED_PER_HOUR
from market.households.vault import Keyring, KeyringError, Vault, VaultError
from market.identity.models import IdempotentAnswer
from tests import factories
from tests.households.registry import CARD, WHY, Registry
from tests.stalls import VILLAGE, Desk


def seen(desk: Desk) -> dict[str, str | None]:
    (home,) = desk.get("/people").json()["items"]
    (person,) = home["people"]
    return {name: value for name, value in person.items() if value is not None and name not in {"id", "version"}}


def test_people_are_masked_as_each_role_sees_them(registry: Registry) -> None:
    masks = {
        "name": f"{str(CARD['name'])[0]}**",
        "resident_id": f"141122********{str(CARD['resident_id'])[-4:]}",
        "relation": "户主",
        "phone": "139****0001",
        "bank_name": "***",
        "bank_account": f"****{str(CARD['bank_account'])[-4:]}",
        "health": "***",
    }
    assert seen(registry.county) == seen(registry.clerk) == masks
    assert seen(registry.auditor) == {name: mask for name, mask in masks.items() if name != "health"}
    assert seen(registry.manager) == {name: masks[name] for name in ("name", "phone", "bank_account")}
    assert seen(registry.seller) == {name: masks[name] for name in ("name", "bank_account")}
    assert registry.accesses() == [], "nothing was read in clear"


def test_what_is_listed_is_what_the_caller_may_see(registry: Registry) -> None:
    elsewhere = factories.household(registry.session, village_code="141130101201")
    factories.person(registry.session, elsewhere)
    assert len(registry.county.get("/people").json()["items"]) == 1
    assert len(registry.auditor.get("/people").json()["items"]) == 2
    assert registry.county.get("/people", household_id=str(elsewhere.id)).json()["items"] == []
    assert registry.reveal(registry.county, "name", household_ids=[str(elsewhere.id)]).status_code == 404


def test_a_reading_in_clear_is_logged_with_all_that_is_asked_of_a_log(registry: Registry) -> None:
    answer = registry.reveal(registry.clerk, "name", "phone", purpose="assistance", reason="入户走访")
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    (home,) = answer.json()["households"]
    assert (home["people"][0]["name"], home["people"][0]["phone"]) == (CARD["name"], CARD["phone"])
    assert home["people"][0]["resident_id"] is None, "not asked for"
    (access,) = registry.accesses()
    assert (access.kind, access.purpose, access.reason) == ("reveal", "assistance", "入户走访")
    assert (access.member_id, access.role) == (registry.clerk.member.id, "village_clerk")
    assert access.acting_for == registry.clerk.member.organisation_id
    assert (access.household_ids, access.fields, access.person_count) == ([registry.household.id], ["name", "phone"], 1)
    assert (access.ip, access.request_id) == ("testclient", answer.headers["x-request-id"])
    listed = registry.auditor.get("/personal-data-accesses", household_id=str(registry.household.id)).json()["items"]
    assert [row["id"] for row in listed] == [str(access.id)]
    assert registry.auditor.get("/personal-data-accesses", household_id=str(uuid4())).json()["items"] == []


def test_a_repeat_shows_nothing_and_what_is_remembered_holds_nothing(registry: Registry) -> None:
    asked = {"household_ids": [str(registry.household.id)], "fields": ["name"]} | WHY
    first = registry.county.post("/people/reveals", asked, key="once")
    again = registry.county.post("/people/reveals", asked, key="once")
    assert first.json()["households"][0]["people"][0]["name"] == CARD["name"]
    assert (again.json(), again.headers["idempotency-hit"]) == ({"households": None}, "true")
    assert again.headers["cache-control"] == "no-store"
    bodies = registry.session.scalars(sa.select(IdempotentAnswer.body)).all()
    assert all(str(CARD["name"]).encode() not in body for body in bodies)


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"purpose": None}, 422, "invalid_input"),
        ({"purpose": "curiosity"}, 422, "invalid_input"),
        ({"reason": ""}, 422, "invalid_input"),
        ({"reason": "核对 0358-301 2345"}, 422, "number_in_text"),
        ({"fields": []}, 422, "invalid_input"),
        ({"fields": ["name", "name"]}, 422, "invalid_input"),
        ({"fields": ["bank_account"]}, 403, "reveal_not_allowed"),
        ({"purpose": "audit"}, 403, "reveal_not_allowed"),
        ({"household_ids": [str(UUID(int=number)) for number in range(21)]}, 422, "invalid_input"),
        ({"household_ids": [str(UUID(int=7))]}, 404, "not_found"),
    ],
)
def test_a_reading_without_a_right_purpose_is_refused(
    registry: Registry, changed: dict[str, Any], status: int, code: str
) -> None:
    asked = {"household_ids": [str(registry.household.id)], "fields": ["name"]} | WHY | changed
    answer = registry.county.post("/people/reveals", asked)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert registry.accesses() == []


def test_without_a_purpose_nobody_reads(registry: Registry) -> None:
    asked = {"household_ids": [str(registry.household.id)], "fields": ["name"], "reason": "看看"}
    assert registry.county.post("/people/reveals", asked).status_code == 422
    assert registry.reveal(registry.seller, "name").status_code == 403


def test_nobody_reads_more_households_an_hour_than_the_quota(registry: Registry) -> None:
    more = [factories.household(registry.session, village_code=VILLAGE) for _ in range(20)]
    everybody = [str(household.id) for household in more]
    for _ in range(REVEALED_PER_HOUR // 20):
        assert registry.reveal(registry.county, "name", household_ids=everybody).status_code == 201
    refused = registry.reveal(registry.county, "name")
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
        429,
        "reveal_quota",
        "3600",
    )
    assert registry.reveal(registry.clerk, "name").status_code == 201, "the quota is a person's own"
    search = {"field": "phone", "value": CARD["phone"]} | WHY
    assert registry.county.post("/people/searches", search).status_code == 429


def test_a_number_is_found_however_it_is_written_and_the_look_up_is_logged(registry: Registry) -> None:
    for field, value in [
        ("resident_id", str(CARD["resident_id"]).lower()),
        ("phone", "+86 139-0000-0001"),
        ("phone", "13900000001"),
    ]:
        found = registry.county.post("/people/searches", {"field": field, "value": value} | WHY)
        assert [item["household_code"] for item in found.json()["items"]] == ["H1"], field
    nobody = registry.county.post("/people/searches", {"field": "phone", "value": "13900009999"} | WHY)
    assert nobody.json() == {"items": []}
    assert [(access.kind, access.person_count) for access in registry.accesses()] == [("search", 1)] * 3 + [
        ("search", 0)
    ]
    unindexed = registry.county.post("/people/searches", {"field": "name", "value": CARD["name"]} | WHY)
    assert unindexed.json()["errors"][0]["pointer"] == "/field"


def test_a_person_is_added_corrected_and_departs(registry: Registry) -> None:
    path = f"/households/{registry.household.id}/people"
    given = factories.particulars(2, health=None)
    made = registry.county.made(path, given)
    assert made.keys() == {"id", "household_id", "departed_on", "version"}, "the answer is remembered"
    taken = registry.county.post(path, given | {"name": "李示例"})
    assert (taken.status_code, taken.json()["code"]) == (409, "resident_id_taken")
    headers = registry.county.bearer | {"If-Match": '"1"'}
    corrected = registry.client.patch(
        f"/v1/people/{made['id']}", json={"phone": "13911112222", "bank_name": None}, headers=headers
    )
    assert (corrected.status_code, corrected.json()["version"]) == (200, 2)
    (home,) = registry.county.get("/people").json()["items"]
    (person,) = (person for person in home["people"] if person["id"] == made["id"])
    assert (person["phone"], person["bank_name"], person["health"]) == ("139****2222", None, None)
    (revealed,) = registry.reveal(registry.county, "name", "phone").json()["households"]
    assert {row["phone"] for row in revealed["people"]} == {CARD["phone"], "13911112222"}
    registry.county.made(path, factories.particulars(3))
    full = registry.county.post(path, factories.particulars(4))
    assert (full.status_code, full.json()["code"]) == (409, "people_exceed_heads")
    registry.county.made(f"/people/{made['id']}/departure")
    assert len(registry.county.get("/people").json()["items"][0]["people"]) == 2
    registry.county.made(path, given)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("resident_id", "141122198001011235"),
        ("resident_id", "141122980101123"),
        ("resident_id", "141122209901011231"),
        ("resident_id", f"{CARD['resident_id']}43"),
        ("phone", "12345678901"),
        ("bank_account", "62220"),
        ("name", "\x07"),
    ],
)
def test_what_is_not_plausible_is_refused_without_being_repeated(registry: Registry, field: str, value: str) -> None:
    given = factories.particulars(5) | {field: value}
    answer = registry.county.post(f"/households/{registry.household.id}/people", given)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{field}")
    assert value not in answer.text


def raw(session: orm.Session, person: Person) -> dict[str, Any]:
    row = session.execute(sa.text("SELECT * FROM people WHERE id = :id"), {"id": person.id}).mappings().one()
    return dict(row)


@pytest.mark.parametrize(
    "swap", ["between columns", "between rows", "between households", "of the key", "of the masks"]
)
def test_a_swapped_ciphertext_is_never_shown_as_another_persons(
    registry: Registry, client: TestClient, swap: str
) -> None:
    session, mine = registry.session, registry.person
    other_household = factories.household(session, village_code=VILLAGE)
    home = registry.household if swap == "between rows" else other_household
    theirs = factories.person(session, home, known=factories.particulars(9))
    statement = {
        "between columns": "UPDATE people SET name = bank_name WHERE id = :mine",
        "between rows": "UPDATE people SET name = (SELECT name FROM people WHERE id = :theirs) WHERE id = :mine",
        "between households": "UPDATE people SET name = (SELECT name FROM people WHERE id = :theirs) WHERE id = :mine",
        "of the key": "UPDATE vault.household_keys SET wrapped = (SELECT wrapped FROM vault.household_keys"
        " WHERE household_id = :home) WHERE household_id = :household",
        "of the masks": "UPDATE people SET masked = (SELECT masked FROM people WHERE id = :theirs) WHERE id = :mine",
    }[swap]
    known = {"mine": mine.id, "theirs": theirs.id, "home": home.id, "household": registry.household.id}
    session.execute(sa.text(statement), known)
    session.expire_all()
    safe = TestClient(client.app, raise_server_exceptions=False)
    desk = Desk(safe, session, registry.county.member)
    answer = desk.get("/people") if swap == "of the masks" else registry.reveal(desk, "name")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert str(factories.particulars(9)["name"]) not in answer.text


def test_a_dump_without_the_keyring_opens_nothing(registry: Registry) -> None:
    kept = registry.session.get_one(HouseholdKey, registry.household.id)
    with pytest.raises(VaultError):
        keys.opened(Vault(Keyring.new()), kept)
    columns = raw(registry.session, registry.person)
    stored = b"|".join(bytes(value) for value in columns.values() if isinstance(value, bytes | memoryview))
    assert all(str(value).encode() not in stored for value in CARD.values())


def test_another_keyring_than_the_one_in_use_is_refused(registry: Registry) -> None:
    for stranger in (
        Keyring.new(),
        Keyring(factories.VAULT.keyring.masters, bytes(32)),
        Keyring({1: bytes(32)}, factories.VAULT.keyring.index_secret),
    ):
        with pytest.raises(KeyringError):
            keys.check_keyring(registry.session, Vault(stranger))


def test_a_server_without_the_key_says_so_and_serves_the_rest(registry: Registry, db: Database) -> None:
    with TestClient(create_app(db)) as closed:
        desk = Desk(closed, registry.session, registry.county.member)
        answer = desk.get("/people")
        assert (answer.status_code, answer.json()["code"]) == (503, "vault_closed")
        assert desk.get("/households").status_code == 200


def test_master_keys_are_rotated_in_steps_and_indexes_stay(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    session = registry.session
    for _ in range(5):
        factories.person(session, factories.household(session, village_code=VILLAGE))
    index = registry.person.resident_id_index
    after = Vault(factories.VAULT.keyring.with_new_master())
    monkeypatch.setattr(keys, "REWRAPPED_AT_ONCE", 2)
    assert [keys.rewrap_some(session, after) for _ in range(2)] == [2, 2], "and here it is interrupted"
    assert keys.verify(session, after) == (6, [1, 2])
    assert [keys.rewrap_some(session, after) for _ in range(2)] == [2, 0]
    assert keys.verify(session, after) == (6, [2])
    with TestClient(create_app(registry.client.app.state.db, vault=after)) as client:  # type: ignore[attr-defined]
        desk = Desk(client, session, registry.county.member)
        (home, *_) = registry.reveal(desk, "resident_id").json()["households"]
        assert home["people"][0]["resident_id"] == CARD["resident_id"]
    assert raw(session, registry.person)["resident_id_index"] == index
    with pytest.raises(VaultError):
        keys.verify(session, factories.VAULT)


@pytest.mark.parametrize("number", [1, 40])
def test_listing_people_takes_the_same_number_of_statements_for_one_household_or_forty(
    registry: Registry, db: Database, number: int
) -> None:
    for _ in range(number):
        household = factories.household(registry.session, village_code=VILLAGE)
        for _ in range(3):
            factories.person(registry.session, household)
    executed: list[str] = []

    @sa.event.listens_for(db.engine, "before_cursor_execute")
    def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "SAVEPOINT" not in statement:
            executed.append(statement)

    page = registry.county.get("/people", limit=100)
    assert len(page.json()["items"]) == number + 1
    assert len(executed) == 2, "who asks, and the page"


def test_accesses_are_only_ever_added(session: orm.Session, registry: Registry) -> None:
    registry.reveal(registry.county, "name")
    for statement in (
        "UPDATE personal_data_accesses SET reason = 'x'",
        "DELETE FROM personal_data_accesses",
        "TRUNCATE personal_data_accesses",
    ):
        with pytest.raises(sa.exc.DatabaseError), session.begin_nested():
            session.execute(sa.text(statement))
    triggers = session.scalars(
        sa.text(
            "SELECT tgenabled FROM pg_trigger WHERE tgrelid = 'personal_data_accesses'::regclass AND NOT tgisinternal"
        )
    )
    assert set(triggers) == {"A"}
