"""The migrations make exactly what the models say, and the guards with them."""

import io
import re
from contextlib import redirect_stdout

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from market.db import APP_ROLE, Base
from market.migrating import configuration
from tests import schema


def test_there_is_one_head() -> None:
    scripts = ScriptDirectory.from_config(configuration("postgresql://nowhere"))
    assert len(scripts.get_heads()) == 1


def test_the_models_and_the_migrations_agree(worker_url: str) -> None:
    with redirect_stdout(io.StringIO()):
        command.check(configuration(worker_url))


LIST = re.compile(r"CHECK \(\(+(\w+)(?:\)::text)? = ANY \(+ARRAY\[([^]]*)\](?:\)::text\[\])?\)\)\)")
LEFT_OUT = {
    ("applications", "base_unit"): {"g", "t", "jin", "liang", "box"},
    ("distributions", "mechanism"): {"consignment", "contracting", "land_rent"},
    ("second_distributions", "status"): {"annulled"},
}
"""What columns do not take of the values that their type has, on purpose."""


def misfitting(url: str) -> set[tuple[str, str]]:
    """Return the columns, by table, whose values in the models are not those that the database takes."""
    checks = "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'"
    taken = {}
    with psycopg.connect(schema.plain(url)) as connection:
        for table, check in connection.execute(checks):
            if found := LIST.fullmatch(check):
                taken[table, found[1]] = set(re.findall(r"'(\w+)'", found[2]))
    enums = {
        (table.name, column.name): set(column.type.enums)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.Enum)
    }
    return {column for column, has in enums.items() if has - LEFT_OUT.get(column, set()) != taken.get(column)}


def test_a_column_takes_what_its_model_has_and_nothing_else(worker_url: str) -> None:
    assert misfitting(worker_url) == set()


def test_a_column_that_no_migration_makes_is_noticed(server_url: str, template: str) -> None:
    name = "market_test_drift"
    with psycopg.connect(schema.plain(server_url), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    url = schema.on_database(server_url, name)
    with psycopg.connect(schema.plain(url), autocommit=True) as connection:
        connection.execute("ALTER TABLE lots DROP COLUMN origin_code")
        connection.execute("ALTER TABLE refunds DROP CONSTRAINT refunds_refundstatus")
    assert misfitting(url) == {("refunds", "status")}
    with pytest.raises(CommandError), redirect_stdout(io.StringIO()):
        command.check(configuration(url))
    with psycopg.connect(schema.plain(server_url), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_application_owns_nothing(session: sa.orm.Session) -> None:
    owned = session.scalars(sa.text(f"SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = '{APP_ROLE}'"))
    assert owned.all() == []


FACTS = (
    "account_items",
    "account_item_checks",
    "monitoring_lines",
    "acceptances",
    "acceptance_lines",
    "bank_results",
    "confirmations",
    "confirmed_payments",
    "contributions",
    "disbursements",
    "vault.evidence_contents",
    "evidence_readings",
    "evidence_uses",
    "evidences",
    "household_statuses",
    "household_head_counts",
    "order_changes",
    "payment_terms",
    "plan_simulations",
    "price_cut_lines",
    "price_evidences",
    "published_figures",
    "receipts",
    "receipt_allocations",
    "return_lines",
    "returns",
    "reviews",
)


@pytest.mark.parametrize("table", FACTS)
@pytest.mark.parametrize("privilege", ["UPDATE", "DELETE", "TRUNCATE"])
def test_a_recorded_fact_is_never_changed(session: sa.orm.Session, table: str, privilege: str) -> None:
    held = session.scalar(sa.text(f"SELECT has_table_privilege('{APP_ROLE}', '{table}', '{privilege}')"))
    assert held is False


def test_a_decided_plan_version_is_never_changed(session: sa.orm.Session) -> None:
    enabled = session.scalar(
        sa.text("SELECT tgenabled FROM pg_trigger WHERE tgname = 'version_stays' AND NOT tgisinternal")
    )
    assert enabled == "A"
