"""The story that `make demo` tells, over a real socket and the real sample."""

import re
from contextlib import closing
from io import StringIO

import httpx2
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from rich.cells import cell_len
from rich.console import Console

from market import worker
from market.app import create_app
from market.clock import business_date, utc_now
from market.db import Database
from market.demo import carding
from market.demo.carding import UnexplainedError
from market.demo.provider import LiveKeyError, Provider, provided
from market.demo.showing import Page
from market.demo.stage import Stage
from market.demo.telling import CHAPTERS, invite, tell
from market.demo.visiting import UnexpectedAnswerError
from market.payments.gateway import Gateway
from market.seeding.people import DEMO_PASSWORD
from market.settings import Settings
from tests.serving import served


def told(db: Database, width: int) -> str:
    """Tell the story as into a pipe: no colour, no terminal. Stripe is emulated anew each time."""
    pipe = StringIO()
    with (
        provided(Settings()) as (settings, provider),
        closing(_gateway(settings)) as gateway,
        served(db, gateway=gateway) as base_url,
        worker.attending(db, gateway),
    ):
        tell(base_url, provider, console=Console(file=pipe, width=width))
    return pipe.getvalue()


def _gateway(settings: Settings) -> Gateway:
    assert settings.stripe_api_key
    return Gateway(settings.stripe_api_key.get_secret_value(), base_url=settings.stripe_url)


def row(story: str, *cells: str) -> bool:
    """Tell whether a row of a table begins with these cells."""
    return re.search(r"\s+".join(map(re.escape, cells)), story) is not None


def check_layout(story: str, width: int) -> None:
    """No line is wider than the terminal or a comfortable page, and nothing in a table is cut off."""
    assert max(cell_len(line) for line in story.splitlines()) <= width
    assert not [line for line in story.splitlines() if re.search(r"\S…", line) and "sha256" not in line]


def failing(db: Database, *members: str) -> list[str]:
    """Return the lists and reports of the sample that one of these members cannot be answered."""
    document = create_app(db).openapi()
    paths = [path for path, asked in document["paths"].items() if "get" in asked and "{" not in path]
    assert len(paths) > 40
    found = []
    with served(db) as base_url, httpx2.Client(base_url=base_url, trust_env=False, timeout=60) as http:
        for name in members:
            told = http.post("/v1/tokens", json={"login": name, "password": DEMO_PASSWORD}).json()
            bearer = {"Authorization": f"Bearer {told['token']}"}
            found += [f"{name} {path}" for path in paths if http.get(path, headers=bearer).status_code == 500]
    return found


@pytest.mark.soak
def test_the_story_can_be_told_again(seeded_db: Database) -> None:
    told(seeded_db, 80)
    again = told(seeded_db, 140)
    assert "账实相符,一分不差" in again
    assert row(again, "合计 total", "2,640.00", "60")
    check_layout(again, 100)


def test_one_order_is_told_from_listing_to_audit(seeded_db: Database) -> None:
    story = told(seeded_db, 80)

    for number in range(1, len(CHAPTERS) + 1):
        assert f"\n{number}  " in story
    # The reach before ordering: 31 and 29 households, and the mechanisms with what is retained are the whole amount.
    assert row(story, "务工", "工资性", "7", "500.00")
    assert row(story, "订单收购", "生产经营性", "43", "1,680.00")
    assert row(story, "入股分红", "财产性", "24", "124.80")
    assert row(story, "村集体分红", "财产性", "1", "31.20")
    assert row(story, "合计 total", "2,640.00", "60")
    # Refused in Chinese, with a pointer.
    assert row(story, "422", "invalid_input")
    assert row(story, "/channel_code", "必填")
    # A shortage and damage: only what is accepted is a sale.
    assert row(story, "红薯", "600斤", "10", "15", "575斤", "1,035.00")
    # The advance is matched when the buyer's money arrives, then the rest is paid and confirmed.
    assert row(story, "红薯", "862.50", "862.50", "432.00", "0.00", "0.00")
    assert row(story, "红薯", "862.50", "862.50", "862.50", "862.50", "0.00")
    # The return takes off 260.00; what of it was received is an advance again.
    assert row(story, "不含税净额 net", "260.00")
    assert row(story, "鲜香菇", "1,170.67", "1,170.67", "1,170.67")
    assert "不追回,转为预付" in story
    assert row(story, "增收 increase", "无 none")
    # A year of a household by class, orders beside the rest, and its increase against the baseline that was confirmed.
    assert row(story, "毛收入 gross", "588.31", "0.00", "22,532.00", "23,188.96")
    assert row(story, "人均纯收入 per head", "9,894.48", "9,120.00", "2024年度农户收入采集表", "774.48")
    # A household of two with transfers alone; a gift counts for nothing.
    assert row(story, "一次性慰问金(物)", "不计入 excluded", "15,000.00")
    assert row(story, "毛收入 gross", "21,787.40")
    assert row(story, "订单带来 by orders", "0.00元", "人均纯收入 per head", "10,893.70元", "增收 increase", "无 none")
    # Of one county some lie below the line and most above it.
    below = re.search(r"在册100户,线下(\d+)户", story)
    assert below
    assert 5 <= int(below[1]) <= 20
    assert (story.count("低于 below"), story.count("高于 above")) == (4, 4)
    # What was printed of Qingyang is told one by one; what the five sales come to is nowhere.
    for printed in ("190,000,000.00", "39,840,000.00", "260,000,000.00", "120,000,000.00", "15,654,300.00"):
        assert printed in story
    assert "625,494,300" not in story
    assert row(story, "监测对象合计", "报道 press", "5,846", "22,137")
    assert "故不提供合计" in story
    # The book is recomputed of the whole sample, its 505 lines and the two of this order.
    assert row(story, "13", "507")
    assert "账实相符,一分不差" in story
    # Paid by card: held, a part rejected and refunded, the rest transferred, and nothing is unexplained.
    assert row(story, "90.00", "90.00", "0.00", "0.00", "0.00")
    assert row(story, "90.00", "0.00", "75.60", "14.40", "0.00")
    assert row(story, "75.60", "0.00", "75.60", "0.00", "0.00")
    assert row(story, "75.60", "75.60")
    assert row(story, "0.00", "0.00", "0.00", "0.00", "0.00")
    assert "全市场未说明金额:0.00元" in story
    check_layout(story, 80)
    assert failing(seeded_db, "audit.auditor", "platform.operator", "family-a.clerk", "fushan.manager") == []


def test_an_answer_that_the_story_does_not_foresee_ends_it(db: Database) -> None:
    with pytest.raises(UnexpectedAnswerError, match="login_failed"):
        told(db, 80)


def test_money_that_nobody_can_explain_ends_the_story(seeded_db: Database) -> None:
    with seeded_db.transaction() as session:
        forget = "UPDATE bank_lines SET open_fen = 0, waiting = NULL WHERE waiting = 'no_code'"
        session.execute(sa.text("SET LOCAL ROLE market_owner"))
        session.execute(sa.text(forget))
    with served(seeded_db) as base_url, httpx2.Client(base_url=base_url, trust_env=False) as http:
        stage = Stage(http, Page(Console(file=StringIO(), width=80)), business_date(utc_now()), Provider("nobody"))
        with pytest.raises(UnexplainedError):
            carding.reconcile(stage)


def test_no_story_is_told_with_real_money() -> None:
    with pytest.raises(LiveKeyError), provided(Settings(stripe_api_key=SecretStr("sk_live_x"))):
        pass


def test_afterwards_it_says_where_to_go_and_who_may_sign_in() -> None:
    pipe = StringIO()
    invite("http://127.0.0.1:8000", console=Console(file=pipe, width=80))
    for word in ("http://127.0.0.1:8000/docs", DEMO_PASSWORD, "jc-school.clerk", "audit.auditor", "Ctrl-C"):
        assert word in pipe.getvalue()


def test_a_year_of_more_than_a_million_yuan_loses_no_digit_at_80_columns() -> None:
    pipe = StringIO()
    columns = (
        "渠道|channel",
        ">订单|orders",
        ">带动户|reached",
        *(f">{name}" for name in ("销售额(元)", "帮扶户应计")),
    )
    Page(Console(file=pipe, width=80)).table(
        (*columns, ">帮扶户兑付", ">一般户应计"),
        [("非订单带来", 112, 373, "1,640,628.60", "929,688.56", "337,546.44", "85,456.22")],
    )
    story = pipe.getvalue()
    check_layout(story, 80)
    assert {"1,640,628.60", "929,688.56", "337,546.44", "85,456.22"} <= set(story.split())


def test_what_does_not_fit_a_table_goes_on_below() -> None:
    pipe = StringIO()
    figures = [str(digit) * 30 for digit in range(1, 5)]
    Page(Console(file=pipe, width=80)).table(tuple(f">{name}" for name in "甲乙丙丁"), [figures])
    story = pipe.getvalue()
    assert [story.count(str(digit)) for digit in range(1, 5)] == [30] * 4
