"""What happens to a clerk whose edit the database gives up."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from market.app import create_app
from market.db import Database
from market.identity.rules import Role
from tests import factories, schema

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
