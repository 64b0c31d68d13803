"""However events arrive - doubled, lost, mixed up, days late - a tale of payments ends as it does in fair weather."""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from market.db import Database
from market.payments import movements, sweeping
from market.payments.gateway import Gateway
from tests.conftest import RolledBackDatabase
from tests.payments.endings import Ending, differences
from tests.payments.stage import Stage
from tests.payments.tales import tale
from tests.payments.telling import Telling, Weather
from tests.payments.weathers import Chaos, Fair

TALES_IN_TEST, TALES_IN_SHARD, SHARDS = 2, 100, 10
STORMS = 5
"""How often each tale is told in chaos, always another; a sequence is one such telling."""

Tell = Callable[[str, object], None]


@pytest.fixture(scope="module")
def stage(worker_db: Database) -> Iterator[Stage]:
    with closing(RolledBackDatabase(worker_db)) as db:
        yield Stage(db)


def told(stage: Stage, seed: int, weather: Weather) -> Ending:
    with stage.told() as cast:
        return Telling(cast, weather).tell(tale(seed))


def compare(stage: Stage, seed: int) -> None:
    """Tell a tale in fair weather and in storms; what is told of a failure tells it again."""
    print(f"MARKET_TALE={seed} tells this again: {tale(seed)}")  # noqa: T201 - shown with a failure
    clean = told(stage, seed, Fair())
    for storm in range(STORMS):
        assert differences(clean, told(stage, seed, Chaos(seed * STORMS + storm))) == [], f"in storm {storm}"


def compare_many(stage: Stage, first: int, tales: int, tell: Tell) -> None:
    begun, spent = time.monotonic(), time.process_time()
    for seed in range(first, first + tales):
        compare(stage, seed)
    took = f"{time.monotonic() - begun:.0f} s, {time.process_time() - spent:.0f} of them of this process"
    tell("figures", f"chaos: {tales * STORMS} sequences of tales from {first} in {took}")


def test_events_in_any_order_lead_to_the_same_end(stage: Stage, record_property: Tell) -> None:
    compare_many(stage, 1, TALES_IN_TEST, record_property)


@pytest.mark.soak
@pytest.mark.parametrize("shard", range(SHARDS))
def test_five_thousand_sequences_lead_to_the_same_end(stage: Stage, shard: int, record_property: Tell) -> None:
    """Other tales each time; `MARKET_TALE` tells one that failed."""
    del shard
    if named := os.environ.get("MARKET_TALE"):
        compare_many(stage, int(named), 1, record_property)
    else:
        compare_many(stage, secrets.randbelow(2**40), TALES_IN_SHARD, record_property)


# What the comparison guards, broken.


def found(stage: Stage, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[pytest.MonkeyPatch], None]) -> bool:
    """Tell whether a market that was spoilt before the storms is found out by one of the first tales."""
    for seed in range(1, 1 + TALES_IN_TEST):
        clean = told(stage, seed, Fair())
        for storm in range(STORMS):
            with monkeypatch.context() as spoilt:
                spoil(spoilt)
                try:
                    if differences(clean, told(stage, seed, Chaos(seed * STORMS + storm))):
                        return True
                except AssertionError:
                    return True
    return False


def believing_what_was_told_first(spoilt: pytest.MonkeyPatch) -> None:
    """Read each payment once, and believe that for ever."""
    read = Gateway.payment
    heard: dict[str, Any] = {}

    def believed(gateway: Gateway, payment_id: str) -> Any:
        return heard.setdefault(payment_id, read(gateway, payment_id))

    spoilt.setattr(Gateway, "payment", believed)


def taking_movements_as_often_as_told(spoilt: pytest.MonkeyPatch) -> None:
    """Take a movement over anew each time that it is told: no key holds it back."""
    take, told_before = movements.take_over, []

    def again(session: Any, account: Any, movement: Any) -> Any:
        told_before.append(movement)
        return take(session, account, movement._replace(id=f"{movement.id} {len(told_before)}"))

    spoilt.setattr(movements, "take_over", again)


def never_looking(spoilt: pytest.MonkeyPatch) -> None:
    """Hear of the provider by events and answers alone."""
    spoilt.setattr(sweeping, "sweep", lambda *_, **__: 0)


@pytest.mark.parametrize("spoil", [believing_what_was_told_first, taking_movements_as_often_as_told, never_looking])
def test_a_market_that_minds_how_events_arrive_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[pytest.MonkeyPatch], None]
) -> None:
    assert found(stage, monkeypatch, spoil)
