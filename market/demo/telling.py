"""The story, chapter by chapter."""

from collections.abc import Callable, Sequence

import httpx2
from rich.console import Console

from market.clock import business_date, utc_now
from market.demo import auditing, buying, paying, returning, stating, supplying
from market.demo.showing import Page
from market.demo.stage import Stage

CHAPTERS: Sequence[Callable[[Stage], None]] = (
    supplying.supply,
    supplying.pay_ahead,
    buying.look,
    buying.foresee,
    buying.be_refused,
    buying.place,
    buying.accept,
    paying.receive,
    paying.disburse,
    paying.confirm,
    returning.give_back,
    stating.state_household,
    stating.state_cooperative,
    stating.keep_apart,
    stating.report,
    auditing.trace,
    auditing.verify,
)


def tell(base_url: str, *, console: Console) -> None:
    """Play one order against a market that holds the sample data, and tell it on the console.

    It may be told again and again. Raises `UnexpectedAnswerError` at the first answer that is not the foreseen one.
    """
    page = Page(console)
    page.title(
        "一笔订单,从上架到审计",
        "One order, from listing to audit",
        "",
        "每一步都是真实的 HTTP 请求,金额以元计。样例数据,人物与金额均属虚构。",
        "Every step is a real HTTP request; amounts are in yuan; sample data.",
    )
    with httpx2.Client(base_url=base_url, timeout=60, trust_env=False) as http:  # no proxy stands between us
        stage = Stage(http, page, business_date(utc_now()))
        for chapter in CHAPTERS:
            chapter(stage)
