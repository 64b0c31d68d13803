"""What a request of the matrix is: who asks about a thing of which place, and how the request is put together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from market.db import Database
from market.payments.gateway import Gateway
from tests.access.place import Place


@dataclass(frozen=True)
class Asked:
    """Who asks, about a thing of which place; the places are those of one's own and of the thing."""

    role: str
    home: Place
    place: Place


@dataclass(frozen=True)
class Ask:
    """A request. `thing` is what it is about; a list shows the things of which it `lists` the ids."""

    thing: Callable[[Asked], str] = lambda _: ""
    body: Callable[[Asked], Any] | None = None
    path: Callable[[Asked], str] | None = None
    """What stands in the path, when that is not the thing."""
    params: Callable[[Asked], Mapping[str, str]] = lambda _: {}
    version: int | None = None
    lists: Callable[[Any], set[str]] | None = None
    headers: Callable[[Asked], Mapping[str, str]] = lambda _: {}
    before: Callable[[Database, Gateway, Asked], None] | None = None
    """What happens before this request, and is forgotten with it."""


def item(name: str = "id") -> Callable[[Any], set[str]]:
    """Return the ids under this name in a page."""
    return lambda answer: {row[name] for row in answer.json()["items"]}


def thing(name: str) -> Callable[[Asked], str]:
    """Return what the place has under this name."""
    return lambda asked: str(getattr(asked.place, name))


def said(**fields: Any) -> Callable[[Asked], Any]:
    """Return a body that is the same for everybody."""
    return lambda _: fields
