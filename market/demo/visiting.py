"""A member of an organisation who talks to the market over HTTP."""

import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import httpx2

from market.demo.showing import Page, short_name

Json = dict[str, Any]
_TELLING = ("q", "dry_run")
"""What is shown of a query."""
LONGEST_SECONDS, LOOK_SECONDS = 60, 0.2
"""How long the story waits for others, and how often it looks."""
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class UnexpectedAnswerError(RuntimeError):
    """The market answered what the story does not foresee."""

    def __init__(self, request: str, answer: httpx2.Response) -> None:
        """Keep the request's line and the answer's text."""
        super().__init__(f"{request}: {answer.status_code} {answer.text}")


class NotDoneError(RuntimeError):
    """What others were to do was not done while the story waited."""

    def __init__(self, path: str, found: Json | None) -> None:
        """Keep what was read last."""
        super().__init__(f"GET {path}: {found}")


class Visitor:
    """Somebody signed in. Each call raises `UnexpectedAnswerError` unless the status is the one that is foreseen."""

    def __init__(self, http: httpx2.Client, page: Page, login: str, password: str) -> None:
        """Sign in, and ask the market who that is."""
        self._http = http
        self._page = page
        self._token = ""
        self.login = login
        self._token = self.post("/v1/tokens", {"login": login, "password": password}, quietly=True)["token"]
        self.organisation: Json = self.get("/v1/me", quietly=True)["organisation"]

    @property
    def organisation_id(self) -> str:
        """Return the id of the visitor's organisation."""
        return str(self.organisation["id"])

    @property
    def organisation_name(self) -> str:
        """Return the short name of the visitor's organisation."""
        return short_name(str(self.organisation["name"]))

    def get(self, path: str, query: Mapping[str, object] | None = None, *, quietly: bool = False) -> Json:
        """Read."""
        return self._ask("GET", path, query=query, expected=200, quietly=quietly)

    def find(self, path: str) -> Json | None:
        """Read what may not be there."""
        answer = self._send("GET", path)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if answer.status_code != HTTPStatus.OK:
            raise UnexpectedAnswerError(f"GET {path}", answer)
        found: Json = answer.json()
        return found

    def wait(self, path: str, until: Callable[[Json], bool]) -> Json:
        """Read until something that others do is done; raises `NotDoneError` after a minute."""
        ends = monotonic() + LONGEST_SECONDS
        while (found := self.find(path)) is None or not until(found):
            if monotonic() > ends:
                raise NotDoneError(path, found)
            sleep(LOOK_SECONDS)
        return self.get(path)

    def every(self, path: str, query: Mapping[str, object] | None = None) -> Iterator[Json]:
        """Read a list to its end, page by page."""
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = self.get(path, {"limit": 100, **(query or {}), **more}, quietly=True)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def post(self, path: str, body: Json | None = None, *, expected: int = 201, quietly: bool = False) -> Json:
        """Do something, once."""
        return self._ask("POST", path, body=body, expected=expected, quietly=quietly)

    def preview(self, path: str, body: Json) -> Json:
        """Ask what would happen; nothing is written."""
        return self._ask("POST", path, body=body, query={"dry_run": "true"}, expected=200)

    def refused(self, path: str, body: Json | None = None, *, status: int) -> Json:
        """Try what must be refused; return the problem."""
        return self._ask("POST", path, body=body, expected=status)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        expected: int,
        body: Json | None = None,
        query: Mapping[str, object] | None = None,
        quietly: bool = False,
    ) -> Json:
        asked = {name: str(value) for name, value in (query or {}).items()}
        answer = self._send(method, path, asked, body)
        line = f"{method} {_ID.sub('{id}', answer.request.url.path)}"
        if answer.status_code != expected:
            raise UnexpectedAnswerError(line, answer)
        if not quietly:
            shown = "&".join(f"{name}={asked[name]}" for name in _TELLING if name in asked)
            self._page.request(self.login, f"{line}{'?' if shown else ''}{shown}", expected)
        found: Json = answer.json()
        return found

    def _send(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Json | None = None
    ) -> httpx2.Response:
        headers = {"Accept-Language": "zh-CN"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid4())
        return self._http.request(method, path, params=query, json=body, headers=headers)
