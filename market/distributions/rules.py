"""The arithmetic of distributions, pure: who is listed, what each is given, and from which lines it comes."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from hashlib import sha256
from math import gcd, lcm
from typing import NamedTuple
from uuid import UUID

from market.attribution.rules import Kind, Share
from market.benefits.rules import MONTHS_OF_YEAR, Mechanism
from market.errors import MarketError, follow


class DistributionStatus(StrEnum):
    """The life of a distribution, a supplier's or a collective's; what a collective gave on is never annulled."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    ANNULLED = "annulled"


class DistributionEvent(StrEnum):
    """What happens to a distribution."""

    APPROVE = "approve"
    REJECT = "reject"
    ANNUL = "annul"


TRANSITIONS: Mapping[tuple[DistributionStatus, DistributionEvent], DistributionStatus] = {
    (DistributionStatus.PROPOSED, DistributionEvent.APPROVE): DistributionStatus.APPROVED,
    (DistributionStatus.PROPOSED, DistributionEvent.REJECT): DistributionStatus.REJECTED,
    (DistributionStatus.APPROVED, DistributionEvent.ANNUL): DistributionStatus.ANNULLED,
}


GONE = frozenset({DistributionStatus.REJECTED, DistributionStatus.ANNULLED})
"""What leaves its days and its remainder to another list."""


def after(status: DistributionStatus, event: DistributionEvent, *, machine: str = "distribution") -> DistributionStatus:
    """Return the status that an event leads to; raises `TransitionError` where the table has no such step."""
    return follow(TRANSITIONS, status, event, machine=machine)


GIVES: Mapping[str, Mechanism] = {
    "patronage": Mechanism.PATRONAGE,
    "dividend": Mechanism.SHARE_DIVIDEND,
    "custody": Mechanism.CUSTODY,
    "profit": Mechanism.SHARE_DIVIDEND,
}
"""By which mechanism a list of a formula gives."""


class Counted(StrEnum):
    """What of a household's deliveries counts: their volume, or what they were worth."""

    VOLUME = "volume"
    VALUE = "value"


class Excluded(StrEnum):
    """Why somebody on the list is given nothing."""

    OFF_REGISTER = "off_register"
    NOT_ENROLLED = "not_enrolled"


class ExpectedBy(StrEnum):
    """What tells whom a kept pool will be given to: the lists of the year, a register in force, what was delivered."""

    DISTRIBUTIONS = "distributions"
    REGISTER = "register"
    VOLUMES = "volumes"


class Item(NamedTuple):
    """A row of a list: who, by which weight, how many fen, and how the payee stood on the day that counts."""

    kind: Kind
    payee_id: UUID
    weight: int
    fen: int
    assisted: bool | None = None
    excluded: Excluded | None = None

    def share(self, mechanism: str) -> Share:
        """Return what the row gives as a share of a line."""
        return Share(self.kind, self.payee_id, mechanism, None, self.assisted)


@dataclass(frozen=True, slots=True)
class Period:
    """The days of a distribution, both included."""

    begins_on: date
    ends_on: date

    @property
    def months(self) -> int:
        """Return how many whole months fit into it: neighbouring periods never hold more than they do together."""
        after = self.ends_on + timedelta(days=1)
        begun = (after.year - self.begins_on.year) * MONTHS_OF_YEAR + after.month - self.begins_on.month
        return begun - (after.day < self.begins_on.day)


def basis(formula: str, source_id: UUID) -> str:
    """Return what is shared out, once for a day: by which formula, and of which register, or of which supplier."""
    return f"{formula}:{source_id}"


def salt(owner_id: UUID, mechanism: Mechanism, period: Period) -> str:
    """Return by what ties are broken: the same for a dry run, the proposal and whoever recomputes it."""
    return f"distribution:{owner_id}:{mechanism}:{period.begins_on}:{period.ends_on}"


def list_sha256(items: Sequence[Item]) -> str:
    """Return the hash of a list; it stands in the entry that pays it."""
    rows = sorted(
        [item.kind.value, str(item.payee_id), item.weight, item.fen, item.assisted, item.excluded] for item in items
    )
    return sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


class Fund(NamedTuple):
    """What stands on an order line and may be given: a pool, retained money, what a collective received.

    `since` is the day of the last that came in; `payment_id` tells received parts apart, `step` where it stands, and
    `paid_on` when that payment was made: it may have been ahead of what came in, or have been confirmed since.
    """

    order_line_id: UUID
    share: Share
    fen: int
    since: date
    step: str
    payment_id: UUID | None = None
    paid_on: date | None = None


class Movement(NamedTuple):
    """What came to a fund on a day or, below zero, left it, with the days of which that was (fen).

    A list takes what came in its period, or to a pool until its end; anything else may fall on all that came before.
    """

    fen: int
    begins_on: date
    ends_on: date


def left_of(moved: Collection[Movement], period: Period) -> int:
    """Return what a list of a period may take of a fund: what came in it and is needed for nothing that left (fen).

    Of which days exactly something left is nowhere written down. But in any span of days no less came than left of
    days that all lie within it; so what such a span has over is the most that can be of any period in it, and the
    least of them all can be, without a fen being of two periods or out of a period in which it did not come.
    """
    left = [each for each in moved if each.fen < 0]
    begins = {min(period.begins_on, each.begins_on) for each in left} | {period.begins_on}
    ends = {max(period.ends_on, each.ends_on) for each in left} | {period.ends_on}
    return min(
        sum(each.fen for each in moved if first <= each.begins_on and each.ends_on <= last)
        for first in begins
        for last in ends
    )


class Part(NamedTuple):
    """What of a fund a share is given."""

    fund: Fund
    share: Share
    fen: int


def hand_out(given: Iterable[tuple[Share, int]], funds: Sequence[Fund], *, salt: str) -> list[Part]:
    """Give each share its fen out of the funds, these used up in turn; the funds must reach.

    Shares follow each other by a hash, so that nobody's always comes from the oldest lines: a return of a line falls
    on those who were paid out of it. There are fewer parts than shares and funds together, never their product.
    """
    parts: list[Part] = []
    left = iter(funds)
    fund, fund_fen = None, 0
    for share, fen in sorted(given, key=lambda item: sha256(f"{salt}|{item[0].key}".encode()).digest()):
        wanted = fen
        while wanted:
            if not fund_fen:
                fund = next(left)
                fund_fen = fund.fen
            assert fund is not None, "there is a fund when it has fen"  # noqa: S101
            part = min(wanted, fund_fen)
            wanted, fund_fen = wanted - part, fund_fen - part
            parts.append(Part(fund, share, part))
    return parts


def given(items: Iterable[Item], mechanism: str, *, supplier_id: UUID) -> tuple[list[tuple[Share, int]], int]:
    """Return what a supplier's list gives as shares, and of it the fen that nobody may be paid: they go to the pool."""
    listed = [(item.share(mechanism), item.fen) for item in items if item.fen and not item.excluded]
    kept_fen = sum(item.fen for item in items if item.excluded)
    if kept_fen:
        listed.append((Share(Kind.POOL, supplier_id, mechanism), kept_fen))
    return listed, kept_fen


class PastList(NamedTuple):
    """What an approved list took of a pool (fen), and the weight of each whom it gave something."""

    from_pool_fen: int
    weights: Sequence[tuple[Share, int]]


def weights_of(lists: Sequence[PastList]) -> list[tuple[Share, int]]:
    """Return the weights by which lists together gave out a pool: each by its own, over what it took of the pool."""
    wholes = [sum(weight for _, weight in each.weights) for each in lists]
    common = lcm(*wholes)
    found: dict[Share, int] = defaultdict(int)
    for each, whole in zip(lists, wholes, strict=True):
        for share, weight in each.weights:
            found[share] += weight * each.from_pool_fen * (common // whole)
    least = gcd(*found.values())
    return [(share, weight // least) for share, weight in found.items()]


class NotEnoughRecognisedError(MarketError):
    """A period's distribution gives no more than what has been paid for and is not yet given."""

    status = 409
    en = (
        "The distribution comes to {asked} yuan, but only {standing} yuan stand recognised: {pool} in the pool of"
        " {name}, {retained} retained in the period."
    )
    zh = (
        "本次分配共 {asked} 元,可分配的已确认金额仅 {standing} 元:「{name_zh}」资金池 {pool} 元,"
        "本期留存 {retained} 元。"
    )


class NotEnoughReceivedError(MarketError):
    """A collective gives on no more than it has received and still holds."""

    status = 409
    en = "The second distribution comes to {asked} yuan, but the collective holds {held} yuan of what it received here."
    zh = "本次二次分配共 {asked} 元,村集体已收且尚未分出的金额为 {held} 元。"


class GivenBeforeReceivedError(MarketError):
    """A collective gives on money that it has."""

    status = 409
    en = "Of this money some came in on {first_on}: that is the first day on which it can have been given on."
    zh = "该笔资金最晚于 {first_on} 到账,二次分配日期不得早于该日。"


class NobodyListedError(MarketError):
    """A distribution is for somebody."""

    en = "Nobody is on the list: {reason}."
    zh = "分配名单为空:{reason_zh}。"


class RegisterNotInForceError(MarketError):
    """A period is shared out by the register that holds when it ends, money given on by the list of its day."""

    status = 409
    en = "Version {number} of the register is not the one in force on {on}."
    zh = "名册第 {number} 版不是 {on} 生效的版本。"


class ReserveChangedError(MarketError):
    """A surplus is divided by the reserve that the plans in force when its period ends state."""

    status = 409
    en = "The plans in force state another reserve than the one by which this list was made; propose it anew."
    zh = "现行方案规定的公积金比例与本名单所依比例不同,请重新提出。"


class DeliveryAnnulledError(MarketError):
    """What never was delivered is no reason to be given anything."""

    status = 409
    en = "A delivery that this list counts was annulled after it was made; reject the list, and propose it anew."
    zh = "本名单所计的交售记录在提出后已有撤销,请退回后重新提出。"


class NoRemainderError(MarketError):
    """What a return by volume leaves is shared once that return is approved, as a dividend of the same period."""

    status = 409
    en = "That distribution is no approved return by volume for {begins_on} to {ends_on}."
    zh = "该分配不是 {begins_on} 至 {ends_on} 已批准的按交易量返还。"


class RemainderSharedError(MarketError):
    """What a return by volume leaves is shared once."""

    status = 409
    en = "The distribution {distribution} shares already what that return by volume leaves."
    zh = "该次按交易量返还的剩余盈余已由分配 {distribution} 分配。"


class RemainderAmountError(MarketError):
    """What a return by volume leaves goes by capital whole."""

    en = "That return by volume leaves {remainder} yuan, not {asked} yuan."
    zh = "该次按交易量返还的剩余盈余为 {remainder} 元,不是 {asked} 元。"


class PeriodAlreadySharedError(MarketError):
    """What a formula gives of a register, or of a supplier's surplus, it gives once for any day."""

    status = 409
    en = (
        "The distribution {distribution}, {status}, gives the same already for {begins_on} to {ends_on};"
        " take a period apart from it."
    )
    zh = "分配 {distribution}({status})已覆盖 {begins_on} 至 {ends_on} 的同一分配事项,请选择不重叠的期间。"


class MonthsBeyondPeriodError(MarketError):
    """Entrusted capital earns no more months than its period has."""

    en = "The period has {whole} whole months, not {asked}."
    zh = "该期间仅含 {whole} 个整月,不能按 {asked} 个月计算。"


class MixedUnitsError(MarketError):
    """Kilogrammes and pieces have no common volume."""

    en = "What was delivered is measured in several units ({unit}); count its value instead of its volume."
    zh = "交售产品计量单位不一({unit}),请改按交易额计算。"


class ConsignedHasNoValueError(MarketError):
    """What was consigned has no price of its own: it brings what it is sold for, perhaps years later."""

    en = (
        "{count} households consigned produce in the period, which has no value when it is delivered; count the volume."
    )
    zh = "本期有 {count} 户寄售产品,寄售交货时没有金额,请改按交售数量计算。"


class SecondReferenceTakenError(MarketError):
    """One bank line or receipt gives once."""

    status = 409
    en = "The reference {reference} was already used."
    zh = "凭证号 {reference} 已被使用。"


class SecondNotApprovedError(MarketError):
    """What the county has not approved as given nobody confirms as received."""

    status = 409
    en = "This second distribution is not approved."
    zh = "该次二次分配尚未批准。"


class SecondConfirmedError(MarketError):
    """A second distribution is confirmed once."""

    status = 409
    en = "This second distribution was already confirmed."
    zh = "该次二次分配已确认。"
