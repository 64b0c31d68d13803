"""The book is what the facts make it, after whatever history; and what was touched is named."""

from collections.abc import Sequence
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market import money
from market.audit import rules
from market.audit.cash_comparing import compare_bank_lines
from market.audit.doctoring import examine
from market.audit.rules import Difference, TooMuchToVerifyError, Verification
from market.audit.verifying import suppliers_of_the_book, verify, verify_suppliers
from market.benefits.rules import Mechanism
from market.db import Database
from market.errors import NotFoundError
from market.households.models import HouseholdStatusPeriod
from market.households.rules import HouseholdStatus
from market.orders.models import Order
from tests import factories
from tests.audit.history import spoil
from tests.audit.walk import Walk
from tests.story import TODAY, Story, open_channels


@pytest.mark.parametrize("seed", [pytest.param(0, marks=pytest.mark.soak), 1])
def test_a_long_history_verifies_to_the_fen(session: orm.Session, seed: int) -> None:
    open_channels(session)
    walk = Walk(session, seed, consigning=seed % 2 == 1, cutting=True, invoicing=True, annulling=True)
    for _ in range(4):
        for _ in range(20):
            walk.step()
        found = verify(session)
        assert [finding.line() for finding in (*found.findings, *found.notes)] == []
    for _ in range(400):  # which of its deeds are refused hangs on ids, by which fen are allotted
        if len(walk.taken) < 13:
            walk.step()
    assert len(walk.taken) == 13
    assert verify(session).findings == ()
    assert verify(session).transfers > 500
    assert examine(session) == []


def test_a_committed_history_verifies_supplier_by_supplier(owner: orm.Session) -> None:
    parts = list(verify_suppliers(owner, suppliers_of_the_book(owner)))
    whole = verify(owner)
    assert whole.sound
    assert whole == sum([*parts, compare_bank_lines(owner)], start=Verification())
    posted = owner.execute(
        sa.text("SELECT (SELECT count(*) FROM ledger_entries), count(*) FROM ledger_transfers")
    ).one()
    assert (whole.entries, whole.transfers) == tuple(posted)


A_HOUSEHOLDS = """
    (SELECT t.id FROM ledger_transfers t JOIN ledger_accounts a ON a.id = t.credit_account_id
      WHERE a.kind = 'household' AND a.step = '{step}' AND t.amount_fen > 1 ORDER BY t.id LIMIT 1)
"""
ACCRUED, RECOGNISED, CONFIRMED, ADVANCE = (
    A_HOUSEHOLDS.format(step=step) for step in ("accrued", "recognised", "confirmed", "advance")
)


def touched(session: orm.Session, transfer: str) -> tuple[str, object, str, int]:
    row = session.execute(
        sa.text(
            "SELECT e.source, a.owner_id, a.step, t.amount_fen FROM ledger_transfers t"
            " JOIN ledger_entries e ON e.id = t.entry_id JOIN ledger_accounts a ON a.id = t.credit_account_id"
            f" WHERE t.id = {transfer}"
        )
    ).one()
    return tuple(row)


@pytest.mark.parametrize("transfer", [ACCRUED, RECOGNISED, CONFIRMED, ADVANCE])
def test_one_altered_fen_is_named(owner: orm.Session, transfer: str) -> None:
    source, owner_id, step, fen = touched(owner, transfer)
    spoil(owner, f"UPDATE ledger_transfers SET amount_fen = amount_fen - 1 WHERE id = {transfer}")
    (finding,) = verify(owner).findings
    assert (finding.difference, finding.source) == (Difference.AMOUNT, source)
    assert (finding.owner_id, finding.step) == (owner_id, step)
    assert (finding.expected_fen, finding.found_fen) == (fen, fen - 1)
    assert f"{(fen - 1) // 100:,}." in finding.line("zh")


@pytest.mark.parametrize("transfer", [ACCRUED, RECOGNISED, CONFIRMED, ADVANCE])
def test_a_dropped_transfer_is_named(owner: orm.Session, transfer: str) -> None:
    source, owner_id, _, fen = touched(owner, transfer)
    spoil(owner, f"DELETE FROM ledger_transfers WHERE id = {transfer}")
    (finding,) = verify(owner).findings
    assert (finding.difference, finding.source, finding.owner_id) == (Difference.MISSING, source, owner_id)
    assert (finding.expected_fen, finding.found_fen) == (fen, None)


def test_a_transfer_to_another_household_is_named_twice(owner: orm.Session) -> None:
    source, owner_id, _, fen = touched(owner, ACCRUED)
    spoil(
        owner,
        f"""UPDATE ledger_transfers t SET credit_account_id = (
                SELECT o.id FROM ledger_accounts o JOIN ledger_accounts a ON a.id = t.credit_account_id
                 WHERE o.step = a.step AND o.kind = a.kind AND o.counterpart_id = a.counterpart_id AND o.id <> a.id
                 LIMIT 1) WHERE id = {ACCRUED}""",
    )
    found = {finding.difference: finding for finding in verify(owner).findings}
    assert found.keys() == {Difference.MISSING, Difference.UNEXPECTED}
    assert (found[Difference.MISSING].owner_id, found[Difference.MISSING].expected_fen) == (owner_id, fen)
    assert found[Difference.UNEXPECTED].owner_id != owner_id
    assert {finding.source for finding in found.values()} == {source}


@pytest.mark.parametrize(
    "kind", ["acceptance", "recognition:receipt", "return", "disbursement", "confirmation", "distribution", "annulment"]
)
def test_an_entry_that_is_gone_is_named(owner: orm.Session, kind: str) -> None:
    last = f"(SELECT e.source FROM ledger_entries e WHERE e.source LIKE '{kind}:%' ORDER BY recorded_at DESC LIMIT 1)"
    source = owner.scalar(sa.text(f"SELECT {last}"))
    entry = f"(SELECT id FROM ledger_entries WHERE source = {last})"
    spoil(
        owner,
        f"DELETE FROM ledger_transfers WHERE entry_id = {entry}",
        f"DELETE FROM ledger_entries WHERE source = '{source}'",
    )
    findings = verify(owner).findings
    assert findings
    if kind == "confirmation":
        # What was paid and is given on, matched or returned later follows from it, and differs too.
        assert "confirmation" in {finding.source.partition(":")[0] for finding in findings}
    else:
        assert any((finding.source, finding.difference) == (source, Difference.MISSING) for finding in findings)


def forge(source: str) -> str:
    """Return a statement that posts a household's first accrual again under another source, with a later id."""
    later = "CAST(overlay(CAST(gen_random_uuid() AS text) PLACING 'ff' FROM 1) AS uuid)"
    return f"""
        WITH likeness AS (SELECT t.*, {later} AS new_id FROM ledger_transfers t WHERE id = {ACCRUED}),
        e AS (
          INSERT INTO ledger_entries (id, book, source, reason, effective_on, transfer_count, total_fen, facts,
                                      facts_sha256)
          SELECT new_id, book, '{source}', 'accrual', DATE '2026-04-28', 1, amount_fen, '{{}}', '' FROM likeness)
        INSERT INTO ledger_transfers (entry_id, position, effective_on, book, debit_account_id, credit_account_id,
                                      amount_fen, order_line_id, mechanism, contribution_id, assisted)
        SELECT new_id, 0, DATE '2026-04-28', book, debit_account_id, credit_account_id, amount_fen, order_line_id,
               mechanism, contribution_id, assisted FROM likeness
    """


@pytest.mark.parametrize("invented", ["forged", "acceptance:00000000-0000-0000-0000-000000000000", "confirmation:x"])
def test_an_entry_without_a_fact_is_named(owner: orm.Session, invented: str) -> None:
    _, owner_id, _, fen = touched(owner, ACCRUED)
    spoil(owner, forge(invented))
    (finding,) = verify(owner).findings
    assert (finding.difference, finding.source) == (Difference.NO_FACT, invented)
    assert (finding.owner_id, finding.found_fen) == (owner_id, fen)


def test_a_fact_posted_twice_is_named(owner: orm.Session) -> None:
    source, *_, fen = touched(owner, ACCRUED)
    owner.execute(sa.text("ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_source_once"))
    spoil(owner, forge(source))
    (finding,) = verify(owner).findings
    assert (finding.difference, finding.source, finding.found_fen) == (Difference.POSTED_TWICE, source, fen)


def test_a_posting_to_cash_is_named(owner: orm.Session) -> None:
    owner.execute(sa.text("ALTER TABLE ledger_transfers DROP CONSTRAINT transfer_is_of_its_entry"))
    spoil(owner, forge("forged"), "UPDATE ledger_entries SET book = 'cash' WHERE source = 'forged'")
    findings = verify(owner).findings
    assert {finding.difference for finding in findings} == {Difference.NO_FACT}


AN_ACCRUAL = "(SELECT min(source) FROM ledger_entries WHERE reason = 'accrual')"
A_DIVIDEND_PAID = """
    (SELECT t.id FROM ledger_transfers t JOIN ledger_accounts a ON a.id = t.credit_account_id
      WHERE a.kind = 'household' AND a.step = 'disbursed' AND t.mechanism = 'share_dividend' ORDER BY t.id LIMIT 1)
"""
TOUCHES: dict[str, tuple[str, Difference]] = {
    "another day": (
        "UPDATE ledger_entries SET original_effective_on = original_effective_on - 1 WHERE reason = 'return'",
        Difference.DATE,
    ),
    "another reason": (f"UPDATE ledger_entries SET reason = 'gift' WHERE source = {AN_ACCRUAL}", Difference.FACTS),
    "another hash": (
        f"UPDATE ledger_entries SET facts_sha256 = repeat('0', 64) WHERE source = {AN_ACCRUAL}",
        Difference.FACTS_HASH,
    ),
    "another weight": (
        """UPDATE ledger_entries SET facts = jsonb_set(facts, '{weights,share_dividend,0,1}', '999')
            WHERE source = (SELECT min(source) FROM ledger_entries WHERE facts ? 'weights')""",
        Difference.FACTS,
    ),
    "another receipt": (
        """UPDATE receipts SET received_on = received_on + 60, counts_on = counts_on + 60
            WHERE id = (SELECT max(id::text)::uuid FROM receipts)""",
        Difference.DATE,
    ),
    "another sale": (
        """UPDATE acceptance_lines SET accepted_net_fen = accepted_net_fen - 1
            WHERE id = (SELECT id FROM acceptance_lines WHERE accepted_milli > 0 ORDER BY id DESC LIMIT 1)""",
        Difference.SALE,
    ),
    "another day of a sale": ("UPDATE acceptance_lines SET counts_on = counts_on + 1", Difference.DATE),
    "another day of a return": ("UPDATE return_lines SET counts_on = counts_on + 1", Difference.DATE),
    "another return": ("UPDATE return_lines SET net_fen = net_fen + 1 WHERE net_fen > 9", Difference.SALE),
    "another draw": (
        "UPDATE acceptance_lines SET draws = jsonb_set(draws, '{0,1}', '0') WHERE draws #>> '{0,1}' <> '0'",
        Difference.DRAW,
    ),
    "another pin": (
        "UPDATE order_lines SET plan_sha256 = repeat('0', 64) WHERE accepted_milli > 0",
        Difference.PLAN_PIN,
    ),
    "an invoice of what is no produce": (
        f"""UPDATE payments SET invoice_number = '26142000000012345678'
            WHERE id = (SELECT payment_id FROM ledger_transfers WHERE id = {A_DIVIDEND_PAID})""",
        Difference.UNEXPECTED,
    ),
    "another plan hash": ("UPDATE plan_versions SET sha256 = repeat('0', 64)", Difference.PLAN_HASH),
}


@pytest.mark.parametrize("name", TOUCHES)
def test_what_was_touched_is_named(owner: orm.Session, name: str) -> None:
    statement, difference = TOUCHES[name]
    owner.execute(sa.text("ALTER TABLE plan_versions DROP CONSTRAINT plan_versions_hash_is_of_the_bytes"))
    spoil(owner, statement)
    found = verify(owner)
    assert difference in {finding.difference for finding in found.findings}
    assert not found.sound


def test_a_plan_rewritten_with_its_hash_is_named_by_the_lines_that_pin_the_old_one(owner: orm.Session) -> None:
    spoil(
        owner,
        """
        WITH rewritten AS (
          SELECT id, convert_to(replace(convert_from(canonical, 'UTF8'), 'bp":777', 'bp":778'), 'UTF8') AS canonical
            FROM plan_versions WHERE convert_from(canonical, 'UTF8') LIKE '%bp":777%')
        UPDATE plan_versions v
           SET canonical = r.canonical, sha256 = encode(sha256(r.canonical), 'hex'),
               body = convert_from(r.canonical, 'UTF8')::jsonb
          FROM rewritten r WHERE r.id = v.id
        """,
    )
    differences = {finding.difference for finding in verify(owner).findings}
    assert {Difference.PLAN_PIN, Difference.FACTS, Difference.AMOUNT} <= differences
    assert Difference.PLAN_HASH not in differences


def test_a_contribution_added_afterwards_is_named_with_what_it_would_have_got(owner: orm.Session) -> None:
    added = owner.execute(
        sa.text(
            "INSERT INTO contributions (id, lot_id, household_id, mechanism, measure, measured_in, measure_milli,"
            " unit_price_fen, price_unit_milli, amount_fen, delivered_on, evidence, plan_version_id, made_by)"
            " SELECT gen_random_uuid(), lot_id, household_id, mechanism, measure, measured_in, measure_milli, 1, 1000,"
            " 100000, delivered_on, 'forged', plan_version_id, made_by FROM contributions"
            " ORDER BY id LIMIT 1 RETURNING household_id"
        )
    ).scalar_one()
    findings = verify(owner).findings
    missing = [finding for finding in findings if finding.difference is Difference.MISSING]
    assert any(finding.owner_id == added and finding.source.startswith("acceptance:") for finding in missing)


def test_a_confirmation_on_record_that_the_book_lacks_is_named(owner: orm.Session) -> None:
    spoil(
        owner,
        "UPDATE payments SET confirmed_at = now(), confirmed_by = (SELECT id FROM members LIMIT 1)"
        " WHERE confirmed_at IS NULL",
    )
    findings = verify(owner).findings
    assert findings
    assert {finding.source.partition(":")[0] for finding in findings} == {"confirmation"}


def test_a_status_recorded_afterwards_rewrites_nothing_and_is_remarked(session: orm.Session) -> None:
    open_channels(session)
    household = factories.household(session)
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, [(household.id, 1)])])
    factories.enrolment(session, story.supplier, household)
    story.lot(10_000, {household.id: 5_000})
    story.pay(story.sell("4"), 4_000)
    session.add(
        HouseholdStatusPeriod(
            household_id=household.id, valid_from=TODAY.replace(year=2025), status=HouseholdStatus.ORDINARY
        )
    )
    session.flush()
    found = verify(session)
    assert found.sound
    assert {note.owner_id for note in found.notes} == {household.id}
    household.departed_on = TODAY.replace(day=1)
    session.flush()
    assert verify(session).sound


def test_a_status_that_never_was_is_a_difference(owner: orm.Session) -> None:
    spoil(owner, f"UPDATE ledger_transfers SET assisted = NOT assisted WHERE id = {ACCRUED}")
    found = verify(owner)
    assert {finding.difference for finding in found.findings} == {Difference.MISSING, Difference.UNEXPECTED}
    assert found.notes == ()


def test_an_order_and_a_household_are_verified_alone(owner: orm.Session) -> None:
    _, owner_id, _, _ = touched(owner, ACCRUED)
    spoil(owner, f"UPDATE ledger_transfers SET amount_fen = amount_fen - 1 WHERE id = {ACCRUED}")
    (finding,) = verify(owner, household_id=owner_id).findings  # type: ignore[arg-type]
    assert verify(owner, order_id=finding.order_id).findings == (finding,)
    others = owner.scalars(sa.select(Order.id).where(Order.id != finding.order_id)).all()
    assert verify(owner, order_id=others[0]).sound
    assert verify(owner, household_id=factories.household(owner).id) == Verification()


@pytest.mark.parametrize("unknown", ["order_id", "household_id"])
def test_what_does_not_exist_is_not_verified(owner: orm.Session, unknown: str) -> None:
    with pytest.raises(NotFoundError):
        verify(owner, **{unknown: uuid4()})  # type: ignore[arg-type]


def test_a_request_does_not_replay_more_than_it_can(owner: orm.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("market.audit.verifying.MOST_LINES", 5)
    with pytest.raises(TooMuchToVerifyError):
        verify(owner, bounded=True)
    assert verify(owner).sound
    assert rules.MOST_LINES > 5


allocate_fairly = money.allocate


def allocate_always_alike(total_fen: int, shares: Sequence[tuple[str, int]], *, salt: str) -> list[int]:
    return allocate_fairly(total_fen, shares, salt="" if salt else salt)


def test_everything_is_read_as_of_one_moment(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        open_channels(session)
        story = Story(session)
        story.lot(10_000)
        story.sell("1")
    with committed_db.transaction() as reading:
        before = verify(reading)
        with committed_db.transaction() as session:
            story.session = session
            story.sell("1")
        (again,) = verify_suppliers(reading, suppliers_of_the_book(reading))
        assert again == before
    with committed_db.transaction() as reading:
        assert verify(reading).lines == before.lines + 1


def test_attribution_that_breaks_ties_otherwise_is_found_out(
    session: orm.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_channels(session)
    households = [factories.household(session).id for _ in range(7)]
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, [(one, 1) for one in households])])
    story.lot(10_000)
    monkeypatch.setattr(money, "allocate", allocate_always_alike)
    story.sell("1")
    story.sell("2")
    differences = {finding.difference for finding in verify(session).findings}
    assert differences == {Difference.AMOUNT}
