"""What is asked for under load, of whom, and how the database tells that it was done."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from market.channels.rules import FundsModel
from market.clock import business_date, utc_now
from tests.crash.world import Stall

Answer = Mapping[str, Any]
JSON = "application/json"


class Effect(NamedTuple):
    """What a request changed: the row that says so, or the order concerned, and the fen that it was about."""

    subject: str
    fen: int


@dataclass
class Case:
    """One order on its way: by which stall, how many kg, and what was answered to each deed so far."""

    stall: Stall
    funds_model: FundsModel
    kg: int
    reference: str
    answers: dict[str, Answer] = field(default_factory=dict)

    @property
    def order(self) -> Any:
        """The order as it was placed."""
        return self.answers["place"]["orders"][0]

    @property
    def line(self) -> str:
        """The id of the order's only line."""
        return str(self.order["lines"][0]["id"])


class Request(NamedTuple):
    """What is sent."""

    path: str
    content: bytes = b""
    media_type: str = JSON
    method: str = "POST"


@dataclass(frozen=True)
class Deed:
    """Something that somebody of a stall asks for.

    `told` reads the effect from what was answered; `found` lists all effects of the kind that the database holds.
    """

    name: str
    by: str
    asked: Callable[[Case], Request]
    told: Callable[[Case, Answer], Effect]
    found: str
    until: str | None = None
    """A look, which waits for this status: the market may come to know of the effect before anybody has looked."""
    at_provider: bool = False
    """It is asked of the provider, of which the market hears later: in a market at rest it is found."""


def today() -> date:
    return business_date(utc_now())


def posted(path: str, **body: Any) -> Request:
    return Request(path, json.dumps(body, default=str).encode())


def of_order(case: Case, what: str, **body: Any) -> Request:
    return posted(f"/orders/{case.order['id']}/{what}", **body)


def amount_told(_: Case, answer: Answer) -> Effect:
    return Effect(answer["id"], answer["amount_fen"])
