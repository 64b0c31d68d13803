"""`market vault-key` and `market rotate-vault-key`: keys are made, added and retired, and nobody's data are lost."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from time import sleep
from warnings import catch_warnings, simplefilter

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from typer.testing import CliRunner, Result

from market.cli import cli
from market.db import Database
from market.households import keys, people
from market.households.models import HouseholdKey, Person
from market.households.rules import PersonalField
from market.households.vault import Keyring, KeyringError, Vault, VaultError
from tests import factories
from tests.conftest import clone

OLD = factories.VAULT.keyring
BOTH = OLD.with_new_master()
NEW = Keyring({2: BOTH.masters[2]}, BOTH.index_secret)
KNOWN = {serial: factories.particulars(serial) for serial in range(3)}
NAMES = sorted(str(known["name"]) for known in KNOWN.values())
UNSET = dict.fromkeys(("MARKET_DATABASE_URL", "MARKET_OWNER_DATABASE_URL", "MARKET_VAULT_KEY", "MARKET_VAULT_KEY_FILE"))


def sealed(database: Database) -> Database:
    """Seal three households' people under the old master key."""
    with database.transaction() as session:
        for known in KNOWN.values():
            factories.person(session, factories.household(session), known=known)
    return database


@pytest.fixture
def register(committed_db: Database) -> Database:
    """A register whose keys may be rotated."""
    return sealed(committed_db)


@pytest.fixture(scope="module")
def untouched(server_url: str, template: str) -> Iterator[Database]:
    """A register that every command leaves as it is."""
    name = f"market_untouched_{os.getpid()}"
    with clone(server_url, template, name) as url, closing(Database(url, threads=2)) as database:
        yield sealed(database)


def market(*command: str, **settings: str) -> Result:
    """Run a command of `market` with these settings and no others of this machine."""
    return CliRunner().invoke(cli, command, env={**UNSET, **settings})


def url_of(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def rotated(database: Database, keyring: Keyring) -> Result:
    return market("rotate-vault-key", MARKET_DATABASE_URL=url_of(database), MARKET_VAULT_KEY=keyring.written())


def names(session: orm.Session, keyring: Keyring) -> list[str]:
    """Return the names of everybody on the register whose data this keyring opens."""
    vault, found = Vault(keyring), []
    rows = sa.select(Person, HouseholdKey).join(HouseholdKey, HouseholdKey.household_id == Person.household_id)
    for person, kept in session.execute(rows):
        try:
            key = keys.opened(vault, kept)
        except VaultError:
            continue
        found.append(people.clear(key, person, frozenset(PersonalField))[PersonalField.NAME])
    return sorted(found)


def versions(session: orm.Session) -> dict[int, int]:
    """Return how many data keys each master key wraps."""
    return dict(Counter(session.scalars(sa.select(HouseholdKey.master_version))))


def test_a_keyring_is_written_to_standard_output_and_is_never_the_same() -> None:
    first, second = (Keyring.parse(market("vault-key").stdout) for _ in range(2))
    assert set(first.masters) == set(second.masters) == {1}
    assert len({first.index_secret, second.index_secret, first.masters[1], second.masters[1]}) == 4


def test_the_embedded_servers_keyring_is_made_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = Keyring.parse(market("vault-key", "--add", MARKET_DATA=str(data)).stdout)
    file = data / "vault.key"
    made = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    second = Keyring.parse(market("vault-key", "--add", MARKET_DATA=str(data)).stdout)
    assert file.read_bytes() == made
    assert first.masters[1] == second.masters[1] == Keyring.parse(made.decode()).masters[1]
    assert first.masters[2] != second.masters[2]


def test_a_master_key_is_added_to_the_keyring_that_is_named_which_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "keyring"
    file.write_text(OLD.written())
    file.chmod(0o600)
    added = Keyring.parse(market("vault-key", "--add", MARKET_VAULT_KEY_FILE=str(file)).stdout)
    assert (added.masters[1], added.index_secret, added.newest) == (OLD.masters[1], OLD.index_secret, 2)
    assert file.read_text() == OLD.written()
    file.chmod(0o644)
    refused = market("vault-key", "--add", MARKET_VAULT_KEY_FILE=str(file))
    assert isinstance(refused.exception, KeyringError)
    assert refused.stdout == ""


@pytest.mark.parametrize("command", [["vault-key", "--add"], ["rotate-vault-key"]])
def test_without_a_keyring_there_is_nothing_to_add_to_or_to_rotate(untouched: Database, command: list[str]) -> None:
    refused = market(*command, MARKET_DATABASE_URL=url_of(untouched))
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "MARKET_VAULT_KEY" in refused.stderr
    with untouched.transaction() as session:
        assert versions(session) == {1: 3}


def test_after_a_rotation_the_new_key_opens_everybody_and_the_old_one_nobody(register: Database) -> None:
    done = rotated(register, BOTH)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("3 keys re-wrapped (重新加密), 3 opened (验证); master keys in use: [2]")
    with register.transaction() as session:
        assert names(session, NEW) == names(session, BOTH) == NAMES
        assert names(session, OLD) == []
    again = rotated(register, NEW)
    assert again.stdout.startswith("0 keys re-wrapped"), "nothing is left to do, and the old key is not needed for it"


@pytest.mark.parametrize(
    "keyring",
    [Keyring.new(), NEW, Keyring({**BOTH.masters, 1: bytes(32)}, BOTH.index_secret)],
    ids=["of another market", "without the old key", "with another old key"],
)
def test_a_wrong_keyring_rotates_nothing(untouched: Database, keyring: Keyring) -> None:
    refused = rotated(untouched, keyring)
    assert isinstance(refused.exception, KeyringError | VaultError)
    assert not any(part in str(refused.exception) for part in keyring.written().split())
    with untouched.transaction() as session:
        assert (versions(session), names(session, OLD)) == ({1: 3}, NAMES)


def test_a_rotation_that_was_killed_goes_on_where_it_was(register: Database) -> None:
    with register.transaction() as session:
        homes = [household.id for household in factories.village(session, keys.REWRAPPED_AT_ONCE)]
        keys.keys_for(session, factories.VAULT, homes, now=datetime(2026, 3, 2, tzinfo=UTC))
    rotation = get_context("fork").Process(target=rotated, args=(register, BOTH))
    last = sa.select(HouseholdKey).order_by(HouseholdKey.household_id.desc()).limit(1).with_for_update()
    with register.transaction() as holding:
        holding.scalars(last).one()
        with catch_warnings():
            simplefilter("ignore", DeprecationWarning)  # the child only runs what is already imported
            rotation.start()
        while _wrapped_anew(register) < keys.REWRAPPED_AT_ONCE:  # then it waits for the key that is held
            assert rotation.is_alive()
            sleep(0.05)
        rotation.kill()
        rotation.join()
    with register.transaction() as session:
        assert versions(session) == {1: 3, 2: keys.REWRAPPED_AT_ONCE}
        assert names(session, BOTH) == NAMES, "halfway both keys open everybody"
    done = rotated(register, BOTH)
    assert done.stdout.startswith("3 keys re-wrapped (重新加密), 503 opened (验证); master keys in use: [2]")
    with register.transaction() as session:
        assert (names(session, NEW), names(session, OLD)) == (NAMES, [])


def _wrapped_anew(database: Database) -> int:
    with database.transaction() as session:
        return versions(session).get(2, 0)
