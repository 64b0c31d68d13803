"""Bringing a database to the newest schema, as its owner."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from market.db import APP_ROLE

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def configuration(url: str) -> Config:
    """Return Alembic's configuration for a database, by its owner's URL."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = sa.make_url(url).set(drivername="postgresql+psycopg")
    return config


def migrate(owner_url: str) -> None:
    """Create the application's role where it is missing and run what migrations are due."""
    engine = sa.create_engine(sa.make_url(owner_url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                f"DO $$ BEGIN CREATE ROLE {APP_ROLE} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
                f" GRANT {APP_ROLE} TO CURRENT_USER"
            )
        )
    engine.dispose()
    command.upgrade(configuration(owner_url), "head")


def analyse(owner_url: str) -> None:
    """Tell the planner what the tables hold, after a bulk load; only their owner may."""
    engine = sa.create_engine(sa.make_url(owner_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()
