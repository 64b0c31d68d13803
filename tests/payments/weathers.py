"""Weather for tales of payments: how events are delivered, and when the worker works."""

from random import Random  # noqa: TID251 - a tale is drawn from its seed

from tests.payments.telling import Telling

MOST_WAITING = 60


class Fair:
    """Every event is delivered once and at once, and the worker follows it."""

    def passes(self, telling: Telling, waited: int) -> None:
        """Deliver and work until nothing happens any more."""
        assert waited < 2, "who does the next deed does not know enough although everything is delivered"
        telling.till.later(minutes=1)
        while telling.work() or telling.emulator.deliver():
            pass


class Chaos:
    """Events are lost, doubled, late and mixed up; calls, events and looks at everything come when they come."""

    def __init__(self, seed: int) -> None:
        """Draw how bad it is."""
        self.chance = Random(f"chaos {seed}")  # noqa: S311 - chance, no secret
        self.lost = self.chance.choice((0, 1_000, 5_000, 10_000))
        self.acts = (
            self._mix,
            self._double,
            self._deliver,
            self._deliver,
            self._work,
            self._work,
            self._wait,
            self._look,
        )

    def passes(self, telling: Telling, waited: int) -> None:
        """Let a few things happen; who waits for long looks at everything."""
        for _ in range(self.chance.randrange(4)):
            self.chance.choice(self.acts)(telling)
        if waited >= 3:
            telling.look_at_everything()

    def _mix(self, telling: Telling) -> None:
        deliveries = telling.emulator.deliveries
        deliveries.chaos(self.chance.randrange(2**31), drop=self.lost, duplicate=3_000, late=3_000, days=3)

    def _double(self, telling: Telling) -> None:
        deliveries = telling.emulator.deliveries
        for _ in range(self.chance.randrange(5)):
            if len(deliveries.waiting) < MOST_WAITING:
                deliveries.duplicate()

    def _deliver(self, telling: Telling) -> None:
        telling.emulator.deliver(self.chance.randint(1, 12))

    def _work(self, telling: Telling) -> None:
        telling.work()

    def _wait(self, telling: Telling) -> None:
        telling.till.later(minutes=self.chance.choice((1, 1, 11, 60, 600, 1_440)))

    def _look(self, telling: Telling) -> None:
        telling.look_at_everything()
