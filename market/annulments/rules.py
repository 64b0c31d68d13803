"""The arithmetic of annulments, pure: what still stands of what was given, and where it goes back to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from market import money
from market.attribution.rules import PAYEES, Kind, Share, Standing, Step, fall
from market.errors import MarketError, follow


class AnnulmentStatus(StrEnum):
    """The life of an annulment."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class AnnulmentEvent(StrEnum):
    """What happens to an annulment."""

    APPROVE = "approve"
    REJECT = "reject"


TRANSITIONS: Mapping[tuple[AnnulmentStatus, AnnulmentEvent], AnnulmentStatus] = {
    (AnnulmentStatus.PROPOSED, AnnulmentEvent.APPROVE): AnnulmentStatus.APPROVED,
    (AnnulmentStatus.PROPOSED, AnnulmentEvent.REJECT): AnnulmentStatus.REJECTED,
}


def after(status: AnnulmentStatus, event: AnnulmentEvent) -> AnnulmentStatus:
    """Return the status that an event leads to; raises `TransitionError` where the table has no such step."""
    return follow(TRANSITIONS, status, event, machine="annulment")


class Brought(NamedTuple):
    """What an entry brought to a share of a line or, below zero, took off it (fen); `undoes` names what is annulled."""

    source: str
    fen: int
    undoes: str | None = None


def left_given(moved: Sequence[Brought], source: str) -> int:
    """Return what is left of what a source gave to a share of a line, by all that moved there in turn (fen).

    What is annulled falls of what it gave. Anything else, as a return or what a list took of a pool, fell of the whole
    share: of what each source gave by its part, so that one list annulled takes nothing of what another gave.
    """
    left: dict[str, int] = {}
    for each in moved:
        if each.fen > 0:
            left[each.source] = left.get(each.source, 0) + each.fen
        elif each.undoes:
            left[each.undoes] += each.fen
        else:
            parts = money.allocate(-each.fen, sorted(left.items()), salt=each.source)
            left |= {name: left[name] - part for name, part in zip(sorted(left), parts, strict=True)}
    return left.get(source, 0)


class Fall(NamedTuple):
    """What falls of a share of an order line, at the step at which it stands."""

    order_line_id: UUID
    standing: Standing


class Back(NamedTuple):
    """What a share of an order line gets of what falls there (fen)."""

    order_line_id: UUID
    share: Share
    step: Step
    fen: int


@dataclass(frozen=True, slots=True)
class Undone:
    """What an annulment takes off shares and where it goes; it is known under the day of what it undoes."""

    falls: Sequence[Fall]
    backs: Sequence[Back]
    known_on: date

    @property
    def since(self) -> date:
        """Return the day of the last that came in of all that falls."""
        return max((fallen.standing.since for fallen in self.falls), default=self.known_on)

    @property
    def payees(self) -> set[UUID]:
        """Return the households and collectives of whom something falls."""
        return {each.standing.share.owner_id for each in self.falls if each.standing.share.kind in PAYEES}

    @property
    def advance_fen(self) -> int:
        """Return what the payees have received of it: it stays with them, paid ahead."""
        return sum(each.standing.fen for each in self.falls if each.standing.is_received)


def falling(standings: Sequence[Standing], fen: int, *, salt: str) -> list[Standing]:
    """Return what falls of a share of which so much is annulled: unpaid money first, what is accrued last.

    What is given is recognised; of it is accrued only what the buyer has taken back since.
    """
    given = [each for each in standings if each.step is not Step.ACCRUED]
    accrued = [each for each in standings if each.step is Step.ACCRUED]
    given_fen = min(fen, sum(each.fen for each in given))
    accrued_fen = min(fen - given_fen, sum(each.fen for each in accrued))
    return [*fall(given, given_fen, salt=salt), *fall(accrued, accrued_fen, salt=salt)]


def going_back(order_line_id: UUID, taken: Mapping[Share, int], falls: Sequence[Standing], *, salt: str) -> list[Back]:
    """Return how what falls on a line goes back to the shares it was taken of, to each by its part of that.

    What was accrued is accrued again, all else recognised.
    """
    fallen_fen = sum(each.fen for each in falls)
    accrued_fen = sum(each.fen for each in falls if each.step is Step.ACCRUED)
    shares = sorted(taken.items(), key=lambda item: item[0].key)
    parts = money.allocate(fallen_fen, [(share.key, fen) for share, fen in shares], salt=salt) if fallen_fen else []
    backs: list[Back] = []
    for (share, _), part in zip(shares, parts, strict=False):
        unpaid = min(accrued_fen, part)
        accrued_fen -= unpaid
        backs += [
            Back(order_line_id, share, step, fen)
            for step, fen in ((Step.ACCRUED, unpaid), (Step.RECOGNISED, part - unpaid))
            if fen
        ]
    return backs


def retained(falls: Sequence[Fall], supplier_id: UUID) -> list[Back]:
    """Return how what falls of lines stays with the supplier: what was accrued is so still, all else recognised.

    What it owed beyond what a line brought it owes no more, and has never had.
    """
    kept: Counter[tuple[UUID, Step]] = Counter()
    for line_id, each in falls:
        if not each.is_top_up:
            kept[line_id, Step.ACCRUED if each.step is Step.ACCRUED else Step.RECOGNISED] += each.fen
    share = Share(Kind.RETAINED, supplier_id)
    return [Back(line_id, share, step, fen) for (line_id, step), fen in kept.items()]


class AnnulmentProposedError(MarketError):
    """What is annulled is annulled once: one proposal waits for its decision."""

    status = 409
    en = "The annulment {annulment} of this waits already for its decision."
    zh = "对该事项已有撤销申请 {annulment} 待审批。"


class RemainderStandsError(MarketError):
    """A return by volume stands as long as a dividend shares what it leaves."""

    status = 409
    en = "The distribution {distribution} shares what this return by volume leaves; annul or reject that one first."
    zh = "分配 {distribution} 正分配该次按交易量返还的剩余盈余,请先撤销或退回该分配。"


class GivenOnError(MarketError):
    """What a village collective gave its households out of a distribution stays given."""

    status = 409
    en = (
        "The village collective {named} has given on what this distribution gave it, or states to have: that stays"
        " given, and so does the distribution."
    )
    zh = "村集体「{named}」已就本次分配所得进行(或申报)二次分配,已分配款项不予撤回,故该分配不能撤销。"
