"""What happens to a clerk whose edit the database gives up, and to two who take the same people two ways."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from market.app import create_app
from market.clock import business_date, utc_now
from market.db import Database
from market.households import people, service
from market.households.removal import MonitoringContinuesError
from market.households.rules import DepartureReason, HouseholdStatus, PersonalField
from market.identity.rules import OrganisationKind, Role, Scope
from tests import factories, schema
from tests.racing import Act, crossings

_GIVE_UP = """
SELECT pg_cancel_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def household(committed_db: Database) -> tuple[str, dict[str, str]]:
    with committed_db.transaction() as session:
        return str(factories.household(session).id), factories.signed_in(session, Role.COUNTY_REVIEWER)


def test_an_edit_that_waits_in_vain_is_told_to_come_back_and_changes_nothing(
    committed_db: Database, household: tuple[str, dict[str, str]]
) -> None:
    """As a lock timeout, a deadlock or a lost connection would."""
    household_id, headers = household
    address, edit = f"/v1/households/{household_id}", {"head_count": 5}
    with TestClient(create_app(committed_db)) as client, ThreadPoolExecutor() as pool:
        tag = client.get(address, headers=headers).headers["ETag"]
        edited = headers | {"If-Match": tag, "Accept-Language": "zh"}

        with committed_db.transaction() as session:
            session.execute(sa.text("SELECT FROM households WHERE id = :id FOR UPDATE"), {"id": household_id})
            waiting = pool.submit(client.patch, address, json=edit, headers=edited)
            owner = schema.plain(committed_db.engine.url.render_as_string(hide_password=False))
            with psycopg.connect(owner, autocommit=True) as connection:
                while not connection.execute(_GIVE_UP).fetchall():
                    time.sleep(0.01)
            given_up = waiting.result()

        assert (given_up.status_code, given_up.json()["code"], given_up.headers["Retry-After"]) == (503, "busy", "1")
        assert given_up.json()["detail"] == "系统繁忙,未作任何更改。请重新读取,再作修改。"
        assert given_up.json()["detail"].startswith("系统繁忙")
        assert client.patch(address, json=edit, headers=edited).json()["head_count"] == 5


@pytest.mark.parametrize("leaves_first", [True, False])
def test_a_household_does_not_leave_monitoring_while_its_people_are_registered_anew(
    committed_db: Database, *, leaves_first: bool
) -> None:
    """Whoever comes second is refused, wherever they cross: the one sees the other, or waits for it."""
    serials = count(1)

    def begin() -> tuple[Act, Act]:
        now, day, known = utc_now(), business_date(utc_now()), factories.particulars(next(serials))
        with committed_db.transaction() as session:
            body = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
            county = factories.actor(session, factories.member(session, body, Role.COUNTY_REVIEWER), Scope.REGION)
            ago: dict[str, Any] = {"registered_on": day - timedelta(days=9), "recorded_at": now - timedelta(days=9)}
            left = factories.household(session, status=HouseholdStatus.UNSTABLE, **ago)
            factories.person(session, left, known=known).departed_on = day
            anew = factories.household(session, status=HouseholdStatus.ORDINARY, recorded_at=now)
            ids = left.id, anew.id
        given = {PersonalField(name): value for name, value in known.items()}

        def leaves() -> object:
            with committed_db.transaction() as session:
                reason = DepartureReason.MOVED_AWAY
                return service.depart(
                    session, county, household_id=ids[0], departed_on=day, reason=reason, now=utc_now()
                )

        def comes() -> object:
            with committed_db.transaction() as session:
                return people.add_person(
                    session, county, factories.VAULT, household_id=ids[1], given=given, now=utc_now(), today=day
                )

        return (leaves, comes) if leaves_first else (comes, leaves)

    for crossed in crossings(committed_db, begin, least=2):
        assert [isinstance(each, MonitoringContinuesError) for each in crossed].count(True) == 1
