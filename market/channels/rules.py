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
MAX_FEE_BP = 1_000
MAX_RESERVE_BP = 3_000
MAX_RESERVE_DAYS = 180


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


class FundsModel(StrEnum):
    """Where a buyer's money rests until acceptance (domain.md §7); pooling it without a licence is unlawful (二清)."""

    DIRECT = "direct"
    CUSTODIAN = "custodian"
    STRIPE = "stripe"


@dataclass(frozen=True, kw_only=True)
class ChannelTerms:
    """A channel of a scheme: who may buy through it, how its orders are paid, and what their acceptance needs.

    The first of the funds models is meant where an order names none; the platform's fee is on what is accepted. Of what
    is settled out of custody the reserve is kept back for its days after acceptance.
    """

    code: str
    name: str
    buyer_kinds: frozenset[OrganisationKind]
    evidence_kinds: tuple[str, ...]
    needs_external_number: bool
    counts_to_reserved_share: bool
    funds_models: tuple[FundsModel, ...] = (FundsModel.DIRECT,)
    fee_bp: int = 0
    reserve_bp: int = 0
    reserve_days: int = 0


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
        _check_funds(channel)


def _check_funds(channel: ChannelTerms) -> None:
    """A fee or a reserve can only be kept of money that passes through custody; a supplier paid itself has it all."""
    if not channel.funds_models or len(set(channel.funds_models)) < len(channel.funds_models):
        raise SchemeBodyError(reason=f"how {channel.code} is paid is unclear", reason_zh="资金模式有误")
    most_bp = 0 if FundsModel.DIRECT in channel.funds_models else MAX_FEE_BP
    if not 0 <= channel.fee_bp <= most_bp:
        raise SchemeBodyError(
            reason=f"the fee of {channel.code} is over {most_bp} basis points",
            reason_zh=f"平台服务费超过上限({most_bp} 个基点)",
        )
    most_bp = MAX_RESERVE_BP if {*channel.funds_models} - {FundsModel.DIRECT} else 0
    is_none = channel.reserve_bp == channel.reserve_days == 0
    if not is_none and not (0 < channel.reserve_bp <= most_bp and 0 < channel.reserve_days <= MAX_RESERVE_DAYS):
        raise SchemeBodyError(
            reason=f"the reserve of {channel.code} is half said, or over {most_bp} points or {MAX_RESERVE_DAYS} days",
            reason_zh=f"保证金须同时约定比例与期限,且不超过 {most_bp} 个基点、{MAX_RESERVE_DAYS} 天",
        )


def funds_model(policy: ChannelPolicy, asked: FundsModel | None) -> FundsModel:
    """Return how an order of the channel is paid; raises `FundsModelError` for a model that it has not."""
    if asked is None:
        return policy.funds_models[0]
    if asked not in policy.funds_models:
        raise FundsModelError(channel=policy.code, allowed=policy.funds_models)
    return asked


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


class FundsModelError(MarketError):
    """How orders are paid is the channel's to say."""

    en = "Orders of this channel ({channel}) are paid in one of these ways: {allowed}."
    zh = "该渠道({channel})订单的资金模式仅限:{allowed}。"


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
