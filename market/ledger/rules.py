"""What is posted: accounts by key, transfers between their ids, entries under a source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from market.errors import MarketError


class Book(StrEnum):
    """The two books."""

    CASH = "cash"
    ATTRIBUTION = "attribution"


class AccountKey(NamedTuple):
    """What an account is: a kind of an owner, towards a counterpart, at a step."""

    kind: str
    owner_id: UUID
    counterpart_id: UUID | None = None
    step: str | None = None


class Transfer(NamedTuple):
    """An amount in fen from one account to another, with what it concerns."""

    debit: int
    credit: int
    amount_fen: int
    order_line_id: UUID | None = None
    mechanism: str | None = None
    contribution_id: UUID | None = None
    payment_id: UUID | None = None
    assisted: bool | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A posted fact. `source` names the fact, so that it posts once; `facts` are what its amounts follow from."""

    source: str
    reason: str
    effective_on: date
    transfers: Sequence[Transfer]
    facts: Mapping[str, object] = field(default_factory=dict)
    original_effective_on: date | None = None


class PeriodClosedError(MarketError):
    """A closed month takes no posting; the correction goes to an open one and keeps its original date."""

    status = 409
    en = "The month of {on} is closed; post the correction in an open month."
    zh = "{on} 所在月份已结账,请在未结账月份登记更正。"


class PeriodOrderError(MarketError):
    """Months close in order and only when they are over."""

    status = 409
    en = "The month {month} cannot be closed: {reason}."
    zh = "月份 {month} 不能结账:{reason_zh}。"
