"""What a channel asks of a buyer and of an acceptance (domain.md §3)."""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from market.errors import MarketError
from market.identity.rules import OrganisationKind

DEFAULT_SCHEME = "qi_jin"
"""七进, the seven ways into the market."""

MAX_CHANNELS = 50


class EvidenceKind(StrEnum):
    """The papers that an acceptance may rest on."""

    ACCEPTANCE_NOTE = "acceptance_note"
    INVOICE = "invoice"
    CONSIGNMENT_SHEET = "consignment_sheet"
    CONTRACT = "contract"
    WEIGH_NOTE = "weigh_note"
    PLATFORM_ORDER = "platform_order"
    POINT_OF_SALE_SHEET = "point_of_sale_sheet"
    ORDER_FORM = "order_form"
    RECEIPT = "receipt"


@dataclass(frozen=True, kw_only=True)
class ChannelTerms:
    """A channel of a scheme: who may buy through it, and what its acceptance needs."""

    code: str
    name: str
    buyer_kinds: frozenset[OrganisationKind]
    evidence_kinds: tuple[str, ...]
    needs_external_number: bool
    counts_to_reserved_share: bool


@dataclass(frozen=True, kw_only=True)
class ChannelPolicy(ChannelTerms):
    """A channel's terms as they are in force on a day, with the version of the scheme that says so."""

    scheme_id: UUID


def check_buyer(policy: ChannelPolicy, kind: OrganisationKind) -> None:
    """Raise `ChannelNotForBuyerError` unless such an organisation may buy through the channel."""
    if kind not in policy.buyer_kinds:
        raise ChannelNotForBuyerError(channel=policy.code, kind=kind)


def check_evidence(policy: ChannelPolicy, given: AbstractSet[str]) -> None:
    """Raise `MissingAcceptanceEvidenceError` unless every kind of evidence that the channel asks is given."""
    missing = tuple(kind for kind in policy.evidence_kinds if kind not in given)
    if missing:
        raise MissingAcceptanceEvidenceError(channel=policy.code, missing=missing, pointer="/evidence")


def check_scheme(channels: Sequence[ChannelTerms]) -> None:
    """Raise `SchemeBodyError` unless a version is sound: channels named once, each for some buyer."""
    if not 0 < len(channels) <= MAX_CHANNELS:
        raise SchemeBodyError(reason=f"it needs 1 to {MAX_CHANNELS} channels", reason_zh="渠道数量不符")
    if len({channel.code for channel in channels}) < len(channels):
        raise SchemeBodyError(reason="two channels have one code", reason_zh="渠道代码重复")
    for channel in channels:
        if not channel.buyer_kinds:
            raise SchemeBodyError(reason=f"nobody may buy through {channel.code}", reason_zh="渠道未指定采购方类型")
        if _has_unknown_or_twice(channel.evidence_kinds):
            raise SchemeBodyError(reason=f"the evidence of {channel.code} is unclear", reason_zh="验收凭证类型有误")


def _has_unknown_or_twice(kinds: Collection[str]) -> bool:
    return len(set(kinds) & set(EvidenceKind)) < len(kinds)


def check_succession(valid_from: date, *, latest_from: date, today: date) -> None:
    """Raise `SchemeOrderError` unless a version follows the latest one and begins after today.

    An order keeps the version of its day; a version that began today or earlier would contradict orders placed since.
    """
    if valid_from <= max(latest_from, today):
        raise SchemeOrderError(latest=max(latest_from, today), pointer="/valid_from")


class UnknownChannelError(MarketError):
    """The scheme in force on the day has no such channel."""

    en = "There is no channel {channel} on {on}."
    zh = "{on} 没有渠道 {channel}。"


class ChannelNotForBuyerError(MarketError):
    """Each channel has its kinds of buyers."""

    en = "An organisation of this kind ({kind}) cannot buy through this channel ({channel})."
    zh = "该类单位({kind})不能通过该渠道({channel})采购。"


class MissingAcceptanceEvidenceError(MarketError):
    """Each channel asks its papers at acceptance."""

    en = "An acceptance through this channel ({channel}) also needs: {missing}."
    zh = "该渠道({channel})的验收还缺少凭证:{missing}。"


class SchemeBodyError(MarketError):
    """The scheme cannot be carried out as written."""

    en = "The scheme is not sound: {reason}."
    zh = "渠道方案不成立:{reason_zh}。"


class SchemeOrderError(MarketError):
    """Versions are published in order of time, ahead of it."""

    status = 409
    en = "A new version of this scheme can only begin after {latest}."
    zh = "该渠道方案的新版本只能在 {latest} 之后生效。"
