"""The sample in the database: all that is promised of it, loaded once, the same every time."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from market.audit.reconciling import reconcile
from market.audit.rules import Reason
from market.clock import utc_now
from market.db import Database
from market.identity import service as identity
from market.identity.models import Organisation
from market.identity.rules import OrganisationKind
from market.seeding.loading import PartialSampleError, load
from market.seeding.people import DEMO_PASSWORD
from market.seeding.reading import read
from market.seeding.timeline import morning
from tests.factories.persons import VAULT
from tests.serving import served

SEED = Path(__file__).parent.parent.parent / "seed"

PROMISED = {
    "cooperatives": ("SELECT count(*) FROM organisations WHERE kind = 'cooperative'", 8),
    "counties of cooperatives": (
        "SELECT count(DISTINCT left(region_code, 6)) FROM organisations WHERE kind = 'cooperative'",
        5,
    ),
    "certified products": (
        "SELECT count(*) FROM products p JOIN certificates c ON c.id = p.certificate_id WHERE p.status = 'listed'",
        40,
    ),
    "batches": ("SELECT count(*) FROM batches", 7),
    "households": ("SELECT count(*) FROM households", 400),
    "villages": ("SELECT count(DISTINCT village_code) FROM households", 20),
    "buyers": ("SELECT count(DISTINCT buyer_id) FROM orders", 12),
    "channels": ("SELECT count(DISTINCT channel_code) FROM orders WHERE accepted_on IS NOT NULL", 7),
    "orders": ("SELECT count(*) FROM orders WHERE placed_on BETWEEN '2024-11-01' AND '2026-10-31'", 300),
    "months with orders": ("SELECT count(DISTINCT date_trunc('month', placed_on)) FROM orders", 24),
    "groups of several suppliers": (
        "SELECT count(*) FROM (SELECT 1 FROM orders GROUP BY group_id HAVING count(*) > 1) groups",
        5,
    ),
    "kinds of ending": ("SELECT count(DISTINCT status) FROM orders", 8),
    "short lines": ("SELECT count(*) FROM acceptance_lines WHERE short_milli > 0", 5),
    "damaged lines": ("SELECT count(*) FROM acceptance_lines WHERE damaged_milli > 0", 5),
    "rejected lines": ("SELECT count(*) FROM acceptance_lines WHERE rejected_milli > 0", 5),
    "resaleable returns": ("SELECT count(*) FROM return_lines WHERE resaleable", 5),
    "spoiled returns": ("SELECT count(*) FROM return_lines WHERE NOT resaleable", 3),
    "returns in several steps": (
        "SELECT count(*) FROM (SELECT 1 FROM returns GROUP BY order_id HAVING count(*) > 2) steps",
        1,
    ),
    "wholly returned lines": ("SELECT count(*) FROM order_lines WHERE returned_milli = accepted_milli", 1),
    "partly paid lines": (
        "SELECT count(*) FROM order_lines WHERE paid_fen BETWEEN 1 AND accepted_fen - returned_fen - 1",
        5,
    ),
    "unpaid lines": ("SELECT count(*) FROM order_lines WHERE accepted_fen > 0 AND paid_fen = 0", 5),
    "transfers that pay several orders": (
        "SELECT count(*) FROM (SELECT 1 FROM receipt_allocations GROUP BY receipt_id HAVING count(*) > 1) joint",
        3,
    ),
    "advances": ("SELECT count(*) FROM payments WHERE contribution_id IS NOT NULL", 50),
    "disbursements": ("SELECT count(*) FROM disbursements", 30),
    "confirmed payments": ("SELECT count(*) FROM payments WHERE confirmed_at IS NOT NULL", 500),
    "unconfirmed payments": ("SELECT count(*) FROM payments WHERE confirmed_at IS NULL", 50),
    "paid collectives": ("SELECT count(DISTINCT collective_id) FROM payments WHERE collective_id IS NOT NULL", 2),
    "top-ups": (
        (
            "SELECT count(*) FROM ledger_transfers t JOIN ledger_accounts a ON a.id = t.credit_account_id"
            " WHERE a.step = 'top_up'"
        ),
        5,
    ),
    "pools in suspense": (
        (
            "SELECT count(*) FROM ledger_transfers t JOIN ledger_accounts a ON a.id = t.credit_account_id"
            " WHERE a.kind = 'suspense'"
        ),
        1,
    ),
    "mechanisms": ("SELECT count(DISTINCT mechanism) FROM ledger_transfers", 4),
    "lots of assisted and ordinary households": (
        (
            "SELECT count(*) FROM (SELECT 1 FROM ledger_transfers t JOIN contributions c ON c.id = t.contribution_id"
            " GROUP BY c.lot_id HAVING count(DISTINCT t.assisted) = 2) mixed"
        ),
        20,
    ),
    "households whose status changed": (
        "SELECT count(*) FROM (SELECT 1 FROM household_statuses GROUP BY household_id HAVING count(*) > 1) changed",
        30,
    ),
    "departed households": ("SELECT count(*) FROM households WHERE departed_on IS NOT NULL", 3),
    "processed lots": (
        "SELECT count(DISTINCT l.id) FROM lots l JOIN lot_inputs i ON i.lot_id = l.id WHERE l.loss_milli > 0",
        10,
    ),
    "mixed lots": ("SELECT count(*) FROM (SELECT 1 FROM lot_inputs GROUP BY lot_id HAVING count(*) > 1) mixed", 1),
    "lapsed certificates": ("SELECT count(*) FROM certificates WHERE valid_to < '2026-10-31'", 5),
    "revoked certificates": ("SELECT count(*) FROM certificates WHERE status = 'revoked'", 1),
    "suspensions lifted": ("SELECT count(*) FROM certificate_changes WHERE event = 'reinstate'", 1),
    "days of alerts": ("SELECT count(DISTINCT days) FROM certificate_alerts", 4),
    "rejected applications": ("SELECT count(*) FROM applications WHERE status = 'rejected'", 3),
    "settled objections": ("SELECT count(*) FROM objections WHERE settled_at IS NOT NULL", 2),
    "open objections": ("SELECT count(*) FROM objections WHERE settled_at IS NULL", 1),
    "settlements that reached their supplier": (
        "SELECT count(*) FROM settlements WHERE status = 'confirmed'",
        4,
    ),
    "settlements that net what is owed": ("SELECT count(*) FROM settlements WHERE netted_fen > 0", 1),
    "settlements that came back": ("SELECT count(*) FROM settlements WHERE status = 'returned'", 1),
    "settlements under way": ("SELECT count(*) FROM settlements WHERE status IN ('approved', 'instructed')", 3),
    "refunds after settlement": (
        (
            "SELECT count(*) FROM refunds r WHERE status = 'succeeded' AND EXISTS (SELECT FROM settlement_items i"
            " JOIN settlements s ON s.id = i.settlement_id"
            " WHERE i.order_id = r.order_id AND s.paid_on < r.succeeded_on)"
        ),
        1,
    ),
    "refunds that came back": ("SELECT count(*) FROM refunds WHERE status = 'rerouted'", 1),
    "lines that two people matched": ("SELECT count(*) FROM matching_proposals WHERE status = 'approved'", 1),
    "lines that wait": ("SELECT count(DISTINCT waiting) FROM bank_lines WHERE open_fen > 0", 2),
    "kinds of registers": ("SELECT count(DISTINCT kind) FROM registers", 3),
    "modes of shares": (
        (
            "SELECT count(DISTINCT row ->> 'mode') FROM register_versions"
            " CROSS JOIN LATERAL jsonb_array_elements(body -> 'shares') AS row WHERE status = 'approved'"
        ),
        5,
    ),
    "kept pools": ("SELECT count(DISTINCT owner_id) FROM ledger_accounts WHERE kind = 'pool'", 1),
    "payments on open lists": (
        (
            "SELECT count(*) FROM pay_list_lines l JOIN pay_lists p ON p.id = l.pay_list_id"
            " WHERE p.status = 'open' AND l.status = 'open'"
        ),
        10,
    ),
    "distributions of a period": ("SELECT count(*) FROM distributions WHERE status = 'approved'", 3),
    "distributions to decide": ("SELECT count(*) FROM distributions WHERE status = 'proposed'", 1),
    "ways of distributing": ("SELECT count(DISTINCT mechanism) FROM distributions", 3),
    "given on and received": ("SELECT count(*) FROM second_distributions WHERE confirmed_at IS NOT NULL", 1),
    "plans simulated on past sales": (
        "SELECT count(DISTINCT plan_version_id) FROM plan_simulations WHERE households_gaining > 0",
        2,
    ),
    "kinds of account items": ("SELECT count(DISTINCT kind) FROM account_items", 15),
    "households with account items": ("SELECT count(DISTINCT household_id) FROM account_items", 430),
    "checked account items": ("SELECT count(*) FROM account_item_checks", 4_000),
    "unchecked account items": (
        "SELECT count(*) FROM account_items i WHERE NOT EXISTS (SELECT FROM account_item_checks WHERE item_id = i.id)",
        5,
    ),
    "households with a confirmed baseline": (
        "SELECT count(DISTINCT household_id) FROM household_baselines WHERE status = 'confirmed'",
        200,
    ),
    "figures with baselines": ("SELECT count(DISTINCT figure) FROM household_baselines", 3),
    "baselines by status": ("SELECT count(DISTINCT status) FROM household_baselines", 3),
    "replaced baselines": ("SELECT count(replaces) FROM household_baselines WHERE status = 'confirmed'", 2),
    "kinds of published figures": ("SELECT count(DISTINCT kind) FROM published_figures", 3),
    "rejected plans": ("SELECT count(*) FROM plan_versions WHERE status = 'rejected'", 1),
}

FANGSHAN, THE_STORYS = "1411281012010001", "1411301032010002"
"""Households: of two with transfers alone; of the demonstration."""

WANG = """
    SELECT count(DISTINCT o.id) AS orders, count(DISTINCT o.channel_code) AS channels,
           count(DISTINCT a.owner_id) AS households, sum(t.amount_fen) AS fen
      FROM lots l
      JOIN contributions c ON c.lot_id = l.id
      JOIN ledger_transfers t ON t.contribution_id = c.id
      JOIN ledger_accounts a ON a.id = t.credit_account_id AND a.kind = 'household' AND a.step = 'accrued'
      JOIN order_lines ol ON ol.id = t.order_line_id
      JOIN orders o ON o.id = ol.order_id
     WHERE l.area_milli_mu = 180000
"""


def rows(db: Database, query: str) -> list[Any]:
    with db.transaction() as session:
        return list(session.execute(sa.text(query)))


def check_promises(db: Database) -> None:
    found = {what: rows(db, query)[0][0] for what, (query, _) in PROMISED.items()}
    assert {what: (count, PROMISED[what][1]) for what, count in found.items() if count < PROMISED[what][1]} == {}


def check_wang_village(db: Database) -> None:
    assert tuple(rows(db, WANG)[0]) == (37, 7, 31, 108_000_000)
    ((gross_fen,),) = rows(db, "SELECT gross_fen FROM baselines")
    assert 108_000_000 - gross_fen == 64_800_000


def check_codes_follow_from_the_files(db: Database) -> None:
    """Numbers that people use are the same every time: they follow from the order of the files alone."""
    sample = read(SEED)
    places: dict[str, int] = defaultdict(int)
    expected = set()
    published = {row["batch"]: (row["county_code"], row["published_on"][:4]) for row in sample.batches}
    for row in sample.applications:
        if row["batch"]:
            places[row["batch"]] += 1
            county, year = published[row["batch"]]
            batch = int(row["batch"].rpartition("-")[2])
            expected.add(f"JC-{county}-{year}-{batch:02d}-{places[row['batch']]:04d}")
    assert {row[0] for row in rows(db, "SELECT number FROM certificates")} == expected
    assert {row[0] for row in rows(db, "SELECT code FROM households")} == {
        row["household"] for row in sample.households
    }
    numbers = [row[0] for row in rows(db, "SELECT number FROM order_groups ORDER BY placed_at, id")]
    assert numbers[0] == "G202411010000001"
    assert [int(number[9:]) for number in numbers] == sorted(int(number[9:]) for number in numbers)


THE_BOOK = "268786ad4eebb2357c0b790e150dafe93701b973225491d02eedeec16ce1e5a5"
"""Of every transfer of the sample; it changes with `seed/`, the rules, and the order in which identifiers are made."""


def check_every_fen(db: Database) -> None:
    ((digest,),) = rows(
        db,
        """
        SELECT encode(sha256(string_agg(concat_ws('|', e.source, e.effective_on, t.position, t.amount_fen), E'\n'
                                        ORDER BY e.source COLLATE "C", t.position)::bytea), 'hex')
          FROM ledger_entries e JOIN ledger_transfers t ON t.entry_id = e.id
        """,
    )
    assert digest == THE_BOOK


def check_custody_is_explained(db: Database) -> None:
    with db.transaction() as session:
        last = session.scalars(sa.text("SELECT max(effective_on) FROM ledger_entries")).one()
        found = reconcile(session, now=morning(last))
    assert found.unexplained_fen == 0
    under_way = {Reason.UNMATCHED, Reason.SETTLEMENT_APPROVED, Reason.SETTLEMENT_SENT, Reason.TO_REFUND}
    assert {each.reason for each in found.breaks} == under_way


@contextmanager
def signed_in(base_url: str, login: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{base_url}/v1", trust_env=False) as http:
        told = http.post("/tokens", json={"login": login, "password": DEMO_PASSWORD}).json()
        http.headers["Authorization"] = f"Bearer {told['token']}"
        yield http


def check_monitoring(db: Database, base_url: str) -> None:
    """The last year of the sample has its lines; some households are below them, and most are above."""
    asked: dict[str, str | int] = {"on": "2026-10-31", "rule": "below_the_line", "limit": 100}
    with signed_in(base_url, "audit.auditor") as auditor:
        told = auditor.get("/monitoring/warnings", params=asked).json()
    assert {alert["figures"]["line_fen"] for alert in told["items"]} == {900_000}
    assert (told["missing_lines"], told["next_cursor"]) == ([], None)
    below = {alert["household_code"] for alert in told["items"]}
    assert 20 <= len(below) <= 60
    assert not below & {FANGSHAN, THE_STORYS}
    counties = "SELECT DISTINCT left(village_code, 6) FROM households"
    assert {code[:6] for code in below} == {row[0] for row in rows(db, counties)}


def check_accounts(base_url: str) -> None:
    """A household of transfers alone, with a gift that counts for nothing; one of all classes, with its increase."""
    with signed_in(base_url, "audit.auditor") as auditor:
        ids = {home["code"]: home["id"] for home in homes(auditor)}
        asked = {"year": "2025", "on": "2026-10-31"}
        poor, other = (
            auditor.get(f"/households/{ids[code]}/account", params=asked).json() for code in (FANGSHAN, THE_STORYS)
        )
    for window in (poor["year"], poor["rolling"]):
        known = window["known"]
        assert (known["gross_fen"], known["net_per_head"]["fen"]) == (2_178_740, 1_089_370)
        assert (known["other_checked_fen"], known["received_fen"], known["accrued_fen"]) == (2_178_740, 0, 0)
        assert {each["no_increase"] for each in window["increases"]} == {"no_baseline_confirmed"}
    assert poor["year"]["known"]["excluded_fen"] == 1_500_000
    classes = other["year"]["known"]["classes"]
    assert {each["income_class"] for each in classes if each["other_fen"]} == {"wage", "operating", "transfer"}
    assert {each["income_class"] for each in classes if each["from_orders_fen"]} == {"operating", "property"}
    for each in other["year"]["increases"]:
        assert each["baseline_fen"] + each["increase_fen"] == each["figure_fen"]


def homes(http: httpx2.Client) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        page = http.get("/households", params={"limit": 100, **cursor}).json()
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def check_published(base_url: str) -> None:
    """Five sales of Qingyang overlap: each is listed, their sum is nowhere, and why is told."""
    with signed_in(base_url, "audit.auditor") as auditor:
        told = auditor.get("/published-figures", params={"limit": 100}).json()
    amounts = [19_000_000_000, 3_984_000_000, 26_000_000_000, 12_000_000_000, 1_565_430_000]
    assert {*amounts} <= {each["amount_fen"] for each in told["items"]}
    assert str(sum(amounts)) not in str(told)
    assert told["why_no_total_zh"]


def check_people(base_url: str) -> None:
    """Who is to be paid is shown masked, told in clear where the household consented, and the reading is logged."""
    why = {"fields": ["name", "bank_account"], "purpose": "payment", "reason": "核对代发清单"}
    with signed_in(base_url, "camellia.manager") as manager:
        homes = {home["household_code"]: home for home in manager.get("/people").json()["items"] if home["people"]}
        asked = [homes[code]["household_id"] for code in ("4510281022010002", "4510281022010013")]
        told, refused = (
            manager.post("/people/reveals", json=why | {"household_ids": [each]}, headers={"Idempotency-Key": each})
            for each in asked
        )
    assert [each["name"] for each in homes["4510281022010002"]["people"]] == ["韦**", "韦**"]
    ((head, _),) = (home["people"] for home in told.json()["households"])
    assert (head["name"], head["bank_account"]) == ("韦样甲", "0000202610310001")
    assert (refused.status_code, refused.json()["code"]) == (409, "consent_missing")
    with signed_in(base_url, "audit.auditor") as auditor:
        assert len(auditor.get("/personal-data-accesses").json()["items"]) == 1


def check_sign_in(db: Database) -> None:
    with db.transaction() as session:
        checked = identity.check_password(session.connection(), login="fushan.clerk", password=DEMO_PASSWORD)
        secret, _ = identity.sign_in(session, checked, now=utc_now(), hours=1)
    assert secret


def test_the_sample_holds_what_is_promised_and_is_loaded_once(seeded_db: Database) -> None:
    check_promises(seeded_db)
    check_wang_village(seeded_db)
    check_codes_follow_from_the_files(seeded_db)
    check_every_fen(seeded_db)
    check_custody_is_explained(seeded_db)
    with served(seeded_db, vault=VAULT) as base_url:
        check_monitoring(seeded_db, base_url)
        check_accounts(base_url)
        check_published(base_url)
        check_people(base_url)
    check_sign_in(seeded_db)

    entries = load(seeded_db, SEED).entries
    again = load(seeded_db, SEED)
    assert not again.loaded
    assert again.entries == entries


def test_a_database_that_holds_a_part_of_the_sample_is_refused_unchanged(db: Database) -> None:
    with db.transaction() as session:
        identity.register_organisation(
            session, kind=OrganisationKind.COOPERATIVE, name="富山专业合作社", region_code="141122", credit_code=None
        )
    with pytest.raises(PartialSampleError):
        load(db, SEED)
    with db.transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Organisation)) == 1


def test_a_refusal_names_the_event_it_refused(db: Database, tmp_path: Path) -> None:
    for path in SEED.glob("*.csv"):
        text = path.read_text(encoding="utf-8")
        if path.stem in {"households", "household_statuses", "enrolments"}:
            text = text.partition("\n")[0]
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    with pytest.raises(KeyError) as refused:
        load(db, tmp_path)
    assert refused.value.__notes__ == ["while loading plan dongpodi version 1 of 2024-08-01"]
