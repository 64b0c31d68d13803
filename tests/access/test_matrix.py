"""Who may do what, to whose: every route x every role x how far away the thing lies, against a table written by hand.

`matrix.csv` is that table, for an officer to read and check. A cell says how far a role reaches: `self`, its `own`
organisation, its `village`, `township` or `county`, or `all`; `yes` where the request concerns nobody's thing, `-`
where the role may not ask at all, `nothing` where it may ask and finds nothing. What lies beyond is not found, or is
refused as the column `beyond` says.
"""

import asyncio
import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
import time_machine
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from market.app import create_app
from market.db import Database
from market.identity import rules
from market.identity.access import Requirement, marker_of
from market.identity.limiting import SignInLimits
from market.identity.rules import Permission, Role, Scope
from market.lots import queries as lots
from market.lots.models import Lot
from market.payments.gateway import Gateway
from tests import factories
from tests.access.ask import Ask, Asked
from tests.access.asking import ASKS
from tests.access.online import SECRET
from tests.access.place import PLACES
from tests.access.places import NOWHERE, Market
from tests.access.wire import Answer, send
from tests.conftest import RolledBackDatabase, clone
from tests.story import NOON
from tests.stripe_emulator.server import running

NOBODY = "nobody"
PEOPLE = [NOBODY, *Role]
DISTANCES = ["self", *PLACES]
REACHES = {"nothing": 0, "self": 1, "own": 2, "village": 3, "township": 4, "county": 5, "all": 6}
"""How many of the distances each word covers."""
PAGE = 20


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    method: str
    path: str
    of: str
    beyond: str
    cells: dict[str, str]

    @property
    def name(self) -> str:
        """Return what `ASKS` calls it."""
        return f"{self.method} {self.path} {self.of}".rstrip()

    @property
    def may_ask(self) -> set[str]:
        """Return those whom the route's permission lets in, whatever they ask about."""
        return {person for person, cell in self.cells.items() if cell != "-"}

    def in_turn(self, people: Iterable[str]) -> str:
        """Return one of those who must all get the same answer: another one from line to line."""
        among = [person for person in Role if person in people]
        return among[len(self.name) % len(among)] if among else NOBODY


def table() -> list[Line]:
    with (Path(__file__).parent / "matrix.csv").open(encoding="utf-8", newline="") as file:
        return [
            Line(
                row["method"],
                row["path"],
                row["of"],
                row["beyond"] or "not_found",
                {person: row[person] for person in PEOPLE},
            )
            for row in csv.DictReader(file)
        ]


LINES = table()


class Visit:
    """The market, open to everybody's requests; none leaves a trace."""

    everywhere = False
    """Whether everybody is asked for, and at every distance."""

    def __init__(self, db: RolledBackDatabase, market: Market, gateway: Gateway) -> None:
        """Open the application."""
        self.db, self.market, self.gateway = db, market, gateway
        self._app = create_app(db, vault=factories.VAULT, gateway=gateway)
        self.cells = 0

    def faults_of(self, line: Line) -> list[str]:
        """Send the line's requests for everybody; return where the answer is not what the table says."""
        return asyncio.run(self._faults_of(line, ASKS[line.name]))

    async def _faults_of(self, line: Line, ask: Ask) -> list[str]:
        faults: list[str] = []
        for person in self._asked_for(line):
            self._app.state.sign_ins = SignInLimits()  # of which a table full of people would use up too many
            if ask.lists is not None and line.cells[person] != "-":
                faults += await self._faults_of_list(line, ask, person)
            else:
                faults += [
                    fault
                    for distance in self._asked_at(line, person)
                    if (fault := await self._fault_of_request(line, ask, person, distance))
                ]
        return faults

    def _asked_for(self, line: Line) -> list[str]:
        """Return who asks: nobody, one of those who are refused or of those for whom it is public, and who reaches it.

        Whom the permission lets in is compared without asking (`unlike_the_permissions`).
        """
        if self.everywhere:
            return PEOPLE
        same = line.may_ask if NOBODY in line.may_ask else {*PEOPLE} - line.may_ask
        asked = {NOBODY, line.in_turn(same)} | ({*PEOPLE} - same)
        return [person for person in PEOPLE if person in asked]

    async def _fault_of_request(self, line: Line, ask: Ask, person: str, distance: str) -> str | None:
        self.cells += 1
        cell = line.cells[person]
        answer = await self._send(line, ask, self._asked(person, distance))
        said = "through" if answer.status_code < 300 else answer.json()["code"]
        if said in self._expected(line, cell, person, distance):
            return None
        return f"{line.name}: {person}, {distance} (table: {cell}): {answer.status_code} {answer.text[:300]}"

    @staticmethod
    def _expected(line: Line, cell: str, person: str, distance: str) -> set[str]:
        if cell == "-":
            return {"unauthenticated" if person == NOBODY else "forbidden"}
        if cell == "yes" or distance in DISTANCES[: REACHES[cell]]:
            return {"through"}
        return {line.beyond, "not_found"} if distance == "absent" else {line.beyond}

    async def _faults_of_list(self, line: Line, ask: Ask, person: str) -> list[str]:
        seen = await self._listed(line, ask, person)
        faults = []
        for distance in self._distances(line, person)[:-1]:
            self.cells += 1
            reached = distance in DISTANCES[: REACHES[line.cells[person]]]
            if (ask.thing(self._asked(person, distance)) in seen) is not reached:
                faults.append(f"{line.name}: {person}, {distance} (table: {line.cells[person]}): listed {not reached}")
        return faults

    async def _listed(self, line: Line, ask: Ask, person: str) -> set[str]:
        """Return what the list shows on all of its pages."""
        assert ask.lists is not None
        asked = self._asked(person, "own")
        paged = ask.path is None
        seen: set[str] = set()
        cursor = None
        while True:
            params = {"limit": str(PAGE)} | ({"cursor": cursor} if cursor else {}) if paged else {}
            answer = await self._send(line, ask, asked, **params)
            assert answer.status_code == 200, f"{line.name}: {person}: {answer.text}"
            seen |= ask.lists(answer)
            cursor = answer.json()["next_cursor"] if paged else None
            if cursor is None:
                return seen

    @staticmethod
    def _distances(line: Line, person: str) -> list[str]:
        """Return how far away the thing may lie; only keys are a person's own, and some requests are about nothing.

        Who may not ask at all is refused before anything is looked up: the nearest shows it.
        """
        if not line.of:
            return ["own"]
        if line.cells[person] == "-":
            return ["own"]
        return [*(DISTANCES if "key" in line.of else PLACES), "absent"]

    def _asked_at(self, line: Line, person: str) -> list[str]:
        """Return where to ask: everywhere, or at the last reached and the next; one asks for what is not there."""
        distances = self._distances(line, person)
        if self.everywhere or len(distances) == 1:
            return distances
        *places, absent = distances
        reached = sum(place in DISTANCES[: REACHES.get(line.cells[person], 0)] for place in places)
        nowhere = [absent] if person == line.in_turn(line.may_ask) else []
        return [*places[max(reached - 1, 0) : reached + 1], *nowhere]

    def _asked(self, person: str, distance: str) -> Asked:
        home = self.market.places["own"]
        place = NOWHERE if distance == "absent" else self.market.places.get(distance, home)
        if person in self.market.keys and distance in ("self", "own"):
            place = replace(place, key=self.market.keys[person][distance == "own"])
        return Asked(person, home, place)

    async def _send(self, line: Line, ask: Ask, asked: Asked, **params: str) -> Answer:
        """Send one request, and forget what it did."""
        headers = {"Idempotency-Key": uuid4().hex, **ask.headers(asked)}
        if asked.role != NOBODY:
            headers["Authorization"] = f"Bearer {self.market.tokens[asked.role]}"
        if ask.version is not None:
            headers["If-Match"] = f'"{ask.version}"'
        inside = (ask.path or ask.thing)(asked)
        head, _, tail = line.path.partition("{")
        path = head + inside + tail.partition("}")[2] if tail else line.path + (inside if ask.path else "")
        changes = line.method != "GET" or ask.before is not None
        with self.db.connection.begin_nested() if changes else nullcontext() as savepoint:
            if ask.before is not None:
                ask.before(self.db, self.gateway, asked)
            answer = await send(
                self._app,
                line.method,
                path,
                params={**ask.params(asked), **params},
                headers=headers,
                body=ask.body(asked) if ask.body else None,
            )
            if savepoint is not None:
                savepoint.rollback()
        return answer


@pytest.fixture(scope="module")
def visit(server_url: str, template: str) -> Iterator[Visit]:
    with clone(server_url, template, f"market_matrix_{os.getpid()}") as url:
        database = Database(url, threads=1)
        rolled_back = RolledBackDatabase(database)
        with (
            time_machine.travel(NOON, tick=False),
            running() as emulator,
            closing(Gateway(emulator.key, webhook_secret=SECRET, base_url=emulator.url)) as gateway,
            rolled_back.transaction() as session,
        ):
            yield Visit(rolled_back, Market(session), gateway)
        rolled_back.close()
        database.close()


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_everybody_reaches_what_the_table_says_and_nothing_else(visit: Visit, line: Line) -> None:
    faults = visit.faults_of(line)
    assert not faults, "\n".join(faults)


@pytest.mark.soak
@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_nobody_at_all_reaches_anything_else_at_any_distance(
    visit: Visit, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visit, "everywhere", True)
    faults = visit.faults_of(line)
    assert not faults, "\n".join(faults)


def unlike_the_permissions(lines: list[Line], app: FastAPI) -> set[str]:
    """Return the lines that let in others than the permission does which their route declares."""
    let_in = {
        (method, str(route.path)): {*rules.POLICY[marker.permission]} if isinstance(marker, Requirement) else {*PEOPLE}
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute)
        for marker in [marker_of(route)]
        for method in route.methods or ()
    }
    return {line.name for line in lines if line.may_ask != let_in.get((line.method, line.path), {*PEOPLE})}


def test_the_table_lets_in_whom_the_permission_of_each_route_lets_in(db: Database) -> None:
    assert unlike_the_permissions(LINES, create_app(db)) == set()


def routes(app: FastAPI) -> set[tuple[str, str]]:
    """Return the method and path of every route; what is mounted is only read."""
    return {
        (method, str(route.path))
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or {"GET"}) - {"HEAD"}
    }


def uncovered(lines: list[Line], app: FastAPI) -> set[tuple[str, str]]:
    """Return the routes that no line is about, and the lines that are about no route."""
    return {(line.method, line.path) for line in lines} ^ routes(app)


def test_the_table_covers_every_route_and_every_role(db: Database) -> None:
    assert uncovered(LINES, create_app(db)) == set()
    assert {line.name for line in LINES} == ASKS.keys()
    assert len({line.name for line in LINES}) == len(LINES)
    for line in LINES:
        words = {"-", *REACHES} if line.of else {"-", "yes"}
        assert set(line.cells.values()) <= words, line.name


def test_a_route_without_a_line_is_seen(db: Database) -> None:
    assert uncovered(LINES[1:], create_app(db)) == {(LINES[0].method, LINES[0].path)}


def line_of(name: str) -> Line:
    (line,) = [line for line in LINES if line.name == name]
    return line


def grant(monkeypatch: pytest.MonkeyPatch, permission: Permission, role: Role, scope: Scope) -> None:
    """Write into the permission table what is not to be there."""
    granted = {**rules.POLICY[permission], role: scope}
    monkeypatch.setattr(rules, "POLICY", {**rules.POLICY, permission: granted})


def test_a_permission_granted_too_widely_is_seen(visit: Visit, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "POST /v1/plan-versions/{version_id}/approval submitted version"
    grant(monkeypatch, Permission.PLAN_APPROVE, Role.TRADE_REVIEWER, Scope.REGION)
    assert name in unlike_the_permissions(LINES, create_app(db))
    monkeypatch.setattr(visit, "everywhere", True)
    faults = visit.faults_of(line_of(name))
    assert faults
    assert all("trade_reviewer" in fault for fault in faults)


def test_a_reach_that_is_too_wide_is_seen(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    grant(monkeypatch, Permission.ORDER_READ, Role.FINANCE_OFFICER, Scope.ALL)
    for name in ("GET /v1/orders orders", "GET /v1/orders/{order_id} paid order"):
        (fault,) = visit.faults_of(line_of(name))
        assert "finance_officer, elsewhere" in fault


def test_a_view_that_forgets_whose_things_they_are_is_seen(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lots, "visible_lots", lambda _: sa.select(Lot))
    faults = visit.faults_of(line_of("GET /v1/lots/{lot_id} open lot"))
    assert any("supplier_clerk, village" in fault for fault in faults)
    assert any("county_reviewer, elsewhere" in fault for fault in faults)
