"""The register of what the emulator can do: operations, the parameters each one honours, and lists."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.stripe_emulator.refusals import invalid, not_emulated, nothing_called
from tests.stripe_emulator.state import Call, Thing, World

Work = Callable[[Call], Thing]

PAGING = frozenset({"limit", "starting_after", "ending_before", "created"})


@dataclass(frozen=True)
class Operation:
    """How one of Stripe's operations is emulated."""

    work: Work
    honours: frozenset[str]

    def refuse_what_is_ignored(self, given: Thing, path: str) -> None:
        """Refuse a parameter that Stripe takes and this emulator would forget: success would be a lie."""
        for name in given:
            if name not in self.honours:
                raise not_emulated(f"the parameter {name} of {path}")


OPERATIONS: dict[tuple[str, str], Operation] = {}


def emulates(method: str, path: str, honours: str = "") -> Callable[[Work], Work]:
    """Register a function as the work of an operation, with the names of the parameters it heeds."""

    def register(work: Work) -> Work:
        OPERATIONS[method, path] = Operation(work, frozenset({"expand", *honours.split()}))
        return work

    return register


def listed(path: str, kind: str, filters: str = "", **renamed: str) -> None:
    """Register the list of a kind of objects; a filter means the field of its name, or the one it is renamed to."""
    names = filters.split()

    def work(call: Call) -> Thing:
        def fits(thing: Thing) -> bool:
            return all(thing.get(renamed.get(name, name)) == call.given[name] for name in names if name in call.given)

        return page(call, kind, filter(fits, call.world.each(call.account, kind)))

    emulates("get", path, honours=" ".join([*names, *PAGING]))(work)


def retrieved(path: str, kind: str) -> None:
    """Register the reading of one object by its id, the last in the path."""
    name = path[path.rindex("{") + 1 : -1]

    def work(call: Call) -> Thing:
        return call.get(kind, name)

    emulates("get", path)(work)


def page(call: Call, kind: str, things: Iterable[Thing]) -> Thing:
    """Return one page, the newest first, of what is given with the oldest first."""
    told_until = call.world.clock.now() - call.world.settings.lists_lag
    known = [thing for thing in reversed(list(things)) if thing["created"] <= told_until]
    found = [thing for thing in known if _in_window(thing, call.given.get("created"))]
    limit = call.given.get("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("Invalid limit: must be between 1 and 100.", param="limit", code="parameter_invalid_integer")
    if before := call.given.get("ending_before"):
        rest = found[: _place(found, kind, before, "ending_before")]
        data, more = rest[-limit:], len(rest) > limit
    else:
        after = call.given.get("starting_after")
        rest = found[_place(found, kind, after, "starting_after") + 1 :] if after else found
        data, more = rest[:limit], len(rest) > limit
    return {"object": "list", "data": data, "has_more": more, "url": call.path}


def _in_window(thing: Thing, window: Any) -> bool:
    created: int = thing["created"]
    match window:
        case None:
            return True
        case int():
            return created == window
        case _:
            return bool(
                created > window.get("gt", created - 1)
                and created >= window.get("gte", created)
                and created < window.get("lt", created + 1)
                and created <= window.get("lte", created)
            )


def _place(found: list[Thing], kind: str, id_: str, param: str) -> int:
    for place, thing in enumerate(found):
        if thing["id"] == id_:
            return place
    raise nothing_called(kind, id_, param=param)


def expanded(world: World, answer: Thing, paths: Iterable[str]) -> Thing:
    """Return a copy of an answer with objects in the place of the ids that `expand` names."""
    copy = _shown(world, answer)
    for path in paths:
        if path.count(".") > 3:
            raise invalid("You cannot expand more than 4 levels of a property", param="expand")
        _expand(world, copy, path.split("."), path)
    return copy


def _shown(world: World, answer: Thing) -> Thing:
    if answer["object"] == "list":
        return {**answer, "data": [world.shown(each) for each in answer["data"]]}
    return world.shown(answer)


LATER = {"failure_balance_transaction"}
"""What an object has no field for until there is one; to expand nothing is no fault."""


def _expand(world: World, inside: Any, path: list[str], whole: str) -> None:
    name, *rest = path
    for each in inside if isinstance(inside, list) else [inside]:
        if name in LATER and name not in each:
            continue
        if name not in each:
            raise not_emulated(f"the expansion of {whole}")
        if isinstance(each[name], str):
            if each[name] not in world.homes:
                raise invalid(f"This property cannot be expanded ({whole}).", param="expand")
            each[name] = world.shown(world.known(each[name]))
        if rest and each[name] is not None:
            _expand(world, each[name], rest, whole)
