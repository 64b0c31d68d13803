"""No personal data in clear where it does not belong: logs, tables, dumps, facts, exports, refusals, addresses.

Made-up people come in through the API, are read, looked up, paid and refused; then everything that the market keeps
or says is searched for what is known of them. A planted value is found, in whatever form it is written.
"""

import base64
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
import time_machine
from python_calamine import CalamineWorkbook
from sqlalchemy import orm
from starlette.testclient import TestClient
from structlog.testing import capture_logs
from typing_extensions import override

from market.app import create_app
from market.db import Database
from market.identity.models import Organisation
from market.installation import find_installation
from tests import factories, schema
from tests.households.test_importing import csv_of, row
from tests.stalls import NOON, VILLAGE, Stalls

PEOPLE = [factories.particulars(7_000 + serial) for serial in range(4)]
SECRETS = ["name", "resident_id", "phone", "bank_account", "health"]
CLEAR = {str(person[field]) for person in PEOPLE for field in SECRETS}
WHY = {"purpose": "subject_request", "reason": "本人申请查询"}
YEAR = {"from": "2026-01-01", "to": "2026-12-31"}


def found_in(text: str | bytes) -> set[str]:
    """Return which of the clear values a text holds, as they are, escaped, in hexadecimal or in base64."""
    content = text if isinstance(text, bytes) else text.encode()
    return {value for value in CLEAR if any(form in content for form in forms_of(value))}


def forms_of(value: str) -> Iterator[bytes]:
    plain = value.encode()
    yield plain
    yield value.encode("gb18030")
    yield plain.hex().encode()
    yield json.dumps(value)[1:-1].encode()
    for shift in range(3):  # the digits at the ends depend on what stands beside
        yield base64.b64encode(b" " * shift + plain)[4 if shift else 0 : -4]


class Day:
    """A day on which people are recorded, read, looked up, paid and refused; every answer is kept."""

    def __init__(self, client: TestClient, session: orm.Session) -> None:
        """Let it pass."""
        factories.region(session, code=VILLAGE)
        self.session, self.stalls = session, Stalls(client, session)
        self.county = self.stalls.county
        self.household = str(self.stalls.households[0].id)
        self.path = f"/households/{self.household}/people"
        self.said: dict[str, str] = {}
        self.come_in()
        self.refused()
        self.traded()
        self.banked()
        self.told()

    def keep(self, name: str, answer: Any, status: int) -> None:
        """Keep what was answered."""
        assert answer.status_code == status, f"{name}: {answer.text}"
        self.said[name] = answer.text

    def come_in(self) -> None:
        """Record a person, a good file twice and a bad one; look the person up, and read it in clear."""
        self.keep("recorded", self.county.post(self.path, PEOPLE[0]), 201)
        good, bad = csv_of([row(7_001, "PD1"), row(7_002, "PD2")]), csv_of([row(7_003, "PD3", heads=2)])
        for name, content, status in (("file", good, 201), ("file again", good, 200), ("bad file", bad, 422)):
            body = {"kind": "csv", "content": base64.b64encode(content).decode()}
            self.keep(name, self.county.post("/register-imports", body), status)
        for field in ("resident_id", "phone", "bank_account"):
            search = {"field": field, "value": PEOPLE[0][field]} | WHY
            self.keep(f"search by {field}", self.county.post("/people/searches", search), 201)
        asked = {"household_ids": [self.household], "fields": SECRETS} | WHY
        shown = self.county.post("/people/reveals", asked, key="shown")
        assert found_in(shown.text) == {PEOPLE[0][field] for field in SECRETS}, "here it is meant to be"
        self.keep("the same again", self.county.post("/people/reveals", asked, key="shown"), 201)

    def refused(self) -> None:
        """Send what is refused, with clear values where they belong and where they do not."""
        person, county = PEOPLE[3], self.county
        number = str(person["resident_id"])
        self.keep("a wrong number", county.post(self.path, person | {"resident_id": f"{number}99"}), 422)
        self.keep("one field too many", county.post(self.path, person | {"note": person["name"]}), 422)
        self.keep("nowhere", county.post(f"/households/{factories.number():032d}/people", person), 404)
        asked = {"household_ids": [self.household], "fields": ["name"]} | WHY | {"reason": str(person["phone"])}
        self.keep("in the reason", county.post("/people/reveals", asked), 422)
        self.keep("no purpose", county.post("/people/searches", {"field": "phone", "value": person["phone"]}), 422)
        self.keep("in the query", county.get("/people", village_code=number), 422)
        self.keep("in the path", county.get(f"/households/{number}"), 422)
        self.keep("in a path of nothing", county.get(f"/{number}"), 404)
        headers = county.bearer | {"Idempotency-Key": "broken", "Content-Type": "application/json"}
        broken = county.client.post(f"/v1{self.path}", content=f'{{"name": "{person["name"]}', headers=headers)
        self.keep("no JSON", broken, 400)

    def traded(self) -> None:
        """Sell, be paid, and pay the household."""
        stalls = self.stalls
        stalls.clerk.made("/receipts", stalls.money(stalls.accepted(stalls.line(stalls.dates)), 5_000))
        stalls.clerk.made("/disbursements", stalls.payment(2_000))

    def banked(self) -> None:
        """Have the bank say why it could not pay, in its words, in a file that names the person in every column."""
        name, account = str(PEOPLE[0]["name"]), str(PEOPLE[0]["bank_account"])
        clerk, payment = self.stalls.clerk, self.stalls.payment(100, reference="DF-1")["payments"]
        made = {"method": "bank_transfer", "evidence": "代发清单", "payments": payment}
        pay_list = clerk.post("/pay-lists", made)
        self.keep("list to pay", pay_list, 201)
        path = f"/pay-lists/{pay_list.json()['id']}"
        head = "凭证号,户名,账号,金额,结果,失败原因,日期"
        shifted = f"{name},{account},{name},{name},{name},{name},{account}"
        failed = f"DF-1,{name},{account},1.00,失败,户名不符 应为{name} {account},"
        for told, line, status in (("shifted file", shifted, 422), ("bank's file", failed, 201)):
            sent = {**self.stalls.manager.bearer, "Idempotency-Key": told, "Content-Type": "text/csv"}
            content = f"{head}\n{line}\n".encode()
            answer = clerk.client.post(f"/v1{path}/bank-results", content=content, headers=sent)
            self.keep(told, answer, status)
        self.keep("failed", clerk.get(path), 200)
        assert '"reason":"name_mismatch"' in self.said["failed"]

    def told(self) -> None:
        """List and state."""
        auditor = self.stalls.auditor
        for path in (
            "people",
            "personal-data-accesses",
            "consents",
            "proxy-acts",
            "erasures",
            "households",
            "payments",
        ):
            self.keep(path, auditor.get(f"/{path}"), 200)
        self.keep("statement", self.county.get(f"/households/{self.household}/statement"), 200)
        self.keep("trace", auditor.get(f"/audit/households/{self.household}/trace", **YEAR), 200)
        self.keep("report", auditor.get("/reports/channel", **YEAR), 200)
        book = CalamineWorkbook.from_filelike(io.BytesIO(auditor.get("/reports/channel.xlsx", **YEAR).content))
        self.said["workbook"] = str([book.get_sheet_by_name(name).to_python() for name in book.sheet_names])
        self.keep("template", self.county.get("/register-imports/template", kind="csv"), 200)
        self.said["openapi"] = self.county.client.get("/openapi.json").text


class Lines(logging.Handler):
    """Every line that goes to standard logging, with its exception and what was handed to it besides."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep it as any formatter might write it; but not what the asking side notes of the addresses it asks."""
        if "http://testserver/" not in record.getMessage():
            self.said.append(f"{logging.Formatter().format(record)} {vars(record)!r}")


@pytest.fixture
def heard() -> Iterator[Lines]:
    """Standard logging at its most talkative; to be asked for before the database, whose connections look once."""
    lines = Lines()
    loggers = [logging.getLogger(name) for name in ("", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "market")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    loggers[0].addHandler(lines)
    yield lines
    loggers[0].removeHandler(lines)
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def passed(client: TestClient, session: orm.Session) -> tuple[Day, str]:
    """Let the day pass; return it and what was logged by structlog."""
    with time_machine.travel(NOON, tick=False), capture_logs() as lines:
        day = Day(client, session)
    logged = [structlog.processors.format_exc_info(None, "", dict(line)) for line in lines]
    return day, json.dumps(logged, ensure_ascii=False, default=repr)


def tables(session: orm.Session) -> dict[str, str]:
    """Return each table of the public schema as text; bytes are hexadecimal there."""
    names = session.scalars(
        sa.text(
            "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
            " AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1"
        )
    ).all()
    rows = {name: session.scalar(sa.text(f'SELECT string_agg(t::text, chr(10)) FROM "{name}" t')) for name in names}
    return {name: str(content or "") for name, content in rows.items()}


def test_nothing_that_is_kept_or_said_holds_personal_data_in_clear(client: TestClient, session: orm.Session) -> None:
    day, logged = passed(client, session)
    assert logged.count("/v1/register-imports") == 4
    assert found_in(logged) == set()
    assert {name: found for name, text in day.said.items() if (found := found_in(text))} == {}
    kept = tables(session)
    assert kept["people"].count("\n") == 2, "three people, sealed"
    assert all(kept[name] for name in ("idempotent_answers", "ledger_entries", "personal_data_accesses"))
    assert {name: found for name, text in kept.items() if (found := found_in(text))} == {}


def test_nothing_that_is_logged_at_length_or_printed_holds_personal_data_in_clear(
    heard: Lines, client: TestClient, session: orm.Session, capfd: pytest.CaptureFixture[str]
) -> None:
    """Statements are logged too, by the project's own settings, which hide what is bound to them."""
    with time_machine.travel(NOON, tick=False):
        Day(client, session)
    said, printed = "\n".join(heard.said), capfd.readouterr()
    assert "INSERT INTO people" in said
    assert "hide_parameters" in said
    assert [line for line in heard.said if found_in(line)] == []
    assert found_in(printed.out + printed.err) == set()


def test_what_leaks_into_any_channel_is_heard(
    heard: Lines, session: orm.Session, capfd: pytest.CaptureFixture[str]
) -> None:
    name, number, phone = (str(PEOPLE[0][field]) for field in ("name", "resident_id", "phone"))
    market = logging.getLogger("market.households.people")
    market.debug("adding %s", PEOPLE[0])
    assert found_in(heard.said.pop()) >= {name, number, phone}
    market.info("adding", extra={"person": name})
    assert found_in(heard.said.pop()) == {name}
    market.error("failed", exc_info=ValueError(phone))
    assert found_in(heard.said.pop()) == {phone}
    session.execute(sa.text(f"SELECT '{number}'"))
    assert found_in("\n".join(heard.said)) == {number}
    print(name)  # noqa: T201 - the leak itself
    print(phone, file=sys.stderr)  # noqa: T201
    printed = capfd.readouterr()
    assert (found_in(printed.out), found_in(printed.err)) == ({name}, {phone})


@pytest.mark.parametrize("value", sorted(CLEAR)[::5])
def test_a_planted_value_is_found_in_whatever_form(session: orm.Session, value: str) -> None:
    for form in forms_of(value):
        assert found_in(b"before" + form + b"after") >= {value}
    factories.organisation(session, name=f"单位{value}")
    assert found_in(tables(session)["organisations"]) == {value}


def dump(url: str) -> bytes:
    """Return a backup of the public schema."""
    binary = find_installation(None).binaries / "pg_dump"
    made = subprocess.run([binary, "--schema=public", schema.plain(url)], capture_output=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_a_backup_of_the_public_schema_holds_neither_the_data_nor_the_keys(committed_db: Database) -> None:
    url = committed_db.engine.url.render_as_string(hide_password=False)
    with TestClient(create_app(committed_db, vault=factories.VAULT)) as client:
        with committed_db.transaction() as session:
            factories.region(session, code=VILLAGE)
            day = Stalls(client, session)
            household_id = day.households[0].id
        day.county.made(f"/households/{household_id}/people", PEOPLE[0])
        with committed_db.transaction() as session:
            wrapped = session.scalars(sa.text("SELECT wrapped FROM vault.household_keys")).one()
        backup = dump(url)
        assert b"COPY public.people" in backup
        assert found_in(backup) == set()
        assert bytes(wrapped).hex().encode() not in backup
        assert b"vault.household_keys (" not in backup
        with committed_db.transaction() as session:
            session.add(Organisation(kind=day.buyer.kind, name=str(PEOPLE[0]["name"]), region_code="141122"))
        assert found_in(dump(url)) == {PEOPLE[0]["name"]}, "what is planted is found"
