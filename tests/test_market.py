"""The whole market at random: every step, lawful or not, leaves it as an independent model says."""

import os
import secrets
import time
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import clone
from tests.market_deeds import STEPS
from tests.market_machine import play
from tests.market_world import World, build

STEPS_IN_TEST = 2_000
SHARDS, STEPS_IN_SHARD = 10, 5_000
CHANCE = 2026
"""Where `make test` begins, so that it plays the same markets each time."""


@pytest.fixture(scope="module")
def world(server_url: str, template: str) -> Iterator[World]:
    with clone(server_url, template, f"market_world_{os.getpid()}") as url:
        world = build(url)
        yield world
        world.close()


Tell = Callable[[str, object], None]


def play_and_tell(world: World, steps: int, chance: int, tell: Tell) -> None:
    """Play, and tell from which chance, how many steps held, how fast, and how often each was taken."""
    print(f"MARKET_CHANCE={chance} plays this again")  # noqa: T201 - shown with a failure
    begun = time.monotonic()
    fired = play(world, steps=steps, chance=chance)
    pace = fired.total() / (time.monotonic() - begun)
    often = ", ".join(f"{name} {times}" for name, times in fired.most_common())
    tell("figures", f"market: {fired.total()} steps from chance {chance}, {pace:.0f} a second: {often}")
    assert fired.total() >= steps
    assert fired.keys() == STEPS, STEPS - fired.keys()


def test_whatever_happens_in_the_market_leaves_it_sound(world: World, record_property: Tell) -> None:
    play_and_tell(world, STEPS_IN_TEST, CHANCE, record_property)


@pytest.mark.soak
@pytest.mark.parametrize("shard", range(SHARDS))
def test_fifty_thousand_steps_leave_the_market_sound(world: World, shard: int, record_property: Tell) -> None:
    """Other markets each time; with `MARKET_CHANCE` those of a shard that failed."""
    del shard
    chance = int(os.environ.get("MARKET_CHANCE", secrets.randbelow(2**48)))
    play_and_tell(world, STEPS_IN_SHARD, chance, record_property)
