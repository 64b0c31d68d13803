"""Share registers, their versions and their decision that are refused."""

from collections.abc import Callable
from typing import Any

from tests.bad_input.fair import INVALID, NOBODY, Ask, Case, Fair
from tests.bad_input.values import DAYS, MONEY, PARTS, QUANTITIES
from tests.stalls import Desk

SHARE = "/shares/0"


def open_register(fair: Fair, **changed: Any) -> Ask:
    """Open a register, with changes."""
    return Ask(fair.clerk, "POST", "/registers", {"kind": "shares", "name": "另一份名册"} | changed)


def draft(fair: Fair, register: str = "", *, whole: dict[str, Any] | None = None, **changed: Any) -> Ask:
    """Draft a version of a share register, with changes to it, or to its one row."""
    path = f"/registers/{register or fair.shares_id}/versions"
    return Ask(fair.clerk, "POST", path, fair.shares(**changed) | (whole or {}))


def entrusted(fair: Fair, **changed: Any) -> Ask:
    """Draft a version of a register of entitlements, with changes to its one row."""
    row = {
        "household_code": fair.households[0].code,
        "capital_fen": 5_000_000,
        "rate_bp": 800,
        "household_bp": 600,
        "collective_bp": 200,
        "collective_id": str(fair.collective.id),
    } | changed
    body = {"valid_from": "2026-01-01", "evidence": "托管代养协议", "entitlements": [row]}
    return Ask(fair.clerk, "POST", f"/registers/{fair.entitlements_id}/versions", body)


def listed(fair: Fair, **changed: Any) -> Ask:
    """Draft a version of a collective's own list, with changes to its one row."""
    row = {"household_code": fair.households[0].code, "weight": 1} | changed
    body = {"valid_from": "2026-01-01", "evidence": "村民代表会议决议", "list": [row]}
    return Ask(fair.keeper, "POST", f"/registers/{fair.list_id}/versions", body)


def moded(
    fair: Fair,
    *,
    mode: str = "base",
    terms: dict[str, Any] | None = None,
    own_fen: int = 10_000,
    **changed: Any,
) -> Ask:
    """Draft a version with a scheme of one mode, with changes to the scheme, to the terms of the mode, or own money."""
    of_mode = {"code": "base", "name": "基础股", "parts": ["base"], "household_bp": 6_000} | (terms or {})
    scheme = {"first_year": 2026, "years": 15, "lowest_bp": 5_000, "highest_bp": 9_000, "modes": [of_mode]} | changed
    return draft(fair, whole={"scheme": scheme}, mode=mode, area_mu="0.5", own_fen=own_fen, grant_fen=1)


def submit(fair: Fair, version: str = "") -> Ask:
    """Hand a draft to the county."""
    return Ask(fair.clerk, "POST", f"/register-versions/{version or fair.drafted_id}/submission")


def decide(fair: Fair, verb: str = "approval", version: str = "", *, desk: Desk | None = None, **changed: Any) -> Ask:
    """Decide a submitted version, with changes."""
    path = f"/register-versions/{version or fair.submitted_id}/{verb}"
    return Ask(desk or fair.county, "POST", path, {"opinion": "同意"} | changed)


SOUND: dict[str, Callable[[Fair], Ask]] = {
    "a register": open_register,
    "a version of a register": draft,
    "a version of entitlements": entrusted,
    "a version of a list": listed,
    "a version with a scheme": moded,
    "a submission of a register": submit,
    "an approval of a register": decide,
    "a rejection of a register": lambda fair: decide(fair, "rejection"),
}

CASES: list[Case] = [
    ("a version without evidence", lambda f: draft(f, whole={"evidence": ""}), 422, INVALID, ["/evidence"]),
    # Registers
    ("a register of no kind", lambda f: open_register(f, kind="bonds"), 422, INVALID, ["/kind"]),
    ("a register with no name", lambda f: open_register(f, name=""), 422, INVALID, ["/name"]),
    ("a register's name with a null", lambda f: open_register(f, name="股\x00"), 422, INVALID, ["/name"]),
    ("a register's name twice", lambda f: open_register(f, name="股份登记"), 409, "register_name_taken", ["/name"]),
    ("a list of no collective", lambda f: open_register(f, kind="list"), 422, "list_keeper", ["/kind"]),
    # Versions
    ("shares that are no list", lambda f: draft(f, whole={"shares": {}}), 422, INVALID, ["/shares"]),
    ("shares that are a text", lambda f: draft(f, whole={"shares": "甲"}), 422, INVALID, ["/shares"]),
    *(
        (f"shares of {name}", lambda f, v=v: draft(f, own_fen=v), 422, INVALID, [f"{SHARE}/own_fen"])
        for name, v in MONEY
        if v != 0
    ),
    *(
        (
            f"entrusted capital of {name}",
            lambda f, v=v: entrusted(f, capital_fen=v),
            422,
            INVALID,
            ["/entitlements/0/capital_fen"],
        )
        for name, v in MONEY
    ),
    *(
        (f"an area that is {name}", lambda f, v=v: draft(f, area_mu=v), 422, INVALID, [f"{SHARE}/area_mu"])
        for name, v in QUANTITIES
    ),
    *(
        (
            f"a register from a day that is {name}",
            lambda f, v=v: draft(f, whole={"valid_from": v}),
            422,
            INVALID,
            ["/valid_from"],
        )
        for name, v in DAYS
    ),
    *(
        (f"a rate of {name}", lambda f, v=v: entrusted(f, rate_bp=v), 422, INVALID, ["/entitlements/0/rate_bp"])
        for name, v in PARTS
    ),
    *(
        (f"a weight that is {name}", lambda f, v=v: listed(f, weight=v), 422, INVALID, ["/list/0/weight"])
        for name, v in (*PARTS[:4], ("zero", 0), ("huge", 10**14), ("true", True))
    ),
    ("a version of nobody's register", lambda f: draft(f, NOBODY), 404, "not_found", []),
    ("a version of another's register", lambda f: draft(f, f.foreign_shares_id), 404, "not_found", []),
    ("a version that names nobody", lambda f: draft(f, whole={"shares": []}), 422, "register_body", ["/shares"]),
    (
        "a version with rows of another kind",
        lambda f: draft(f, f.entitlements_id),
        422,
        INVALID,
        ["/shares"],
    ),
    (
        "a version with a household twice",
        lambda f: draft(f, whole={"shares": f.shares()["shares"] * 2}),
        422,
        "register_body",
        ["/shares/1/household_code"],
    ),
    (
        "a version with too many rows",
        lambda f: draft(f, whole={"shares": f.shares()["shares"] * 2_001}),
        422,
        INVALID,
        ["/shares"],
    ),
    ("a household without shares", lambda f: draft(f, own_fen=0), 422, "register_body", [SHARE]),
    ("land without its area", lambda f: draft(f, land_fen=100), 422, "register_body", [f"{SHARE}/area_mu"]),
    ("a row with a field unknown", lambda f: draft(f, note="无"), 422, INVALID, [f"{SHARE}/note"]),
    (
        "shares of no household",
        lambda f: draft(f, household_code="无此户"),
        422,
        "not_enrolled",
        [f"{SHARE}/household_code"],
    ),
    (
        "shares of another county's household",
        lambda f: draft(f, household_code=f.stranger.code),
        422,
        "not_enrolled",
        [f"{SHARE}/household_code"],
    ),
    (
        "shares that sum to too much",
        lambda f: draft(
            f,
            whole={
                "shares": [f.shares(household_code=home.code, own_fen=10**13)["shares"][0] for home in f.households]
            },
        ),
        422,
        "register_body",
        ["/shares"],
    ),
    (
        "a mode without a scheme",
        lambda f: draft(f, mode="base", area_mu="1"),
        422,
        "register_body",
        [f"{SHARE}/mode"],
    ),
    ("a mode of another scheme", lambda f: moded(f, mode="other"), 422, "register_body", [f"{SHARE}/mode"]),
    *(
        (
            f"a mode of {part} of which the household holds none",
            lambda f, part=part: moded(f, terms={"parts": ["base", part]}, own_fen=0),
            422,
            "mode_part_missing",
            [f"{SHARE}/{source}_fen"],
        )
        for part, source in (("own_funds", "own"), ("land", "land"))
    ),
    ("a scheme of no years", lambda f: moded(f, years=0), 422, INVALID, ["/scheme/years"]),
    *(
        (
            f"a scheme with {what}",
            lambda f, changed=changed: moded(f, capital={"public_fen": 1, "whole_fen": 2, "area_mu": "1"} | changed),
            422,
            code,
            [pointer],
        )
        for what, changed, code, pointer in (
            ("a capital of half a fen", {"public_fen": 0.5}, INVALID, "/scheme/capital/public_fen"),
            ("an area finer than a thousandth", {"area_mu": "0.0001"}, INVALID, "/scheme/capital/area_mu"),
            ("capital on no land", {"area_mu": "0"}, "register_body", "/scheme/capital"),
            ("more public money than capital", {"public_fen": 3}, "register_body", "/scheme/capital"),
            ("a bound below its public money", {"public_fen": 2}, "register_body", "/scheme/lowest_bp"),
            (
                "a base share that a household lacks",
                {"public_fen": 10**12, "whole_fen": 2 * 10**12},
                "register_body",
                f"{SHARE}/grant_fen",
            ),
        )
    ),
    ("a scheme whose bounds cross", lambda f: moded(f, lowest_bp=9_001), 422, "register_body", ["/scheme"]),
    (
        "a mode below the scheme's bounds",
        lambda f: moded(f, terms={"household_bp": 4_999}),
        422,
        "register_body",
        ["/scheme/modes/0/household_bp"],
    ),
    (
        "a mode with a part twice",
        lambda f: moded(f, terms={"parts": ["base", "base"]}),
        422,
        "register_body",
        ["/scheme/modes/0/parts"],
    ),
    (
        "parts that do not sum to the rate",
        lambda f: entrusted(f, household_bp=601),
        422,
        "register_body",
        ["/entitlements/0/household_bp"],
    ),
    ("a rate of nothing", lambda f: entrusted(f, rate_bp=0), 422, "register_body", ["/entitlements/0/rate_bp"]),
    (
        "a collective that is none",
        lambda f: entrusted(f, collective_id=str(f.supplier.id)),
        422,
        "not_collective",
        ["/entitlements/0/collective_id"],
    ),
    (
        "a collective of another county",
        lambda f: entrusted(f, collective_id=str(f.other_collective.id)),
        422,
        "collective_elsewhere",
        ["/entitlements/0/collective_id"],
    ),
    (
        "a household of another village",
        lambda f: listed(f, household_code=f.stranger.code),
        422,
        "not_of_village",
        ["/list/0/household_code"],
    ),
    (
        "a household that left the village",
        lambda f: listed(f, household_code=f.departed.code),
        422,
        "not_of_village",
        ["/list/0/household_code"],
    ),
    # Their decision
    ("a submission of no version", lambda f: submit(f, NOBODY), 404, "not_found", []),
    ("a submission twice", lambda f: submit(f, f.submitted_id), 409, "transition", []),
    ("an approval of a draft", lambda f: decide(f, version=f.drafted_id), 409, "transition", []),
    ("an approval of a register twice", lambda f: decide(f, version=f.approved_id), 409, "transition", []),
    ("a rejection of what is approved", lambda f: decide(f, "rejection", f.approved_id), 409, "transition", []),
    ("an approval without an opinion", lambda f: decide(f, opinion=""), 422, INVALID, ["/opinion"]),
    ("an approval of no version", lambda f: decide(f, version=NOBODY), 404, "not_found", []),
    ("an approval by another county", lambda f: decide(f, desk=f.other_county), 404, "not_found", []),
]
