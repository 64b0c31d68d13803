"""Alembic's environment: every model of every domain, one lock a session, one transaction a migration."""

import importlib
import pkgutil

import sqlalchemy as sa
from alembic import context

import market
from market.db import Base

for module in pkgutil.walk_packages(market.__path__, "market."):
    if module.name.endswith(".models"):
        importlib.import_module(module.name)


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Look at our two schemas; leave the monthly partitions to the ledger's own function."""
    if kind == "schema":
        return name in {None, "vault"}
    return not (kind == "table" and name is not None and name.startswith("ledger_transfers_"))


LIMITS = ("SET lock_timeout = '4s'", "SET statement_timeout = '60s'")


def _run(connection: sa.Connection | None) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=_is_ours,
        include_schemas=True,
        transaction_per_migration=True,
        dialect_name="postgresql" if connection is None else None,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    for limit in LIMITS:
        print(f"{limit};")  # noqa: T201 - the script goes to standard output
    _run(None)
else:
    engine = sa.create_engine(context.config.attributes["url"], poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in (*LIMITS, "SELECT pg_advisory_lock(727001)"):
            connection.exec_driver_sql(statement)
        connection.commit()
        _run(connection)
    engine.dispose()
