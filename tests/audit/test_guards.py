"""The guards of the database and the rights of the application: stated whole, and each that falls or is added named."""

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.audit import guards
from market.audit.doctoring import examine

TABLES = """
    SELECT c.oid, concat(n.nspname, '.', c.relname) AS name, c.relkind
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT c.relispartition
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
"""
STANDING = f"""
    SELECT t.name, replace(pg_get_triggerdef(g.oid), concat(' ON ', t.name, ' '), ' ON {{}} ')
      FROM pg_trigger g JOIN ({TABLES}) t ON t.oid = g.tgrelid
     WHERE NOT g.tgisinternal AND g.tgenabled = 'A'
"""
CALLED = """
    SELECT DISTINCT p.oid::regproc::text, encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex')
      FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid WHERE NOT g.tgisinternal
"""
GRANTED = f"""
    SELECT t.name, t.relkind = 'S', x.privilege_type, ''
      FROM ({TABLES}) t JOIN pg_class c ON c.oid = t.oid CROSS JOIN LATERAL aclexplode(c.relacl) x
     WHERE x.grantee IN (0, 'market_app'::regrole)
     UNION ALL
    SELECT t.name, false, x.privilege_type, a.attname
      FROM ({TABLES}) t JOIN pg_attribute a ON a.attrelid = t.oid CROSS JOIN LATERAL aclexplode(a.attacl) x
     WHERE x.grantee IN (0, 'market_app'::regrole)
"""


def named(session: orm.Session, *statements: str) -> set[str]:
    for statement in statements:
        session.execute(sa.text(statement))
    return {symptom.invariant for symptom in examine(session)}


def test_the_guards_stated_are_those_of_the_migrations(session: orm.Session) -> None:
    standing = {(name, definition) for name, definition in session.execute(sa.text(STANDING))}
    assert standing == {(name, definition) for name, stated in guards.GUARDS.items() for definition in stated}
    assert {tuple(row) for row in session.execute(sa.text(CALLED))} == {*guards.GUARDING.items()}


def test_the_rights_stated_are_those_that_the_migrations_grant(session: orm.Session) -> None:
    tables = session.execute(sa.text(f"SELECT name, relkind = 'S' FROM ({TABLES}) t")).all()
    stated = set()
    for name, is_sequence in tables:
        if is_sequence:
            stated |= {(name, True, "USAGE", "")} if name not in guards.OWNERS_SEQUENCES else set()
        elif name not in guards.OWNERS_ALONE:
            stated.add((name, False, "SELECT", ""))
            stated |= {(name, False, "INSERT", "")} if name not in guards.READ_ALONE else set()
    stated |= {(name, False, "DELETE", "") for name in guards.DELETED}
    stated |= {(name, False, "UPDATE", "") for name in guards.CHANGED_WHOLE}
    stated |= {(name, False, "UPDATE", column) for name, columns in guards.CHANGED.items() for column in columns}
    assert {tuple(row) for row in session.execute(sa.text(GRANTED))} == stated


STATED = [
    (table, definition.partition(" TRIGGER ")[2].partition(" ")[0])
    for table, stated in guards.GUARDS.items()
    for definition in stated
]


@pytest.mark.parametrize(("table", "guard"), STATED)
def test_a_guard_that_is_off_is_named(owner: orm.Session, table: str, guard: str) -> None:
    assert named(owner, f"ALTER TABLE {table} DISABLE TRIGGER {guard}") == {"guards_stand"}


FALLEN = {
    "it is gone": ("DROP TRIGGER refuse_change ON ledger_entries",),
    "it sleeps in a replica": ("ALTER TABLE ledger_accounts ENABLE TRIGGER refuse_truncate",),
    "a month may be emptied": ("DROP TRIGGER refuse_truncate ON ledger_transfers_202603",),
    "a month may be changed": ("ALTER TABLE ledger_transfers_202603 DISABLE TRIGGER refuse_change",),
    "it guards against less": (
        "DROP TRIGGER refuse_change ON proxy_acts",
        (
            "CREATE TRIGGER refuse_change BEFORE DELETE ON proxy_acts FOR EACH ROW"
            " EXECUTE FUNCTION households_refuse_change()"
        ),
        "ALTER TABLE proxy_acts ENABLE ALWAYS TRIGGER refuse_change",
    ),
    "it lets all pass": (
        "CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    ),
    "another stands before it": (
        (
            "CREATE TRIGGER a_stranger BEFORE UPDATE ON payments FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        ),
        "ALTER TABLE payments ENABLE ALWAYS TRIGGER a_stranger",
    ),
}


@pytest.mark.parametrize("statements", FALLEN.values(), ids=FALLEN.keys())
def test_a_guard_that_fell_is_named(owner: orm.Session, statements: tuple[str, ...]) -> None:
    assert named(owner, *statements) == {"guards_stand"}


RIGHTS = {
    "it may change transfers": ("GRANT UPDATE ON ledger_transfers TO market_app",),
    "it may change one column": ("GRANT UPDATE (reason) ON ledger_entries TO market_app",),
    "it may delete": ("GRANT DELETE ON ledger_accounts TO market_app",),
    "it may empty a month": ("GRANT TRUNCATE ON ledger_transfers_202603 TO market_app",),
    "it may write into a month": ("GRANT INSERT ON ledger_transfers_202603 TO market_app",),
    "it may change sums": ("GRANT UPDATE (accrued_fen) ON report_rollups TO market_app",),
    "it may write sums": ("GRANT INSERT ON report_rollups TO market_app",),
    "it may change what was paid": ("GRANT UPDATE ON disbursements TO market_app",),
    "it may change what was given": ("GRANT UPDATE (amount_fen) ON contributions TO market_app",),
    "it may delete from a list": ("GRANT DELETE ON distribution_items TO market_app",),
    "it may change one column more": ("GRANT UPDATE (amount_fen) ON settlements TO market_app",),
    "it may delete what it may change": ("GRANT DELETE ON payments TO market_app",),
    "it may delete keys": ("GRANT DELETE ON vault.household_keys TO market_app",),
    "everybody may empty a table": ("GRANT TRUNCATE ON receipts TO PUBLIC",),
    "it may add triggers": ("GRANT TRIGGER ON bank_lines TO market_app",),
    "it may write rules": ("GRANT INSERT ON scheme_rules TO market_app",),
    "it may say which migrations ran": ("GRANT INSERT ON alembic_version TO market_app",),
    "it may set a number back": ("GRANT UPDATE ON SEQUENCE order_numbers TO market_app",),
    "it may create tables": ("GRANT CREATE ON SCHEMA vault TO market_app",),
    "it owns a table": (
        "GRANT CREATE ON SCHEMA public TO market_app",
        "ALTER TABLE households OWNER TO market_app",
        "REVOKE CREATE ON SCHEMA public FROM market_app",
    ),
    "it owns a function": (
        "GRANT CREATE ON SCHEMA public TO market_app",
        "ALTER FUNCTION next_order_number OWNER TO market_app",
        "REVOKE CREATE ON SCHEMA public FROM market_app",
    ),
}


@pytest.mark.parametrize("statements", RIGHTS.values(), ids=RIGHTS.keys())
def test_a_right_too_many_is_named(owner: orm.Session, statements: tuple[str, ...]) -> None:
    assert named(owner, *statements) == {"application_owns_nothing"}
