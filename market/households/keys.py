"""The households' data keys: made when something is first sealed, re-wrapped under a new master key, destroyed."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.clock import business_date
from market.db import new_id
from market.households.models import HouseholdKey, KeyFingerprint
from market.households.rules import HouseholdErasedError
from market.households.vault import DataKey, KeyringError, Vault, WrappedKey

REWRAPPED_AT_ONCE = 500


def check_keyring(session: orm.Session, vault: Vault) -> None:
    """Raise `KeyringError` unless the keyring is the one that this database knows; a key not yet known becomes so.

    Without this, what a server with a wrong keyring seals would be lost, and what it looks up would not be found.
    """
    ours = vault.keyring.fingerprints()
    known = _fingerprints(session)
    if known.keys() >= ours.keys():
        _compare(ours, known)
        return
    rows = [{"name": name, "fingerprint": fingerprint} for name, fingerprint in ours.items()]
    session.execute(postgresql.insert(KeyFingerprint).on_conflict_do_nothing(), rows)
    _compare(ours, _fingerprints(session))


def _fingerprints(session: orm.Session) -> dict[str, bytes]:
    rows = session.execute(sa.select(KeyFingerprint.name, KeyFingerprint.fingerprint))
    return {name: bytes(fingerprint) for name, fingerprint in rows}


def _compare(ours: Mapping[str, bytes], known: Mapping[str, bytes]) -> None:
    for name, fingerprint in ours.items():
        if known[name] != fingerprint:
            raise KeyringError(f"the key {name} is not the one that this database was sealed with")


def keys_for(
    session: orm.Session, vault: Vault, household_ids: Collection[UUID], *, now: datetime
) -> dict[UUID, DataKey]:
    """Return the data keys of locked households, made where they are missing.

    Raises `HouseholdErasedError` where one was destroyed, or `KeyringError`.
    """
    check_keyring(session, vault)
    ids = sa.bindparam("ids", list(household_ids), type_=sa.ARRAY(sa.Uuid))
    kept = session.scalars(sa.select(HouseholdKey).where(HouseholdKey.household_id == sa.any_(ids))).all()
    keys = {row.household_id: opened(vault, row) for row in kept}
    made = []
    for household_id in household_ids:
        if household_id not in keys:
            wrapped, keys[household_id] = vault.new_key(household_id, new_id())
            made.append(wrapped._asdict() | {"made_at": now})
    if made:
        session.execute(sa.insert(HouseholdKey), made)
    return keys


def opened(vault: Vault, kept: HouseholdKey) -> DataKey:
    """Return a data key; raises `HouseholdErasedError` or `VaultError`."""
    if kept.wrapped is None:
        raise HouseholdErasedError(erased_on=business_date(kept.destroyed_at) if kept.destroyed_at else None)
    return vault.open_key(WrappedKey(kept.key_id, kept.household_id, kept.master_version, bytes(kept.wrapped)))


def rewrap_some(session: orm.Session, vault: Vault) -> int:
    """Re-wrap some data keys that an older master key wraps; return how many, 0 when none is left.

    Raises `VaultError` and changes nothing when a key cannot be opened. Each call is one transaction, so that what
    is interrupted goes on where it was; a key that is being made or destroyed meanwhile waits.
    """
    check_keyring(session, vault)
    due = session.scalars(
        sa.select(HouseholdKey)
        .where(HouseholdKey.master_version != vault.keyring.newest, HouseholdKey.wrapped.is_not(None))
        .order_by(HouseholdKey.household_id)
        .limit(REWRAPPED_AT_ONCE)
        .with_for_update()
    ).all()
    for row in due:
        anew = vault.rewrap(WrappedKey(row.key_id, row.household_id, row.master_version, bytes(row.wrapped or b"")))
        row.master_version, row.wrapped = anew.master_version, anew.wrapped
    session.flush()
    return len(due)


def verify(session: orm.Session, vault: Vault) -> tuple[int, list[int]]:
    """Open every data key; return their number and the master keys that wrap any. Raises `VaultError`."""
    kept = session.scalars(sa.select(HouseholdKey).where(HouseholdKey.wrapped.is_not(None)))
    versions = set()
    number = 0
    for row in kept.yield_per(REWRAPPED_AT_ONCE):
        opened(vault, row)
        versions.add(row.master_version)
        number += 1
    return number, sorted(versions)
