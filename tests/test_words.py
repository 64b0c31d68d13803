"""Every code that a sentence may name has a word in either language."""

from collections.abc import Iterable
from enum import StrEnum

import pytest

from market import words
from market.annulments.rules import AnnulmentEvent, AnnulmentStatus
from market.attribution.paying import ListEvent, ListStatus
from market.benefits.rules import MECHANISMS, Mechanism, PlanEvent, PlanStatus
from market.catalog.rules import BelowMinimumError, ProductEvent, ProductStatus
from market.certification.rules import ApplicationEvent, ApplicationStatus, CertificateEvent, CertificateStatus
from market.channels.rules import EvidenceKind, FundsModel, FundsModelError, MissingAcceptanceEvidenceError
from market.distributions.rules import DistributionEvent, DistributionStatus
from market.errors import ForbiddenError, TransitionError
from market.households.rules import ConsentPurpose, ErasureEvent, ErasureStatus, PersonalField, Purpose
from market.identity.rules import OrganisationKind, Permission, Role
from market.lots.rules import BaselineEvent, BaselineStatus, LotEvent, LotStatus
from market.orders.rules import OrderEvent, OrderStatus, PriceCutEvent, PriceCutStatus
from market.payments.rules import (
    CallStatus,
    EventStatus,
    OnlineStatus,
    OverpaidError,
    ProposalEvent,
    ProposalStatus,
    RefundEvent,
    RefundStatus,
)
from market.quantities import MeasuredIn, Unit
from market.settlements.rules import SettlementEvent, SettlementStatus

NAMED: dict[str, Iterable[StrEnum]] = {
    "unit": (*Unit, *MeasuredIn),
    "kind": OrganisationKind,
    "role": Role,
    "permission": Permission,
    "missing": EvidenceKind,
    "mechanism": Mechanism,
    "purpose": Purpose,
    "fields": PersonalField,
    "consent": ConsentPurpose,
    "erasure_status": ErasureStatus,
    "erasure_event": ErasureEvent,
    "order_status": OrderStatus,
    "order_event": OrderEvent,
    "price_cut_status": PriceCutStatus,
    "price_cut_event": PriceCutEvent,
    "certificate_status": CertificateStatus,
    "certificate_event": CertificateEvent,
    "pay_list_status": ListStatus,
    "pay_list_event": ListEvent,
    "product_status": ProductStatus,
    "product_event": ProductEvent,
    "lot_status": LotStatus,
    "lot_event": LotEvent,
    "baseline_status": BaselineStatus,
    "baseline_event": BaselineEvent,
    "plan_version_status": PlanStatus,
    "plan_version_event": PlanEvent,
    "register_version_status": PlanStatus,
    "register_version_event": PlanEvent,
    "distribution_status": DistributionStatus,
    "distribution_event": DistributionEvent,
    "annulment_status": AnnulmentStatus,
    "annulment_event": AnnulmentEvent,
    "second_distribution_status": DistributionStatus,
    "second_distribution_event": DistributionEvent,
    "online_payment_status": OnlineStatus,
    "provider_call_status": CallStatus,
    "provider_event_status": EventStatus,
    "matching_status": ProposalStatus,
    "matching_event": ProposalEvent,
    "refund_status": RefundStatus,
    "refund_event": RefundEvent,
    "settlement_status": SettlementStatus,
    "settlement_event": SettlementEvent,
    "application_status": ApplicationStatus,
    "application_event": ApplicationEvent,
}


@pytest.mark.parametrize("fact", NAMED)
def test_every_code_has_a_word(fact: str) -> None:
    codes = set(map(str, NAMED[fact]))
    assert codes == set(words.WORDS[fact])


def test_a_mechanism_has_one_chinese_name() -> None:
    assert {code: terms.name for code, terms in MECHANISMS.items()} == {
        code: zh for code, (_, zh) in words.MECHANISMS.items()
    }


@pytest.mark.parametrize(
    ("error", "en", "zh"),
    [
        (
            TransitionError(machine="order", status=OrderStatus.PLACED, event=OrderEvent.ACCEPT_ALL),
            "This order is placed; it cannot be accepted.",
            "该订单当前状态为「已下单」,不能验收。",
        ),
        (
            MissingAcceptanceEvidenceError(channel="canteen", missing=("acceptance_note", "invoice")),
            "An acceptance through this channel (into canteens) also needs: acceptance note, invoice.",
            "该渠道(进食堂)的验收还缺少凭证:验收单、发票。",
        ),
        (
            BelowMinimumError(minimum="10", unit=Unit.JIN),
            "The quantity is below the minimum of 10 jin (500 g).",
            "数量低于起订量(10 斤)。",
        ),
        (
            FundsModelError(channel="city", allowed=(FundsModel.DIRECT, FundsModel.CUSTODIAN)),
            "Orders of this channel (into cities) are paid in one of these ways: direct, custodian.",
            "该渠道(进城市)订单的资金模式仅限:direct、custodian。",
        ),
        (
            OverpaidError(number="D2026", payable_fen=128_000, amount_fen=128_001),
            "The order D2026 can still be paid 1,280.00 yuan; 1,280.01 were given.",
            "订单 D2026 尚可付款 1,280.00 元,所填为 1,280.01 元。",
        ),
        (
            ForbiddenError(permission="order:accept"),
            "Your role may not do this: accept deliveries.",
            "您的角色无权执行此操作:验收。",
        ),
    ],
)
def test_a_sentence_has_words_where_the_api_writes_codes(error: Exception, en: str, zh: str) -> None:
    assert (error.detail("en"), error.detail("zh")) == (en, zh)  # type: ignore[attr-defined]


def test_a_channel_of_another_scheme_is_named_by_its_code() -> None:
    assert words.said("channel", "poverty_fair", "zh") == "poverty_fair"
