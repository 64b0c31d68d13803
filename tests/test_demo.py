"""The story that `make demo` tells, over a real socket and the real sample."""

import re
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from market.db import Database
from market.demo.showing import Page
from market.demo.telling import CHAPTERS, invite, tell
from market.demo.visiting import UnexpectedAnswerError
from market.seeding.people import DEMO_PASSWORD
from tests.serving import served


def told(base_url: str, width: int) -> str:
    """Tell the story as into a pipe: no colour, no terminal."""
    pipe = StringIO()
    tell(base_url, console=Console(file=pipe, width=width))
    return pipe.getvalue()


def row(story: str, *cells: str) -> bool:
    """Tell whether a row of a table begins with these cells."""
    return re.search(r"\s+".join(map(re.escape, cells)), story) is not None


def check_layout(story: str, width: int) -> None:
    """No line is wider than the terminal or a comfortable page, and nothing in a table is cut off."""
    assert max(cell_len(line) for line in story.splitlines()) <= width
    assert not [line for line in story.splitlines() if re.search(r"\S…", line) and "sha256" not in line]


@pytest.mark.soak
def test_the_story_can_be_told_again(seeded_db: Database) -> None:
    with served(seeded_db) as base_url:
        told(base_url, 80)
        again = told(base_url, 140)
    assert "账实相符,一分不差" in again
    assert row(again, "合计 total", "2,640.00", "60")
    check_layout(again, 100)


def test_one_order_is_told_from_listing_to_audit(seeded_db: Database) -> None:
    with served(seeded_db) as base_url:
        story = told(base_url, 80)

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
    # The book is recomputed of the whole sample, its 505 lines and the two of this order.
    assert row(story, "13", "507")
    assert "账实相符,一分不差" in story
    check_layout(story, 80)


def test_an_answer_that_the_story_does_not_foresee_ends_it(db: Database) -> None:
    with served(db) as base_url, pytest.raises(UnexpectedAnswerError, match="login_failed"):
        told(base_url, 80)


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
