"""The shortest way to send a request to an application: thousands of them take seconds instead of a minute.

`TestClient` hands each request from thread to thread, which takes longer than answering it. Here one event loop carries
all requests of a batch.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import anyio
from starlette.types import ASGIApp, Message


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status_code: int
    content: bytes

    @property
    def text(self) -> str:
        """Return it as text, as far as it is text."""
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """Return what the text says."""
        return json.loads(self.content)


async def send(
    app: ASGIApp, method: str, path: str, *, params: Mapping[str, str], headers: Mapping[str, str], body: Any = None
) -> Answer:
    """Send one request, with a JSON body unless it is None; bytes are sent as they are."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    named = {"Host": "market", "Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": urlencode(params).encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
        "client": ("127.0.0.1", 1),
        "server": ("market", 80),
        "state": {},
    }
    waiting: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        if not waiting:
            await anyio.sleep_forever()  # the client waits for its answer
        return waiting.pop()

    async def keep(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, keep)
    return Answer(sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]))
