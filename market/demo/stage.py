"""Who plays, and what has come of it so far."""

from dataclasses import dataclass, field
from datetime import date

import httpx2

from market.demo.provider import Provider
from market.demo.showing import Page
from market.demo.visiting import Json, Visitor
from market.seeding.people import DEMO_PASSWORD


@dataclass(frozen=True, slots=True)
class Goods:
    """What a cooperative sells in the story: how much of which product, what went into it, and who speaks for it."""

    product: str
    search: str
    unit: str
    quantity: int
    keeps_days: int
    purchase_price_fen: int
    contributors: int
    hours: tuple[int, ...]
    hourly_fen: int
    cooperative: str
    """The first part of its members' logins."""
    village: str
    """The login of the clerk of the contributors' village."""


SWEET_POTATO = Goods(
    product="红薯",
    search="红薯",
    unit="jin",
    quantity=600,
    keeps_days=15,
    purchase_price_fen=120,
    contributors=31,
    hours=(4, 4, 4),
    hourly_fen=1500,
    cooperative="fushan",
    village="wangcun-village.clerk",
)
SHIITAKE = Goods(
    product="鲜香菇",
    search="香菇",
    unit="kg",
    quantity=120,
    keeps_days=4,
    purchase_price_fen=800,
    contributors=12,
    hours=(5, 5, 5, 5),
    hourly_fen=1600,
    cooperative="taohongpo",
    village="xijiaozi-village.clerk",
)
BY_CARD = Goods(
    product="红薯",
    search="红薯",
    unit="jin",
    quantity=50,
    keeps_days=14,
    purchase_price_fen=120,
    contributors=5,
    hours=(1,),
    hourly_fen=1500,
    cooperative="fushan",
    village="wangcun-village.clerk",
)
"""What a family buys online: of a lot of its own, that keeps for less long than the other and so is drawn first."""
BUYER = "jc-school.clerk"
RECEIVER = "jc-school.receiver"
AUDITOR = "audit.auditor"
FAMILY, FAMILY_RECEIVER = "family-a.clerk", "family-a.receiver"
OPERATOR, CASHIER = "platform.operator", "platform.cashier"


@dataclass
class Supply:
    """Goods on sale: their product, its plan, their lot, and the households that gave to it."""

    goods: Goods
    product: Json
    pools: list[Json]
    """Of the benefit plan in force: who has a part of the proceeds."""
    lot: Json
    households: list[Json]
    contributions: list[Json]
    order: Json = field(default_factory=dict)
    """The part of the order group that this cooperative delivers, as last read."""


@dataclass
class Stage:
    """The scene: everybody who has signed in, the day, and what has been made."""

    http: httpx2.Client
    page: Page
    today: date
    provider: Provider
    supplies: list[Supply] = field(default_factory=list)
    payments: list[Json] = field(default_factory=list)
    by_card: Supply = field(init=False)
    transferable: bool = False
    """Whether the cooperative's account at the payment provider takes transfers."""
    cash_before: dict[str, int] = field(default_factory=dict)
    """What stood to the credit of each kind of account in the cash book before a card was used, in fen."""
    _visitors: dict[str, Visitor] = field(default_factory=dict)

    def visitor(self, login: str) -> Visitor:
        """Return a member, signed in on first use."""
        if login not in self._visitors:
            self._visitors[login] = Visitor(self.http, self.page, login, DEMO_PASSWORD)
        return self._visitors[login]

    def clerk(self, goods: Goods) -> Visitor:
        """Return the clerk of the cooperative that sells the goods."""
        return self.visitor(f"{goods.cooperative}.clerk")

    @property
    def day(self) -> str:
        """Return today, as the market writes it."""
        return self.today.isoformat()

    @property
    def window(self) -> dict[str, object]:
        """Return the statement window of the story: today alone, so that older orders stay out of it."""
        return {"from": self.day, "to": self.day}
