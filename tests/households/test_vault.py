"""Attacks on the cryptography of the vault: whatever is moved, cut, or opened with another key is refused."""

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from market.households import keyfile
from market.households.vault import INDEX_BYTES, DataKey, Keyring, KeyringError, Place, Vault, VaultError, WrappedKey

NAME = "张示例"


@dataclass
class Safe:
    """A vault with the key of one household, and one value sealed by it."""

    vault: Vault
    kept: WrappedKey
    key: DataKey
    place: Place
    ciphertext: bytes


@pytest.fixture
def safe() -> Safe:
    vault = Vault(Keyring.new())
    kept, key = vault.new_key(uuid4(), uuid4())
    place = Place("people", "name", uuid4())
    return Safe(vault, kept, key, place, key.seal(place, NAME))


def test_what_was_sealed_is_opened_in_its_place(safe: Safe) -> None:
    assert safe.vault.open_key(safe.kept).open(safe.place, safe.ciphertext) == NAME
    assert NAME.encode() not in safe.ciphertext


def test_the_same_value_is_never_sealed_twice_alike(safe: Safe) -> None:
    sealed = {safe.key.seal(safe.place, NAME) for _ in range(1_000)}
    assert len({ciphertext[1:13] for ciphertext in sealed}) == 1_000, "each has a nonce of its own"


@pytest.mark.parametrize(
    "moved", [{"table": "households"}, {"column": "phone"}, {"row": UUID(int=7)}], ids=["table", "column", "row"]
)
def test_a_ciphertext_that_was_moved_is_refused(safe: Safe, moved: dict[str, Any]) -> None:
    with pytest.raises(VaultError):
        safe.key.open(safe.place._replace(**moved), safe.ciphertext)


def test_a_ciphertext_of_another_household_is_refused(safe: Safe) -> None:
    _, other = safe.vault.new_key(uuid4(), uuid4())
    with pytest.raises(VaultError):
        other.open(safe.place, safe.ciphertext)


def test_every_flipped_bit_and_every_cut_is_refused(safe: Safe) -> None:
    whole = safe.ciphertext
    flipped = [
        bytes([*whole[:at], whole[at] ^ 1 << bit, *whole[at + 1 :]]) for at in range(len(whole)) for bit in (0, 7)
    ]
    cut = [whole[:length] for length in range(len(whole))]
    for attempt in (*flipped, *cut, whole + b"\x00"):
        with pytest.raises(VaultError):
            safe.key.open(safe.place, attempt)


@pytest.mark.parametrize(
    "changed",
    [{"household_id": uuid4()}, {"key_id": uuid4()}, {"master_version": 2}],
    ids=["another household's", "under another name", "as if of another master key"],
)
def test_a_wrapped_key_that_was_moved_is_refused(safe: Safe, changed: dict[str, Any]) -> None:
    both = Vault(safe.vault.keyring.with_new_master())
    with pytest.raises(VaultError):
        both.open_key(safe.kept._replace(**changed))


def test_without_its_master_key_a_data_key_is_of_no_use(safe: Safe) -> None:
    for stranger in (Keyring.new(), Keyring({2: os.urandom(32)}, os.urandom(32))):
        with pytest.raises(VaultError):
            Vault(stranger).open_key(safe.kept)


def test_a_data_key_is_rewrapped_and_opens_what_it_sealed(safe: Safe) -> None:
    after = Vault(safe.vault.keyring.with_new_master())
    anew = after.rewrap(safe.kept)
    assert anew.master_version == 2
    only_new = Vault(Keyring({2: after.keyring.masters[2]}, after.keyring.index_secret))
    assert only_new.open_key(anew).open(safe.place, safe.ciphertext) == NAME
    with pytest.raises(VaultError, match="master key 1 is not in the keyring"):
        only_new.open_key(safe.kept)


def test_an_index_is_equal_for_equal_values_of_one_column_and_outlives_the_master_keys(safe: Safe) -> None:
    index = safe.vault.blind("people.phone", "13900000001")
    assert len(index) == INDEX_BYTES
    assert index != safe.vault.blind("people.bank_account", "13900000001")
    assert index != safe.vault.blind("people.phone", "13900000002")
    assert index == Vault(safe.vault.keyring.with_new_master()).blind("people.phone", "13900000001")
    assert index != Vault(Keyring.new()).blind("people.phone", "13900000001")


def test_no_error_shows_a_value_or_a_key(safe: Safe) -> None:
    master = base64.b64encode(safe.vault.keyring.masters[1]).decode()
    for text in (f"index:{master} 1:{master} 1:{master}", f"1:{master}", f"index:{master[:-8]} 1:{master}", master, ""):
        with pytest.raises(KeyringError) as refused:
            Keyring.parse(text)
        assert master[:12] not in str(refused.value)
    with pytest.raises(VaultError) as closed:
        safe.key.open(safe.place, safe.ciphertext[:-1])
    assert NAME not in str(closed.value)


def test_a_keyring_is_read_as_it_was_written() -> None:
    keyring = Keyring.new().with_new_master()
    read = Keyring.parse(keyring.written())
    assert (read.masters, read.index_secret, read.newest) == (keyring.masters, keyring.index_secret, 2)
    assert Keyring.parse(" ".join(keyring.written().split())).masters == keyring.masters, "as one line, too"


def test_the_file_of_the_keyring_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "vault.key"
    made = keyfile.read_or_make(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keyfile.read_or_make(path).masters == made.masters, "made once"
    assert [file.name for file in path.parent.iterdir()] == ["vault.key"]
    path.chmod(0o640)
    with pytest.raises(KeyringError, match="chmod 600"):
        keyfile.read(path)
