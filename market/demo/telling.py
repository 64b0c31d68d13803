"""The story, chapter by chapter."""

from collections.abc import Callable, Sequence

import httpx2
from rich.console import Console

from market.clock import business_date, utc_now
from market.demo import accounting, auditing, buying, carding, paying, returning, stating, supplying
from market.demo.provider import Provider
from market.demo.showing import Page
from market.demo.stage import AUDITOR, BUYER, RECEIVER, SHIITAKE, SWEET_POTATO, Stage
from market.seeding.people import DEMO_PASSWORD

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
    accounting.state_account,
    accounting.state_transfers,
    accounting.monitor,
    accounting.keep_unadded,
    auditing.trace,
    auditing.verify,
    carding.pay_by_card,
    carding.reject_a_part,
    carding.transfer,
    carding.reconcile,
)


def tell(base_url: str, provider: Provider, *, console: Console) -> None:
    """Play an order, and one paid by card, against a market that holds the sample data; tell it on the console.

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
        stage = Stage(http, page, business_date(utc_now()), provider)
        for chapter in CHAPTERS:
            chapter(stage)


def invite(base_url: str, *, console: Console) -> None:
    """Say where the market can now be tried by hand, and who may sign in."""
    page = Page(console)
    page.list(
        ("接口文档 docs", f"{base_url}/docs"),
        ("密码 password", DEMO_PASSWORD),
        ("采购 canteen", f"{BUYER}, {RECEIVER}"),
        *(
            (f"{goods.product} cooperative", f"{goods.cooperative}.clerk, {goods.cooperative}.manager")
            for goods in (SWEET_POTATO, SHIITAKE)
        ),
        ("代办员 village", f"{SWEET_POTATO.village}, {SHIITAKE.village}"),
        ("审计 auditor", AUDITOR),
        ("停止 stop", "Ctrl-C"),
    )
