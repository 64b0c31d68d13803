"""Distributions of a period and second distributions that are refused."""

from collections.abc import Callable
from typing import Any

from tests.bad_input.fair import INVALID, NOBODY, Ask, Case, Fair
from tests.bad_input.values import MONEY, PARTS
from tests.stalls import Desk

FORMULA = "/formula"


def propose(fair: Fair, *, desk: Desk | None = None, whole: dict[str, Any] | None = None, **changed: Any) -> Ask:
    """Propose a dividend, with changes to it, or to its formula."""
    return Ask(desk or fair.clerk, "POST", "/distributions", fair.dividend(**changed) | (whole or {}))


def by_volume(fair: Fair, **changed: Any) -> Ask:
    """Propose a return by volume, with changes to its formula."""
    formula = {"formula": "patronage", "surplus_fen": 100, "by_volume_bp": 7_000} | changed
    return propose(fair, whole={"formula": formula})


def for_custody(fair: Fair, **changed: Any) -> Ask:
    """Propose what entrusted capital has earned, with changes to its formula."""
    formula = {"formula": "custody", "register_version_id": fair.approved_id, "months": 2} | changed
    return propose(fair, whole={"formula": formula})


def of_land(fair: Fair, **changed: Any) -> Ask:
    """Propose the profit of land, with changes to its formula."""
    formula = {"formula": "profit", "register_version_id": fair.approved_id, "profit_fen_per_mu": 100} | changed
    return propose(fair, whole={"formula": formula})


def judge(fair: Fair, verb: str = "approval", proposal: str = "", *, desk: Desk | None = None, **changed: Any) -> Ask:
    """Decide a proposed distribution, with changes."""
    path = f"/distributions/{proposal or fair.proposed_id}/{verb}"
    return Ask(desk or fair.county, "POST", path, {"opinion": "同意"} | changed)


def give_on(fair: Fair, *, desk: Desk | None = None, **changed: Any) -> Ask:
    """Give on what the collective was paid, with changes."""
    return Ask(desk or fair.keeper, "POST", "/second-distributions", fair.giving(**changed))


def weigh(fair: Fair, verb: str = "approval", stated: str = "", *, desk: Desk | None = None, **changed: Any) -> Ask:
    """Decide what a collective states to have given, with changes."""
    path = f"/second-distributions/{stated or fair.stated_id}/{verb}"
    return Ask(desk or fair.county, "POST", path, {"opinion": "同意"} | changed)


def confirm(fair: Fair, given: str = "", *, desk: Desk | None = None) -> Ask:
    """Confirm what the collective gave on."""
    return Ask(desk or fair.village, "POST", f"/second-distributions/{given or fair.given_id}/confirmation")


SOUND: dict[str, Callable[[Fair], Ask]] = {
    "a distribution": propose,
    "a return by volume": by_volume,
    "an approval of a distribution": judge,
    "a rejection of a distribution": lambda fair: judge(fair, "rejection"),
    "a second distribution": give_on,
    "an approval of a second distribution": weigh,
    "a rejection of a second distribution": lambda fair: weigh(fair, "rejection"),
    "a confirmation of a second distribution": confirm,
}

CASES: list[Case] = [
    (
        "a remainder of what is no distribution",
        lambda f: propose(f, remainder_of=NOBODY),
        404,
        "not_found",
        [f"{FORMULA}/remainder_of"],
    ),
    (
        "a remainder of what is no return by volume",
        lambda f: propose(f, remainder_of=f.proposed_id),
        409,
        "no_remainder",
        [f"{FORMULA}/remainder_of"],
    ),
    ("a distribution without evidence", lambda f: propose(f, whole={"evidence": " "}), 422, INVALID, ["/evidence"]),
    (
        "a distribution by no known formula without evidence",
        lambda f: propose(f, whole={"evidence": "", "formula": {"formula": "lottery"}}),
        422,
        INVALID,
        ["/formula", "/evidence"],
    ),
    ("a second distribution without evidence", lambda f: give_on(f, evidence=""), 422, INVALID, ["/evidence"]),
    (
        "a distribution whose evidence names a person by number",
        lambda f: propose(f, whole={"evidence": "身份证 11010519491231002X"}),
        422,
        INVALID,
        ["/evidence"],
    ),
    *(
        (
            f"a dividend of {name}",
            lambda f, v=v: propose(f, amount_fen=v),
            422,
            INVALID,
            [f"{FORMULA}/amount_fen"],
        )
        for name, v in MONEY
    ),
    *(
        (
            f"a surplus of {name}",
            lambda f, v=v: by_volume(f, surplus_fen=v),
            422,
            INVALID,
            [f"{FORMULA}/surplus_fen"],
        )
        for name, v in MONEY
    ),
    *(
        (
            f"a profit per mu of {name}",
            lambda f, v=v: of_land(f, profit_fen_per_mu=v),
            422,
            INVALID,
            [f"{FORMULA}/profit_fen_per_mu"],
        )
        for name, v in MONEY
    ),
    ("a profit of no scheme", of_land, 422, "scheme_missing", [f"{FORMULA}/register_version_id"]),
    *(
        (
            f"by_volume_bp of {name}",
            lambda f, v=v: by_volume(f, by_volume_bp=v),
            422,
            INVALID,
            [f"{FORMULA}/by_volume_bp"],
        )
        for name, v in PARTS
    ),
    *(
        (f"months that are {name}", lambda f, v=v: for_custody(f, months=v), 422, INVALID, [f"{FORMULA}/months"])
        for name, v in (
            ("a float", 1.5),
            ("a whole float", 6.0),
            ("text", "6"),
            ("none", 0),
            ("13", 13),
            ("true", True),
        )
    ),
    (
        "months beyond the period",
        lambda f: propose(
            f,
            whole={
                "period_from": "2026-02-01",
                "formula": {"formula": "custody", "register_version_id": f.approved_entitlements_id, "months": 2},
            },
        ),
        422,
        "months_beyond_period",
        [f"{FORMULA}/months"],
    ),
    (
        "a period that is shared out already",
        lambda f: propose(f, register_version_id=f.kept_approved_id),
        409,
        "period_already_shared",
        ["/period_from"],
    ),
    (
        "a dividend by a register that held later",
        lambda f: propose(f, whole={"period_from": "2025-01-01", "period_to": "2025-12-31"}),
        409,
        "register_not_in_force",
        [f"{FORMULA}/register_version_id"],
    ),
    (
        "a return below the law's floor",
        lambda f: by_volume(f, by_volume_bp=5_999),
        422,
        "patronage_floor",
        [f"{FORMULA}/by_volume_bp"],
    ),
    ("a reserve of one's own", lambda f: by_volume(f, reserve_bp=0), 422, INVALID, [f"{FORMULA}/reserve_bp"]),
    ("a formula unheard of", lambda f: propose(f, formula="tombola"), 422, INVALID, [FORMULA]),
    ("a distribution without a formula", lambda f: propose(f, whole={"formula": None}), 422, INVALID, [FORMULA]),
    ("a formula with a field unknown", lambda f: propose(f, by="me"), 422, INVALID, [f"{FORMULA}/by"]),
    ("a dividend of no source", lambda f: propose(f, sources=[]), 422, INVALID, [f"{FORMULA}/sources"]),
    ("a dividend of an odd source", lambda f: propose(f, sources=["luck"]), 422, INVALID, [f"{FORMULA}/sources/0"]),
    (
        "a dividend of a source nobody has",
        lambda f: propose(f, sources=["loan"]),
        422,
        "no_weight",
        [FORMULA],
    ),
    (
        "a period that ends before it begins",
        lambda f: propose(f, whole={"period_from": "2026-03-02", "period_to": "2026-03-01"}),
        422,
        INVALID,
        ["/period_to"],
    ),
    (
        "a period that is not over",
        lambda f: propose(f, whole={"period_to": "2026-03-03"}),
        422,
        INVALID,
        ["/period_to"],
    ),
    (
        "a period in which nothing was delivered",
        lambda f: propose(
            f,
            whole={
                "period_from": "2019-01-01",
                "period_to": "2019-12-31",
                "formula": {"formula": "patronage", "surplus_fen": 100, "by_volume_bp": 7_000},
            },
        ),
        422,
        "nobody_listed",
        [FORMULA],
    ),
    *(
        (
            f"a dividend by {name}",
            lambda f, which=which: propose(f, register_version_id=which(f)),
            404,
            "not_found",
            [f"{FORMULA}/register_version_id"],
        )
        for name, which in (
            ("nobody's register", lambda _: NOBODY),
            ("a draft", lambda f: f.drafted_id),
            ("what is only submitted", lambda f: f.submitted_id),
            ("a collective's list", lambda f: f.approved_list_id),
        )
    ),
    (
        "a dividend by another's register",
        lambda f: propose(f, desk=f.other_clerk),
        404,
        "not_found",
        [f"{FORMULA}/register_version_id"],
    ),
    (
        "custody by a share register",
        for_custody,
        404,
        "not_found",
        [f"{FORMULA}/register_version_id"],
    ),
    (
        "a dividend of more than stands recognised",
        lambda f: propose(f, amount_fen=10**9),
        409,
        "not_enough_recognised",
        [FORMULA],
    ),
    (
        "a return of more than stands recognised",
        lambda f: by_volume(f, surplus_fen=10**9),
        409,
        "not_enough_recognised",
        [FORMULA],
    ),
    (
        "a misspelt dry run of a distribution",
        lambda f: Ask(f.clerk, "POST", "/distributions?dryrun=true", f.dividend()),
        422,
        INVALID,
        ["/query/dryrun"],
    ),
    ("an approval of no distribution", lambda f: judge(f, proposal=NOBODY), 404, "not_found", []),
    ("an approval in another county", lambda f: judge(f, desk=f.other_county), 404, "not_found", []),
    ("an approval of what was rejected", lambda f: judge(f, proposal=f.rejected_id), 409, "transition", []),
    ("a rejection twice", lambda f: judge(f, "rejection", f.rejected_id), 409, "transition", []),
    ("an approval by silence", lambda f: judge(f, opinion=" "), 422, INVALID, ["/opinion"]),
    # Second distributions
    *(
        (f"giving on {name}", lambda f, v=v: give_on(f, amount_fen=v), 422, INVALID, ["/amount_fen"])
        for name, v in MONEY
    ),
    (
        "giving on more than was received",
        lambda f: give_on(f, amount_fen=201),
        409,
        "not_enough_received",
        ["/amount_fen"],
    ),
    (
        "giving on what another supplier paid",
        lambda f: give_on(f, supplier_id=str(f.other_supplier.id)),
        409,
        "not_enough_received",
        ["/amount_fen"],
    ),
    (
        "giving on nobody's money",
        lambda f: give_on(f, supplier_id=NOBODY),
        409,
        "not_enough_received",
        ["/amount_fen"],
    ),
    (
        "giving on by a share register",
        lambda f: give_on(f, register_version_id=f.approved_id),
        404,
        "not_found",
        ["/register_version_id"],
    ),
    (
        "giving on by another's list",
        lambda f: give_on(f, desk=f.clerk),
        404,
        "not_found",
        ["/register_version_id"],
    ),
    ("giving on tomorrow", lambda f: give_on(f, given_on="2026-03-03"), 422, "future_date", ["/given_on"]),
    (
        "giving on before it came in",
        lambda f: give_on(f, given_on="2026-03-01"),
        409,
        "given_before_received",
        ["/given_on"],
    ),
    (
        "giving on by a list that held later",
        lambda f: give_on(f, given_on="2025-12-31"),
        409,
        "register_not_in_force",
        ["/register_version_id"],
    ),
    ("giving on twice", lambda f: give_on(f, reference="二次-1"), 409, "second_reference_taken", ["/reference"]),
    ("giving on without evidence", lambda f: give_on(f, evidence=""), 422, INVALID, ["/evidence"]),
    ("an approval of nothing given", lambda f: weigh(f, stated=NOBODY), 404, "not_found", []),
    ("an approval of what was given twice", lambda f: weigh(f, stated=f.given_id), 409, "transition", []),
    ("an approval of what was given elsewhere", lambda f: weigh(f, desk=f.other_county), 404, "not_found", []),
    (
        "a rejection of what was given in silence",
        lambda f: weigh(f, "rejection", opinion=""),
        422,
        INVALID,
        ["/opinion"],
    ),
    ("a confirmation of what is only stated", lambda f: confirm(f, f.stated_id), 409, "second_not_approved", []),
    ("a confirmation of nothing given", lambda f: confirm(f, NOBODY), 404, "not_found", []),
    (
        "a confirmation twice of what was given",
        lambda f: confirm(f, f.confirmed_given_id),
        409,
        "second_confirmed",
        [],
    ),
]
