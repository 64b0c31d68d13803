"""The template databases of the tests: an empty market, and one that holds the sample."""

from contextlib import closing
from hashlib import sha256
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import sql

import market
from market.db import Database
from market.migrating import MIGRATIONS, migrate
from market.seeding import loading
from tests.factories.persons import VAULT

SEED = Path(market.__file__).parent.parent / "seed"


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


def seeded(server_url: str, template: str) -> str:
    """Load the sample into a template once for all workers; return its name. One of older code or data is dropped."""
    name = f"market_seeded_{_digest_of_sample()}"
    with psycopg.connect(plain(server_url), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(728)")
        found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'market_seeded_%'").fetchall()
        if (name,) not in found:
            for (old,) in found:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(old)))
            unfinished = sql.Identifier("market_seeded_unfinished")
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(unfinished, sql.Identifier(template)))
            _load(on_database(server_url, "market_seeded_unfinished"))
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(unfinished, sql.Identifier(name)))
        connection.execute("SELECT pg_advisory_unlock(728)")
    return name


def _load(url: str) -> None:
    with closing(Database(url, threads=2)) as database:
        loading.load(database, SEED, vault=VAULT)
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute("ANALYZE")


def _digest_of_sample() -> str:
    code = [*MIGRATIONS.rglob("*.py"), *Path(market.__file__).parent.rglob("*.py")]
    return sha256(b"".join(file.read_bytes() for file in sorted([*code, *SEED.glob("*.csv")]))).hexdigest()[:12]


def _digest() -> str:
    """Name a template after what it is made of, so that a server that stays up never offers a stale one."""
    files = sorted([*MIGRATIONS.rglob("*.py"), *Path(market.__file__).parent.rglob("models.py")])
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
