"""The whole market at random: every step, lawful or not, leaves it as an independent model says."""

import os
import secrets
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import clone
from tests.market_machine import Market
from tests.market_world import World, build


@pytest.fixture(scope="module")
def world(server_url: str, template: str) -> Iterator[World]:
    with clone(server_url, template, f"market_world_{os.getpid()}") as url:
        world = build(url)
        yield world
        world.close()


def play(world, *, examples, steps):
    fired = Counter()
    run_state_machine_as_test(lambda: Market(world, fired), settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]))
    return fired

def test_two_thousand_steps(world: World) -> None:
    print(play(world, examples=20, steps=100))
