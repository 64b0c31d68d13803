"""The vault's cryptography: nothing here knows the database, and nothing outside knows a cipher.

A household has one data key. A data key seals each value of its household's people with AES-256-GCM under a random
96-bit nonce; the associated data name the place of the value (table, column, row) and the data key, so that a
ciphertext that is moved, or opened with another key, is refused. Data keys are kept wrapped by a master key in the
same manner. The master keys, and the secret of the blind indexes, are in the keyring, never in the database.

The secret of the indexes is not a master key: rotating master keys changes no index. A column's index key is derived
from it (HKDF-SHA-256), so that equal values of two columns have unequal indexes.

A sealed value is one byte that names the algorithm, the nonce, then ciphertext and tag. A data key seals some dozens of
values, and a master key wraps thousands of data keys: far below the 2^32 of one key with random nonces (NIST SP
800-38D, 8.3).
"""

import base64
import binascii
import hmac
import os
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 12, 16
INDEX_BYTES = 16
"""Of an HMAC-SHA-256: with 128 bits two values never share an index by chance."""
AES_256_GCM = b"\x01"
"""The algorithm of whatever begins with it; national algorithms would get bytes of their own."""
INDEX = "index"


class VaultError(Exception):
    """What is sealed cannot be opened. The message names the place and never the value."""


class KeyringError(Exception):
    """The keyring is not one, or not the one of this database; the message holds no key."""


class Place(NamedTuple):
    """Where a value stands. Names of tables and columns are ours, so no separator can occur in them."""

    table: str
    column: str
    row: UUID

    def associated_data(self, key: str) -> bytes:
        """Return what is authenticated with a value of this place under a key."""
        return f"{self.table}|{self.column}|{self.row}|{key}".encode()


class Keyring:
    """The master keys by version, and the secret of the blind indexes."""

    def __init__(self, masters: Mapping[int, bytes], index_secret: bytes) -> None:
        """Hold the keys; raises `KeyringError` without a master key or for one of another length."""
        if not masters or any(len(key) != KEY_BYTES for key in (*masters.values(), index_secret)):
            raise KeyringError(f"a keyring has an index secret and at least one master key, of {KEY_BYTES} bytes each")
        self.masters, self.index_secret = dict(masters), index_secret

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read `index:<base64> 1:<base64> 2:<base64>`, in any order; raises `KeyringError`, never showing a part."""
        keys: dict[str, bytes] = {}
        for word in text.split():
            name, _, encoded = word.partition(":")
            if name in keys or not re.fullmatch(rf"{INDEX}|[1-9][0-9]{{0,5}}", name):
                raise KeyringError("a keyring reads `index:<base64> 1:<base64>`, each name once")
            try:
                keys[name] = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                raise KeyringError(f"the key {name} is no base64") from None
        index_secret = keys.pop(INDEX, b"")
        return cls({int(version): key for version, key in keys.items()}, index_secret)

    @classmethod
    def new(cls) -> "Keyring":
        """Return a keyring of fresh random keys."""
        return cls({1: os.urandom(KEY_BYTES)}, os.urandom(KEY_BYTES))

    def with_new_master(self) -> "Keyring":
        """Return the keyring with a further master key; the old ones stay until nothing is wrapped by them."""
        return Keyring({**self.masters, self.newest + 1: os.urandom(KEY_BYTES)}, self.index_secret)

    @property
    def newest(self) -> int:
        """Return the version that wraps what is wrapped from now on."""
        return max(self.masters)

    def written(self) -> str:
        """Return the keyring as `parse` reads it: the one text that must be kept secret."""
        keys = [(INDEX, self.index_secret), *((str(version), key) for version, key in sorted(self.masters.items()))]
        return "".join(f"{name}:{base64.b64encode(key).decode()}\n" for name, key in keys)

    def fingerprints(self) -> dict[str, bytes]:
        """Return by what each key is known again; nothing of a key can be computed from it."""
        keys = {INDEX: self.index_secret, **{str(version): key for version, key in self.masters.items()}}
        return {name: derived(key, "fingerprint") for name, key in keys.items()}


class WrappedKey(NamedTuple):
    """A household's data key as the database keeps it."""

    key_id: UUID
    household_id: UUID
    master_version: int
    wrapped: bytes


class DataKey:
    """A household's data key, in memory."""

    def __init__(self, key_id: UUID, key: bytes) -> None:
        """Hold the key; it is shown nowhere."""
        self._name, self._key = str(key_id), AESGCM(key)

    def seal(self, place: Place, value: str) -> bytes:
        """Return a value sealed for its place."""
        return sealed(self._key, value.encode(), place.associated_data(self._name))

    def open(self, place: Place, ciphertext: bytes) -> str:
        """Return the value that was sealed for this place; raises `VaultError` for anything else."""
        return opened(self._key, ciphertext, place.associated_data(self._name), place).decode()


class Vault:
    """What the keyring opens."""

    def __init__(self, keyring: Keyring) -> None:
        """Derive what is derived once."""
        self.keyring = keyring
        self._masters = {version: AESGCM(key) for version, key in keyring.masters.items()}
        self._index_keys: dict[str, bytes] = {}
        self.request_key = derived(keyring.index_secret, "request digests")
        """Keys the digests of requests: a plain hash of a telephone number is found by trying all numbers."""

    def new_key(self, household_id: UUID, key_id: UUID) -> tuple[WrappedKey, DataKey]:
        """Return a fresh data key, and how to keep it."""
        key = os.urandom(KEY_BYTES)
        return self._wrap(household_id, key_id, key), DataKey(key_id, key)

    def open_key(self, kept: WrappedKey) -> DataKey:
        """Return a kept data key; raises `VaultError` if it is another household's, or the master key is not here."""
        return DataKey(kept.key_id, self._unwrapped(kept))

    def rewrap(self, kept: WrappedKey) -> WrappedKey:
        """Return the same data key under the newest master key, opened once more to be sure; raises `VaultError`."""
        key = self._unwrapped(kept)
        anew = self._wrap(kept.household_id, kept.key_id, key)
        if not hmac.compare_digest(self._unwrapped(anew), key):
            raise VaultError(f"the key of household {kept.household_id} did not survive its wrapping")
        return anew

    def blind(self, column: str, normalised: str) -> bytes:
        """Return the blind index of a value: equal for equal values of one column, and nothing else."""
        key = self._index_keys.get(column)
        if key is None:
            key = self._index_keys[column] = derived(self.keyring.index_secret, f"blind index|{column}")
        return hmac.digest(key, normalised.encode(), sha256)[:INDEX_BYTES]

    def _wrap(self, household_id: UUID, key_id: UUID, key: bytes) -> WrappedKey:
        version = self.keyring.newest
        wrapped = sealed(
            self._masters[version], key, _place_of_key(household_id).associated_data(f"{key_id}|{version}")
        )
        return WrappedKey(key_id, household_id, version, wrapped)

    def _unwrapped(self, kept: WrappedKey) -> bytes:
        master = self._masters.get(kept.master_version)
        if master is None:
            raise VaultError(f"master key {kept.master_version} is not in the keyring")
        place = _place_of_key(kept.household_id)
        return opened(master, kept.wrapped, place.associated_data(f"{kept.key_id}|{kept.master_version}"), place)


def _place_of_key(household_id: UUID) -> Place:
    return Place("household_keys", "wrapped", household_id)


def sealed(key: AESGCM, content: bytes, associated_data: bytes) -> bytes:
    """Return the algorithm's byte, a fresh nonce, ciphertext and tag."""
    nonce = os.urandom(NONCE_BYTES)
    return AES_256_GCM + nonce + key.encrypt(nonce, content, AES_256_GCM + associated_data)


def opened(key: AESGCM, content: bytes, associated_data: bytes, place: Place) -> bytes:
    """Return what was sealed with this key and these data; raises `VaultError`."""
    if content[:1] != AES_256_GCM or len(content) < 1 + NONCE_BYTES + TAG_BYTES:
        raise VaultError(f"{place.table}.{place.column} of {place.row} is not sealed by an algorithm known here")
    nonce, ciphertext = content[1 : 1 + NONCE_BYTES], content[1 + NONCE_BYTES :]
    try:
        return key.decrypt(nonce, ciphertext, AES_256_GCM + associated_data)
    except InvalidTag:
        raise VaultError(f"{place.table}.{place.column} of {place.row} cannot be opened") from None


def derived(secret: bytes, purpose: str) -> bytes:
    """Return a key of its own for a purpose (HKDF-SHA-256)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"market vault|{purpose}".encode()).derive(secret)
