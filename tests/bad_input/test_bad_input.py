"""Bad input: for each refusal a clear answer with a stable code and pointers, in either language, and nothing changed.

All cases of a worker share one market: each must leave it as it was, to the last byte of every table.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import time_machine
from starlette.testclient import TestClient

from market.app import create_app
from market.db import Database
from market.payments.gateway import Gateway
from tests import factories
from tests.bad_input import (
    always,
    asking,
    delivering,
    handing,
    livings,
    paying,
    persons,
    placing,
    refunding,
    registers,
    sharing,
    values,
)
from tests.bad_input.fair import Ask, Case, Fair
from tests.conftest import RolledBackDatabase
from tests.stalls import NOON, VILLAGE, all_tables
from tests.stripe_emulator.server import running


@pytest.fixture(scope="module")
def market(worker_db: Database) -> Iterator[Database]:
    database = RolledBackDatabase(worker_db)
    yield database
    database.close()


@pytest.fixture(scope="module")
def fair(market: Database) -> Iterator[Fair]:
    with (
        time_machine.travel(NOON, tick=False),
        running() as emulator,
        closing(Gateway(emulator.key, webhook_secret=emulator.webhook_secret, base_url=emulator.url)) as gateway,
        market.transaction() as session,
        TestClient(create_app(market, vault=factories.VAULT, gateway=gateway)) as client,
    ):
        yield Fair(client, session)


CHINESE = re.compile(r"[\u4e00-\u9fff]")
UNTRANSLATED = re.compile(r"输入无效:[A-Za-z ]{9}|\b(or|and)\b|, |['\"<(]\w+'")
"""English left in a Chinese sentence: a whole one, a list joined by its words or commas, codes as Python shows them."""
CASES: list[Case] = [
    *values.CASES,
    *placing.CASES,
    *delivering.CASES,
    *paying.CASES,
    *refunding.CASES,
    *livings.CASES,
    *persons.CASES,
    *registers.CASES,
    *sharing.CASES,
    *handing.CASES,
    *always.CASES,
    *asking.CASES,
]


@pytest.mark.parametrize(
    ("ask", "status", "code", "pointers"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_bad_input_is_refused_clearly_in_both_languages_and_changes_nothing(
    fair: Fair, ask: Callable[[Fair], Ask], status: int, code: str, pointers: list[str]
) -> None:
    asked = ask(fair)
    before = fair.tables()
    said: dict[str, list[str]] = {}
    for language in ("en", "zh-CN"):
        answer = asked.send(language)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
        problem = answer.json()
        assert (problem["code"], problem["status"], problem["type"]) == (code, status, f"urn:market:problem:{code}")
        assert [fault["pointer"] for fault in problem["errors"]] == pointers, problem
        assert problem["request_id"] == answer.headers["x-request-id"]
        said[language] = [problem["detail"], *(fault["detail"] for fault in problem["errors"])]
    assert all(CHINESE.search(sentence) for sentence in said["zh-CN"]), said
    assert not any(UNTRANSLATED.search(sentence) for sentence in said["zh-CN"]), said
    assert not set(said["en"]) & set(said["zh-CN"])
    assert fair.tables() == before


def test_a_refusal_names_what_the_asker_knows_and_says_what_is_wanted(fair: Fair) -> None:
    proposed = factories.household(fair.session, village_code=VILLAGE)
    fair.clerk.made("/enrolments", {"household_codes": [proposed.code]})
    for ask, pointed in (
        (fair.disburse(payee_id=str(proposed.id)), f"该收款方 ({proposed.code})与该供应商没有联结关系。"),
        (fair.disburse(payee_id=str(fair.stranger.id)), "该收款方与该供应商没有联结关系。"),
        (
            fair.contribute(household_id=str(proposed.id)),
            f"该农户 ({proposed.code})尚未与该供应商建立经村确认的联结关系。",
        ),
        (fair.raw(b'{"lines": [}'), "请求内容不是有效的 JSON:第 12 个字符处出错。"),
        (fair.ship_line(quantity="10.5"), "该行仅订购 10 千克,发货数量不得超过。"),
        (fair.place(channel_code="进食堂"), "格式应为:2 至 40 位小写字母、数字或下划线,以字母开头"),
        (fair.place(desk=fair.receiver), "您的角色无权执行此操作:下单。"),
    ):
        problem = ask.send("zh-CN").json()
        assert pointed in {problem["detail"], *(fault["detail"] for fault in problem["errors"])}


def test_what_is_refused_here_would_be_taken_without_its_fault(fair: Fair) -> None:
    """Each request that the cases spoil is sound: otherwise a case might be refused for another reason."""
    session = fair.session
    asks = (
        fair.place(),
        fair.accept(),
        fair.take_back(),
        fair.receive(),
        fair.disburse(),
        fair.edit(f'"{fair.dates.version}"'),
        *(sound(fair) for sound in always.SOUND.values()),
    )
    before = all_tables(session)
    for ask in asks:
        written = fair.written()
        with session.connection().begin_nested() as trial:
            answer = ask.send("en")
            assert answer.status_code in {200, 201}, (ask.path, answer.text)
            assert fair.written() > written
            trial.rollback()
    assert all_tables(session) == before


def test_a_row_written_for_a_moment_has_every_table_read_again(fair: Fair) -> None:
    before = fair.tables()
    with fair.session.connection().begin_nested() as trial:
        factories.household(fair.session)
        assert fair.tables() != before
        trial.rollback()
    factories.household(fair.session)
    assert {name for name, found in fair.tables().items() if found != before[name]} >= {"households"}
