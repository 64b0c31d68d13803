"""The template database of the tests."""

from hashlib import sha256
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import sql

import market
from market.migrating import MIGRATIONS, migrate


def plain(url: str) -> str:
    """Return the URL as libpq reads it."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def on_database(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


def template(server_url: str) -> str:
    """Create and migrate the template once for all workers; return its name."""
    name = f"market_template_{_digest()}"
    with psycopg.connect(plain(server_url), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(727)")
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not found:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            migrate(on_database(server_url, name))
        connection.execute("SELECT pg_advisory_unlock(727)")
    return name


def _digest() -> str:
    """Name a template after what it is made of, so that a server that stays up never offers a stale one."""
    files = sorted([*MIGRATIONS.rglob("*.py"), *Path(market.__file__).parent.rglob("models.py")])
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
