"""Who may buy through a channel, what its acceptance needs, and what makes a scheme sound."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from market.channels.rules import (
    MAX_CHANNELS,
    MAX_FEE_BP,
    MAX_RESERVE_BP,
    MAX_RESERVE_DAYS,
    ChannelNotForBuyerError,
    ChannelPolicy,
    FundsModel,
    FundsModelError,
    MissingAcceptanceEvidenceError,
    SchemeBodyError,
    SchemeOrderError,
    check_buyer,
    check_evidence,
    check_scheme,
    check_succession,
    funds_model,
)
from market.identity.rules import OrganisationKind

CANTEEN = ChannelPolicy(
    scheme_id=UUID(int=1),
    code="canteen",
    name="进食堂",
    buyer_kinds=frozenset({OrganisationKind.SCHOOL, OrganisationKind.HOSPITAL}),
    evidence_kinds=("acceptance_note", "invoice"),
    needs_external_number=False,
    counts_to_reserved_share=True,
)


@pytest.mark.parametrize("kind", OrganisationKind)
def test_a_channel_is_open_to_its_own_buyers_alone(kind: OrganisationKind) -> None:
    if kind in {"school", "hospital"}:
        check_buyer(CANTEEN, kind)
    else:
        with pytest.raises(ChannelNotForBuyerError):
            check_buyer(CANTEEN, kind)


def test_an_acceptance_brings_every_paper_that_its_channel_asks_and_may_bring_more() -> None:
    check_evidence(CANTEEN, {"invoice", "acceptance_note", "receipt"})
    with pytest.raises(MissingAcceptanceEvidenceError) as refusal:
        check_evidence(CANTEEN, {"receipt"})
    assert refusal.value.facts["missing"] == ("acceptance_note", "invoice")


@pytest.mark.parametrize(
    "channels",
    [
        [],
        [replace(CANTEEN, code=f"c{number}") for number in range(MAX_CHANNELS + 1)],
        [CANTEEN, replace(CANTEEN, name="别名")],
        [replace(CANTEEN, buyer_kinds=frozenset())],
        [replace(CANTEEN, evidence_kinds=("photograph",))],
        [replace(CANTEEN, evidence_kinds=("invoice", "invoice"))],
        [replace(CANTEEN, funds_models=())],
        [replace(CANTEEN, funds_models=(FundsModel.CUSTODIAN, FundsModel.CUSTODIAN))],
        [replace(CANTEEN, funds_models=(FundsModel.CUSTODIAN,), fee_bp=MAX_FEE_BP + 1)],
        [replace(CANTEEN, funds_models=(FundsModel.CUSTODIAN,), fee_bp=-1)],
        [replace(CANTEEN, funds_models=(FundsModel.CUSTODIAN, FundsModel.DIRECT), fee_bp=1)],
        [replace(CANTEEN, reserve_bp=1, reserve_days=1)],
        [replace(CANTEEN, funds_models=(FundsModel.CUSTODIAN,), reserve_bp=1)],
        [replace(CANTEEN, funds_models=(FundsModel.CUSTODIAN,), reserve_days=1)],
        [replace(CANTEEN, funds_models=(FundsModel.CUSTODIAN,), reserve_bp=MAX_RESERVE_BP + 1, reserve_days=1)],
        [replace(CANTEEN, funds_models=(FundsModel.CUSTODIAN,), reserve_bp=1, reserve_days=MAX_RESERVE_DAYS + 1)],
    ],
)
def test_a_scheme_that_cannot_be_carried_out_is_refused(channels: list[ChannelPolicy]) -> None:
    with pytest.raises(SchemeBodyError):
        check_scheme(channels)


def test_a_fee_is_kept_of_money_in_custody_alone() -> None:
    check_scheme([replace(CANTEEN, funds_models=(FundsModel.CUSTODIAN,), fee_bp=MAX_FEE_BP)])


def test_a_reserve_is_kept_wherever_money_in_custody_is_allowed() -> None:
    both = (FundsModel.DIRECT, FundsModel.CUSTODIAN)
    check_scheme([replace(CANTEEN, funds_models=both, reserve_bp=MAX_RESERVE_BP, reserve_days=MAX_RESERVE_DAYS)])


def test_an_order_is_paid_in_one_of_its_channels_ways_and_in_the_first_if_it_names_none() -> None:
    both = replace(CANTEEN, funds_models=(FundsModel.CUSTODIAN, FundsModel.DIRECT))
    assert funds_model(CANTEEN, None) is FundsModel.DIRECT
    assert funds_model(both, None) is FundsModel.CUSTODIAN
    assert funds_model(both, FundsModel.DIRECT) is FundsModel.DIRECT
    with pytest.raises(FundsModelError):
        funds_model(CANTEEN, FundsModel.CUSTODIAN)


def test_a_channel_may_ask_no_paper() -> None:
    check_scheme([CANTEEN, replace(CANTEEN, code="other", evidence_kinds=())])


def test_a_version_follows_the_latest_one_and_begins_after_today() -> None:
    latest, today = date(2024, 1, 1), date(2026, 3, 2)
    check_succession(date(2026, 3, 3), latest_from=latest, today=today)
    for begins in (today, latest, date(2025, 1, 1)):
        with pytest.raises(SchemeOrderError):
            check_succession(begins, latest_from=latest, today=today)
    with pytest.raises(SchemeOrderError):
        check_succession(date(2026, 3, 3), latest_from=date(2027, 1, 1), today=today)
