"""Every request leaves one log line, one count and one id, whatever becomes of it."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from market.observing import Observer


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def client(registry: CollectorRegistry) -> Iterator[TestClient]:
    app = FastAPI()
    app.add_middleware(Observer, registry=registry)

    @app.get("/well/{name}")
    def well(name: str) -> PlainTextResponse:
        return PlainTextResponse(name)

    @app.api_route("/ill", methods=["GET", "POST", "PATCH"])
    def ill() -> PlainTextResponse:
        msg = "a secret"
        raise LookupError(msg)

    @app.get("/halfway")
    def halfway() -> StreamingResponse:
        def pieces() -> Iterator[str]:
            yield "begun"
            raise LookupError

        return StreamingResponse(pieces())

    with TestClient(app) as client:
        yield client


def test_an_answer_carries_the_id_under_which_it_is_logged_and_is_counted_by_route(
    client: TestClient, registry: CollectorRegistry
) -> None:
    with capture_logs() as lines:
        first, second = client.get("/well/a"), client.get("/well/b")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert [line["request_id"] for line in lines] == [first.headers["x-request-id"], second.headers["x-request-id"]]
    assert {key: lines[0][key] for key in ("event", "method", "route", "status")} == {
        "event": "request",
        "method": "GET",
        "route": "/well/{name}",
        "status": 200,
    }
    metrics = generate_latest(registry).decode()
    assert 'market_requests_total{method="GET",route="/well/{name}",status="200"} 2.0' in metrics
    assert 'market_request_seconds_count{route="/well/{name}"} 2.0' in metrics


def test_a_failure_is_logged_and_answered_as_a_problem_that_tells_nothing_but_the_id(client: TestClient) -> None:
    with capture_logs() as lines:
        answer = client.get("/ill")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "internal_error"
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == lines[0]["request_id"]
    assert "secret" not in answer.text
    assert [(line["event"], line.get("status")) for line in lines] == [("request_failed", None), ("request", 500)]


@pytest.mark.parametrize(
    ("method", "key", "language", "said"),
    [
        ("GET", None, "en", "The request failed. Ask again."),
        ("GET", "unread", "zh-CN", "请求失败。请重试。"),
        ("POST", "once", "en", "The request failed. Ask again with the same Idempotency-Key."),
        ("POST", "once", "zh-CN", "请求失败。请以相同的 Idempotency-Key 重试。"),
        ("POST", None, "en", "The request failed. Ask again."),
        ("PATCH", None, "zh-CN", "请求失败。请重新读取,再作修改。"),
    ],
)
def test_a_failure_says_how_such_a_request_is_asked_again(
    client: TestClient, method: str, key: str | None, language: str, said: str
) -> None:
    headers = {"Accept-Language": language} | ({"Idempotency-Key": key} if key else {})
    assert client.request(method, "/ill", headers=headers).json()["detail"] == said


def test_a_failure_after_the_answer_has_begun_breaks_it_off(client: TestClient) -> None:
    with capture_logs() as lines, pytest.raises(LookupError):
        client.get("/halfway")
    assert [line["event"] for line in lines] == ["request_failed"]


def test_a_path_nobody_serves_is_counted_as_unmatched(client: TestClient, registry: CollectorRegistry) -> None:
    assert client.get("/nowhere/141122").status_code == 404
    metrics = generate_latest(registry).decode()
    assert 'route="unmatched",status="404"' in metrics
    assert "nowhere" not in metrics
