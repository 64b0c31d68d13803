"""What makes a plan sound, the life of a version, and the table of mechanisms."""

import itertools
import json
from dataclasses import replace
from enum import StrEnum
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.benefits import rules, soundness
from market.benefits.refusals import PlanBodyError
from market.benefits.rules import (
    CONTRIBUTED,
    MECHANISMS,
    TRANSITIONS,
    Basis,
    IncomeClass,
    Measure,
    Mechanism,
    MechanismTerms,
    Payee,
    PlanBody,
    PlanEvent,
    PlanStatus,
    Pool,
    PriceTerms,
    Pricing,
    Proof,
    payees,
    plan_body,
    status_after,
)
from market.benefits.soundness import check_body
from market.errors import TransitionError
from market.quantities import MeasuredIn

DIVIDEND = Pool(Mechanism.SHARE_DIVIDEND, 800, (("b", 3), ("a", 1)))
KEPT = Pool(Mechanism.PATRONAGE, 700, (), kept=True)
VILLAGE = Pool(Mechanism.COLLECTIVE_DIVIDEND, 200, (("v", 1),), assisted_only=True)
BODY = PlanBody((Mechanism.ORDER_PURCHASE, Mechanism.LABOUR), (DIVIDEND, VILLAGE))
LOT_ONLY = PlanBody((Mechanism.LABOUR,), ())


def test_every_mechanism_is_in_the_table_and_what_is_contributed_is_measured_and_priced() -> None:
    assert set(MECHANISMS) == set(Mechanism)
    for terms in MECHANISMS.values():
        assert terms.proof.en
        assert terms.proof.zh
        assert bool(terms.measures) == bool(terms.pricings) == (terms.basis in CONTRIBUTED)
        assert (Pricing.PROCEEDS in terms.pricings) == (terms.basis is Basis.PROCEEDS)


PLUS_5 = PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.MARKET_PLUS, bp=500)
FLOOR = PriceTerms(Mechanism.CONTRACTING, Pricing.FLOOR, unit=MeasuredIn.JIN, least_fen=110)
WAGE = PriceTerms(Mechanism.LABOUR, Pricing.FIXED, unit=MeasuredIn.MU, least_fen=1_500_00, most_fen=1_500_00)
CONSIGNED = PriceTerms(Mechanism.CONSIGNMENT, Pricing.PROCEEDS, bp=9_000)
PRICED = PlanBody(
    (Mechanism.LABOUR, Mechanism.ORDER_PURCHASE, Mechanism.CONTRACTING, Mechanism.CONSIGNMENT),
    (DIVIDEND, VILLAGE),
    (PLUS_5, FLOOR, WAGE, CONSIGNED),
)


def test_a_body_without_terms_keeps_its_bytes_and_each_price_is_agreed() -> None:
    assert LOT_ONLY.canonical() == b'{"lot_mechanisms":["labour"],"pools":[]}'
    assert LOT_ONLY.terms_of(Mechanism.LABOUR) == PriceTerms(Mechanism.LABOUR, Pricing.FIXED)


def test_the_terms_say_in_the_body_what_they_are_and_nothing_else() -> None:
    assert json.loads(PRICED.canonical())["terms"] == [
        {"mechanism": "consignment", "pricing": "proceeds", "bp": 9_000},
        {"mechanism": "contracting", "pricing": "floor", "unit": "jin", "least_fen": 110},
        {"mechanism": "labour", "pricing": "fixed", "unit": "mu", "least_fen": 150_000, "most_fen": 150_000},
        {"mechanism": "order_purchase", "pricing": "market_plus", "bp": 500},
    ]
    check_body(PRICED)
    assert plan_body(json.loads(PRICED.canonical())).canonical() == PRICED.canonical()
    assert plan_body(json.loads(PRICED.canonical())).terms_of(Mechanism.CONTRACTING) == FLOOR


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ((PLUS_5, PLUS_5, CONSIGNED), "/terms"),
        ((PLUS_5,), "/terms"),
        ((CONSIGNED, PriceTerms(Mechanism.LAND_RENT, Pricing.FIXED, least_fen=1)), "/terms/1/mechanism"),
        ((CONSIGNED, PriceTerms(Mechanism.LABOUR, Pricing.MARKET_PLUS, bp=500)), "/terms/1/pricing"),
        ((PriceTerms(Mechanism.CONSIGNMENT, Pricing.FIXED),), "/terms/0/pricing"),
        ((CONSIGNED, replace(WAGE, unit=MeasuredIn.KG)), "/terms/1/unit"),
        ((CONSIGNED, replace(FLOOR, unit=MeasuredIn.HOUR)), "/terms/1/unit"),
        ((CONSIGNED, replace(PLUS_5, bp=0)), "/terms/1/bp"),
        ((CONSIGNED, replace(PLUS_5, bp=10_001)), "/terms/1/bp"),
        ((CONSIGNED, replace(PLUS_5, bp=None)), "/terms/1/bp"),
        ((CONSIGNED, replace(PLUS_5, least_fen=1)), "/terms/1/least_fen"),
        ((replace(CONSIGNED, bp=None),), "/terms/0/bp"),
        ((CONSIGNED, replace(FLOOR, least_fen=None)), "/terms/1/least_fen"),
        ((CONSIGNED, replace(FLOOR, unit=None)), "/terms/1/unit"),
        ((CONSIGNED, replace(FLOOR, most_fen=200)), "/terms/1/most_fen"),
        ((CONSIGNED, replace(FLOOR, bp=500)), "/terms/1/bp"),
        ((CONSIGNED, replace(FLOOR, least_fen=None, most_fen=200)), "/terms/1/most_fen"),
        ((CONSIGNED, replace(WAGE, least_fen=150_001)), "/terms/1/least_fen"),
        ((CONSIGNED, replace(WAGE, least_fen=0)), "/terms/1/least_fen"),
        ((CONSIGNED, PriceTerms(Mechanism.LABOUR, Pricing.FIXED)), "/terms/1/unit"),
        ((CONSIGNED, replace(PLUS_5, unit=MeasuredIn.HOUR)), "/terms/1/unit"),
        ((CONSIGNED, replace(WAGE, least_fen=None, most_fen=None)), "/terms/1/least_fen"),
        ((replace(CONSIGNED, bp=9_001),), "/pools"),
    ],
)
def test_terms_that_price_nothing_or_the_impossible_are_refused(terms: tuple[PriceTerms, ...], pointer: str) -> None:
    with pytest.raises(PlanBodyError) as refusal:
        check_body(replace(PRICED, terms=terms))
    assert refusal.value.pointer == pointer


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        LOT_ONLY,
        PlanBody((), (DIVIDEND,)),
        PlanBody((), (Pool(Mechanism.SHARE_DIVIDEND, 10_000, ()),)),
        PlanBody((), (replace(KEPT, reserve_bp=0),)),
        PlanBody((), (replace(KEPT, reserve_bp=9_999),)),
        PlanBody((), (KEPT, Pool(Mechanism.SHARE_DIVIDEND, 800, (), kept=True), VILLAGE)),
    ],
)
def test_a_sound_body_passes(body: PlanBody) -> None:
    check_body(body)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (PlanBody((), (replace(KEPT, reserve_bp=10_000),)), "/pools/0/reserve_bp"),
        (PlanBody((), (Pool(Mechanism.SHARE_DIVIDEND, 800, (), kept=True, reserve_bp=0),)), "/pools/0/reserve_bp"),
        (PlanBody((), ()), None),
        (PlanBody((Mechanism.LABOUR, Mechanism.LABOUR), ()), "/lot_mechanisms"),
        (PlanBody((Mechanism.SHARE_DIVIDEND,), ()), "/lot_mechanisms"),
        (PlanBody((), (DIVIDEND, DIVIDEND)), "/pools"),
        (PlanBody((), (Pool(Mechanism.SHARE_DIVIDEND, 9_801, ()), VILLAGE)), "/pools"),
        (PlanBody((), (VILLAGE, Pool(Mechanism.ORDER_PURCHASE, 1, ()))), "/pools/1/mechanism"),
        (PlanBody((), (Pool(Mechanism.SHARE_DIVIDEND, 0, ()),)), "/pools/0/bp"),
        (PlanBody((), (Pool(Mechanism.SHARE_DIVIDEND, 1, (("a", 1), ("a", 2))),)), "/pools/0/shares"),
        (PlanBody((), (Pool(Mechanism.SHARE_DIVIDEND, 1, (("a", -1),)),)), "/pools/0/shares"),
        (PlanBody((Mechanism.CUSTODY,), ()), "/lot_mechanisms"),
        (PlanBody((), (Pool(Mechanism.CUSTODY, 1, (("a", 1),)),)), "/pools/0/kept"),
        (PlanBody((), (Pool(Mechanism.COLLECTIVE_DIVIDEND, 1, (), kept=True),)), "/pools/0/kept"),
        (PlanBody((), (Pool(Mechanism.CUSTODY, 1, (("a", 1),), kept=True),)), "/pools/0/shares"),
        (
            PlanBody((), (Pool(Mechanism.SHARE_DIVIDEND, 1, (), assisted_only=True, kept=True),)),
            "/pools/0/assisted_only",
        ),
    ],
)
def test_an_unsound_body_is_refused_and_pointed_at(body: PlanBody, pointer: str | None) -> None:
    with pytest.raises(PlanBodyError) as refusal:
        check_body(body)
    assert refusal.value.pointer == pointer


def test_the_hash_is_of_the_canonical_bytes_whatever_the_order_of_writing() -> None:
    shuffled = PlanBody(
        tuple(reversed(BODY.lot_mechanisms)),
        (VILLAGE, Pool(DIVIDEND.mechanism, DIVIDEND.bp, tuple(reversed(DIVIDEND.shares)))),
    )
    assert shuffled.canonical() == BODY.canonical()
    assert BODY.sha256() == sha256(BODY.canonical()).hexdigest()
    assert b" " not in BODY.canonical()


shares = st.dictionaries(st.uuids().map(str), st.integers(0, 10**6), max_size=5).map(lambda found: tuple(found.items()))
bodies = st.builds(
    PlanBody,
    st.sets(st.sampled_from([Mechanism.ORDER_PURCHASE, Mechanism.LABOUR])).map(tuple),
    st.lists(
        st.builds(
            Pool, st.sampled_from([DIVIDEND.mechanism, VILLAGE.mechanism]), st.integers(1, 5_000), shares, st.booleans()
        )
        | st.builds(Pool, st.just(KEPT.mechanism), st.integers(1, 5_000), st.just(()), st.just(False), st.just(True)),
        max_size=2,
        unique_by=lambda pool: pool.mechanism,
    ).map(tuple),
)


@given(bodies)
def test_a_stored_body_reads_back_to_the_same_bytes(body: PlanBody) -> None:
    stored = json.loads(body.canonical())
    assert plan_body(stored).canonical() == body.canonical()
    assert plan_body(stored).sha256() == body.sha256()


def test_a_body_without_kept_pools_has_the_bytes_it_had_before_there_were_any() -> None:
    assert PlanBody((), (DIVIDEND,)).canonical() == (
        b'{"lot_mechanisms":[],"pools":[{"assisted_only":false,"bp":800,"mechanism":"share_dividend",'
        b'"shares":[["a",1],["b",3]]}]}'
    )
    assert b'"kept":true' in PlanBody((), (KEPT,)).canonical()


def test_one_more_weight_is_another_hash() -> None:
    changed = PlanBody(BODY.lot_mechanisms, (Pool(DIVIDEND.mechanism, 800, (("b", 4), ("a", 1))), VILLAGE))
    assert changed.sha256() != BODY.sha256()


def test_payees_are_told_apart_by_what_they_must_be() -> None:
    assert payees(BODY) == {
        Payee.HOUSEHOLD: {"b": "/pools/0/shares/0/payee_id", "a": "/pools/0/shares/1/payee_id"},
        Payee.COLLECTIVE: {"v": "/pools/1/shares/0/payee_id"},
    }


@pytest.mark.parametrize(("status", "event"), list(itertools.product(PlanStatus, PlanEvent)))
def test_a_version_moves_only_as_the_table_says(status: PlanStatus, event: PlanEvent) -> None:
    if (status, event) in TRANSITIONS:
        assert status_after(status, event) is TRANSITIONS[status, event]
    else:
        with pytest.raises(TransitionError):
            status_after(status, event)


def test_a_decided_version_never_moves_again() -> None:
    assert not {status for status, _ in TRANSITIONS} & {PlanStatus.APPROVED, PlanStatus.REJECTED}


class WiderMechanism(StrEnum):
    """The mechanisms in use, and two more."""

    ORDER_PURCHASE = "order_purchase"
    SHARE_DIVIDEND = "share_dividend"
    ADOPTION = "adoption"
    BONUS = "bonus"


def test_a_new_mechanism_needs_one_row_and_no_change_in_what_takes_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    adoption: Any = WiderMechanism.ADOPTION
    bonus: Any = WiderMechanism.BONUS
    wider: dict[Any, MechanismTerms] = {
        **MECHANISMS,
        adoption: MechanismTerms(
            "认养",
            IncomeClass.PROPERTY,
            Basis.LOT,
            Payee.HOUSEHOLD,
            Proof("a deed of adoption", "认养协议"),
            (Measure.QUANTITY,),
            (Pricing.FIXED,),
        ),
        bonus: MechanismTerms("奖励", IncomeClass.OPERATING, Basis.POOL, Payee.HOUSEHOLD, Proof("a list", "名单")),
    }
    monkeypatch.setattr(rules, "Mechanism", WiderMechanism)
    monkeypatch.setattr(rules, "MECHANISMS", wider)
    monkeypatch.setattr(soundness, "MECHANISMS", wider)
    body = plan_body(
        {
            "lot_mechanisms": ["adoption", "order_purchase"],
            "pools": [{"mechanism": "bonus", "bp": 6_000, "assisted_only": False, "shares": [["h", 7]]}],
        }
    )
    check_body(body)
    assert payees(body)[Payee.HOUSEHOLD] == {"h": "/pools/0/shares/0/payee_id"}
    assert plan_body(json.loads(body.canonical())).sha256() == body.sha256()
    with pytest.raises(PlanBodyError):
        check_body(PlanBody((bonus,), ()))
    with pytest.raises(PlanBodyError):
        check_body(PlanBody((), (Pool(adoption, 1, ()),)))
