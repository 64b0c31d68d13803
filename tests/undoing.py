"""Transactions that are undone, without what psycopg does about them.

It prepares each SAVEPOINT by its name, which pushes statements out that are asked again, and forgets at every ROLLBACK
all that it has prepared, lest a table be another afterwards: a test of ten requests would prepare everything ten times.
"""

import psycopg
import sqlalchemy as sa
from psycopg.pq import ExecStatus

STATEMENTS = 1_000
"""How many a connection keeps prepared; the market asks some hundred."""


def begin(connection: sa.Connection) -> sa.RootTransaction:
    """Begin what `undo` will undo."""
    sa.event.listen(connection.engine, "do_execute", _past_psycopg)
    driver_of(connection).prepared_max = STATEMENTS
    outer = connection.begin()
    connection.exec_driver_sql("SELECT 1")  # psycopg begins with the first that it is asked
    return outer


def undo(connection: sa.Connection, outer: sa.RootTransaction) -> None:
    """Roll back, and keep what is prepared."""
    driver_of(connection).pgconn.exec_(b"ROLLBACK")
    outer.rollback()


def driver_of(connection: sa.Connection) -> psycopg.Connection:
    """Return the driver's connection."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _past_psycopg(cursor: psycopg.Cursor, statement: str, _parameters: object, _context: object) -> bool:
    if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK TO")):
        return False
    return cursor.connection.pgconn.exec_(statement.encode()).status == ExecStatus.COMMAND_OK
