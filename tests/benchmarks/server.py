"""The server under test: the application, one worker, and a fixed answer of any size beside it."""

import sys

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from market.app import create_app
from market.db import Database
from market.observing import log_as_json


class WithFixedAnswer:
    """Answers `/fixed/<size>` with so many bytes at once, and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/fixed/"):
            await self._app(scope, receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        size = scope["path"].rsplit("/", 1)[1].encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", size)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * int(size)})


def main(url: str, port: str) -> None:
    """Serve on loopback until killed, logging as in use."""
    log_as_json("INFO")
    app = WithFixedAnswer(create_app(Database(url, threads=8)))
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_config=None, access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
