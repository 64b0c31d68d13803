"""Monitoring goes on for six months with the same people, under whatever code and however their household departed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.households.rules import HouseholdStatus
from tests import factories
from tests.households.registry import Registry
from tests.households.test_importing import csv_of, row, send
from tests.stalls import VILLAGE

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
IDENTIFIED, LEFT, EARLIEST = "2026-02-20", "2026-03-01", "2026-08-20"
AWAY = {"departed_on": LEFT, "reason": "moved_away"}
REFUSED = (409, "monitoring_continues")


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON) as traveller:
        yield traveller


@pytest.fixture
def registry(client: TestClient, session: orm.Session) -> Registry:
    return Registry(client, session)


def registered(registry: Registry, code: str, status: str, on: str) -> str:
    asked = {"code": code, "village_code": VILLAGE, "head_count": 2, "status": status, "registered_on": on}
    return str(registry.county.made("/households", asked)["id"])


def told(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


def add(registry: Registry, household: str, serial: int = 11) -> Any:
    return registry.county.post(f"/households/{household}/people", factories.particulars(serial))


def depart(registry: Registry, household: str, **changed: Any) -> Any:
    return registry.county.post(f"/households/{household}/departure", AWAY | changed)


def take_off(registry: Registry, person: str) -> None:
    registry.county.made(f"/people/{person}/departure")


def gone(registry: Registry, *, people_first: bool = False) -> str:
    """Identify a household of one person, and let both leave the register nine days later; return the household."""
    household = registered(registry, "Q001", "unstable", IDENTIFIED)
    person = add(registry, household).json()["id"]
    if people_first:
        take_off(registry, person)
    assert depart(registry, household).status_code == 201
    if not people_first:
        take_off(registry, person)
    return household


def test_a_departure_while_monitored_needs_a_reason_for_six_months_and_says_who_recorded_it(registry: Registry) -> None:
    household = registered(registry, "Q001", "unstable", IDENTIFIED)
    refused = depart(registry, household, reason=None)
    assert told(refused) == (422, "departure_reason")
    assert refused.json()["errors"][0]["pointer"] == "/reason"
    left = depart(registry, household).json()
    assert (left["departed_on"], left["departure_reason"]) == (LEFT, "moved_away")
    assert left["departure_recorded_by"] == str(registry.county.member.id)
    assert left["departure_recorded_at"].startswith("2026-03-02T04:00:")


@pytest.mark.parametrize(("status", "since"), [("unstable", "2025-09-01"), ("ordinary", IDENTIFIED)])
def test_who_was_monitored_for_six_months_or_never_leaves_as_before(
    registry: Registry, status: str, since: str
) -> None:
    household = registered(registry, "Q001", status, since)
    person = add(registry, household).json()["id"]
    assert depart(registry, household, reason=None).status_code == 201
    take_off(registry, person)
    assert add(registry, registered(registry, "Q002", "ordinary", LEFT)).status_code == 201


@pytest.mark.parametrize("people_first", [False, True])
@pytest.mark.parametrize("registered_on", [LEFT, "2020-01-01"])
def test_the_same_people_are_not_registered_anew_as_an_ordinary_household_whatever_day_is_said(
    registry: Registry, registered_on: str, *, people_first: bool
) -> None:
    gone(registry, people_first=people_first)
    anew = registered(registry, "Q002", "ordinary", registered_on)
    refused = add(registry, anew)
    assert told(refused) == REFUSED
    assert IDENTIFIED in refused.json()["detail"]
    assert EARLIEST in refused.json()["detail"]
    assert add(registry, anew, serial=12).status_code == 201, "somebody else"


def test_a_person_does_not_get_into_it_by_a_corrected_number(registry: Registry) -> None:
    gone(registry)
    anew = registered(registry, "Q002", "ordinary", LEFT)
    other = add(registry, anew, serial=12).json()["id"]
    headers = registry.county.bearer | {"If-Match": '"1"'}
    correction = {"resident_id": factories.particulars(11)["resident_id"]}
    assert told(registry.client.patch(f"/v1/people/{other}", json=correction, headers=headers)) == REFUSED


@pytest.mark.parametrize("registered_on", [LEFT, "2020-01-01"])
def test_who_registers_them_anew_goes_on_monitoring_them_from_the_first_day_of_it(
    registry: Registry, clock: time_machine.Traveller, registered_on: str
) -> None:
    gone(registry)
    anew = registered(registry, "Q002", "marginal", registered_on)
    assert add(registry, anew).status_code == 201
    clock.move_to(datetime(2026, 9, 1, 4, tzinfo=UTC))
    path = f"/households/{anew}/statuses"
    early = registry.county.post(path, {"status": "ordinary", "valid_from": "2026-08-19"})
    assert told(early) == (409, "removal_too_early")
    assert IDENTIFIED in early.json()["detail"]
    assert registry.county.post(path, {"status": "ordinary", "valid_from": EARLIEST}).status_code == 201


def test_after_six_months_they_are_registered_as_whatever_they_are(
    registry: Registry, clock: time_machine.Traveller
) -> None:
    gone(registry)
    clock.move_to(datetime(2026, 8, 20, 4, tzinfo=UTC))
    assert add(registry, registered(registry, "Q002", "ordinary", EARLIEST)).status_code == 201


def test_they_do_not_leave_once_they_are_registered_anew(registry: Registry) -> None:
    """People first into another entry of the register, then the household off it: the same in another order."""
    household = registered(registry, "Q001", "unstable", IDENTIFIED)
    take_off(registry, add(registry, household).json()["id"])
    anew = registered(registry, "Q002", "ordinary", "2020-01-01")
    assert add(registry, anew).status_code == 201, "a daughter may move out of a monitored household"
    assert told(depart(registry, household)) == REFUSED
    registry.county.made(f"/households/{anew}/statuses", {"status": "unstable", "valid_from": LEFT})
    assert depart(registry, household).status_code == 201


def test_a_family_that_the_register_had_before_takes_them_in_as_it_is(registry: Registry) -> None:
    family = registry.household
    family.head_count = 2
    registry.session.flush()
    gone(registry)
    assert add(registry, str(family.id)).status_code == 201, "merged into the son's household"


def test_who_had_left_the_household_before_it_was_monitored_has_nothing_to_go_on_with(
    registry: Registry, clock: time_machine.Traveller
) -> None:
    clock.move_to(datetime(2026, 2, 10, 4, tzinfo=UTC))
    household = registered(registry, "Q001", "ordinary", "2020-01-01")
    take_off(registry, add(registry, household).json()["id"])
    clock.move_to(NOON)
    registry.county.made(f"/households/{household}/statuses", {"status": "unstable", "valid_from": IDENTIFIED})
    assert depart(registry, household).status_code == 201
    assert add(registry, registered(registry, "Q002", "ordinary", LEFT)).status_code == 201


def rows_at_fault(registry: Registry, content: bytes) -> list[tuple[int, str]]:
    refused = send(registry.county, content)
    assert told(refused) == (422, "register_file")
    answer = send(registry.county, content, dry=True).json()
    assert all(IDENTIFIED in fault["en"] and EARLIEST in fault["zh"] for fault in answer["faults"])
    return [(fault["row"], fault["column"]) for fault in answer["faults"]]


def test_a_file_does_not_register_them_anew_either(registry: Registry) -> None:
    gone(registry)
    ordinary = [row(12, "FH1", heads=2), row(11, "FH1", heads=2), row(13, "FH2")]
    assert rows_at_fault(registry, csv_of(ordinary)) == [(2, "status")]
    monitored = [each | {"status": "脱贫不稳定户", "registered_on": LEFT} for each in ordinary[:2]]
    assert send(registry.county, csv_of([*monitored, ordinary[2]])).status_code == 201
    assert send(registry.county, csv_of([*monitored, ordinary[2]])).status_code == 200, "once there, they are there"


def test_a_file_does_not_put_them_into_an_entry_that_was_made_since(registry: Registry) -> None:
    gone(registry)
    old = factories.household(registry.session, village_code=VILLAGE, code="FH9", head_count=1)
    factories.person(registry.session, old, known=factories.particulars(14))
    send(registry.county, csv_of([row(12, "FH1")]))
    both = [row(12, "FH1", heads=2), row(11, "FH1", heads=2)]
    assert rows_at_fault(registry, csv_of(both)) == [(2, "status")]
    merged = [row(14, "FH9", heads=2, registered_on="2020-01-01"), row(11, "FH9", heads=2, registered_on="2020-01-01")]
    assert send(registry.county, csv_of(merged), apply_changes=True).status_code == 201


def test_of_the_erased_nobody_is_known_again(registry: Registry) -> None:
    household = gone(registry)
    registry.county.made(f"/households/{household}/erasures", {"reason": "本人申请"})
    assert add(registry, registered(registry, "Q002", "ordinary", LEFT)).status_code == 201


@pytest.mark.parametrize(("registered_on", "answer"), [("2026-02-19", 201), (LEFT, 409)])
def test_what_the_register_learnt_of_at_once_is_told_apart_by_the_days(
    registry: Registry, registered_on: str, answer: int
) -> None:
    """As a first import of the whole register is."""
    at_once: dict[str, Any] = {"village_code": VILLAGE, "recorded_at": NOON}
    unstable, ordinary = (
        factories.household(registry.session, status=status, registered_on=date.fromisoformat(day), **at_once)
        for status, day in ((HouseholdStatus.UNSTABLE, IDENTIFIED), (HouseholdStatus.ORDINARY, registered_on))
    )
    take_off(registry, add(registry, str(unstable.id)).json()["id"])
    depart(registry, str(unstable.id))
    assert add(registry, str(ordinary.id)).status_code == answer
