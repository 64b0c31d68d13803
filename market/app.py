"""The composition root: one FastAPI application over one database."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from anyio import to_thread
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from market import openapi
from market.annulments import endpoints as annulments_endpoints
from market.attribution import confirmation_endpoints, pay_list_endpoints, reversal_endpoints
from market.attribution import endpoints as attribution_endpoints
from market.attribution.code_limits import CodeTrials
from market.attribution.evidence import MOST_FILE_BYTES
from market.audit import endpoints as audit_endpoints
from market.audit import oddity_endpoints, reconciliation_endpoints
from market.banking import endpoints as banking_endpoints
from market.benefits import endpoints as benefits_endpoints
from market.benefits import register_endpoints
from market.cash import endpoints as cash_endpoints
from market.catalog import endpoints as catalog_endpoints
from market.certification import endpoints as certification_endpoints
from market.channels import endpoints as channels_endpoints
from market.db import Database
from market.distributions import endpoints as distributions_endpoints
from market.distributions import simulation_endpoints
from market.households import consent_endpoints, import_endpoints, people_endpoints
from market.households import endpoints as households_endpoints
from market.households.vault import Vault
from market.identity import access
from market.identity import endpoints as identity_endpoints
from market.identity.limiting import SignInLimits
from market.ledger import endpoints as ledger_endpoints
from market.livelihoods import endpoints as livelihoods_endpoints
from market.lots import endpoints as lots_endpoints
from market.lots import lineage_endpoints
from market.observing import Observer
from market.orders import endpoints as orders_endpoints
from market.orders import price_cut_endpoints
from market.payments import endpoints as payments_endpoints
from market.payments import online_endpoints, provider_endpoints, refund_endpoints
from market.payments.gateway import Gateway
from market.problems import BodyLimit, install_problem_handlers
from market.published import endpoints as published_endpoints
from market.reach import endpoints as reach_endpoints
from market.regions import endpoints as regions_endpoints
from market.reports import endpoints as reports_endpoints
from market.settlements import closing_endpoints
from market.settlements import endpoints as settlements_endpoints

STATIC = Path(__file__).parent / "static"

ROUTERS: tuple[APIRouter, ...] = (
    catalog_endpoints.router,  # routes are tried in turn: what buyers ask all day comes first
    orders_endpoints.router,
    price_cut_endpoints.router,
    identity_endpoints.router,
    regions_endpoints.router,
    channels_endpoints.router,
    households_endpoints.router,
    people_endpoints.router,
    consent_endpoints.router,
    import_endpoints.router,
    benefits_endpoints.router,
    livelihoods_endpoints.router,
    register_endpoints.router,
    certification_endpoints.router,
    lots_endpoints.router,
    lineage_endpoints.router,
    ledger_endpoints.router,
    cash_endpoints.router,
    banking_endpoints.router,
    attribution_endpoints.router,
    confirmation_endpoints.router,
    pay_list_endpoints.router,
    reversal_endpoints.router,
    simulation_endpoints.router,
    distributions_endpoints.router,
    annulments_endpoints.router,
    payments_endpoints.router,
    online_endpoints.router,
    provider_endpoints.router,
    refund_endpoints.router,
    settlements_endpoints.router,
    closing_endpoints.router,
    audit_endpoints.router,
    oddity_endpoints.router,
    reconciliation_endpoints.router,
    reports_endpoints.router,
    reach_endpoints.router,
    published_endpoints.router,
)


def create_app(
    db: Database,
    *,
    vault: Vault | None = None,
    gateway: Gateway | None = None,
    token_hours: int = 12,
    reservation_hours: int = 72,
    repeat_seconds: int = 0,
) -> FastAPI:
    """Build the application; raises `UndeclaredRouteError` if a route declares no permission.

    Without a vault it serves everything but personal data, without a gateway everything but online payments; without
    seconds for repeats the same order may be placed again at once.
    """
    app = FastAPI(
        title="Seven-into market",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # it would send addresses and bodies elsewhere
        lifespan=_as_many_threads_as_connections,
    )
    app.state.db = db
    app.state.vault = vault
    app.state.gateway = gateway
    app.state.sign_ins = SignInLimits()
    app.state.code_trials = CodeTrials()
    app.state.token_hours = token_hours
    app.state.reservation_hours = reservation_hours
    app.state.repeat_seconds = repeat_seconds
    install_problem_handlers(app)
    for router in ROUTERS:
        app.router.routes.extend(router.routes)  # flat: an included router would be matched level by level
    _install_operations(app)
    for route in iter_route_contexts(app.routes):  # app.routes alone hides the routes of an included router
        if isinstance(route.original_route, APIRoute):
            access.marker_of(route)
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign] # FastAPI's own way
    return app


@asynccontextmanager
async def _as_many_threads_as_connections(app: FastAPI) -> AsyncIterator[None]:
    """Serve at once only what has a connection; the rest waits in the event loop, not in the pool."""
    to_thread.current_default_thread_limiter().total_tokens = app.state.db.threads
    yield


def _install_operations(app: FastAPI) -> None:
    """Health, readiness, metrics, docs from packaged assets, and a log line with an id for every request."""
    registry = CollectorRegistry()
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/healthz", include_in_schema=False, dependencies=[access.public()])
    def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @app.get("/readyz", include_in_schema=False, dependencies=[access.public()])
    def readyz() -> PlainTextResponse:
        with app.state.db.reading() as connection:
            connection.execute(sa.text("SELECT 1"))
        return PlainTextResponse("ready")

    @app.get("/metrics", include_in_schema=False, dependencies=[access.public()])
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @cache
    def described() -> bytes:
        return json.dumps(app.openapi(), ensure_ascii=False).encode()  # FastAPI would write it anew for everybody

    @app.get("/openapi.json", include_in_schema=False, dependencies=[access.public()])
    def openapi_document() -> Response:
        return Response(described(), media_type="application/json")

    @app.get("/docs", include_in_schema=False, dependencies=[access.public()])
    def docs() -> HTMLResponse:
        return HTMLResponse((STATIC / "docs.html").read_text(encoding="utf-8"))

    app.add_middleware(BodyLimit, larger={"evidence": MOST_FILE_BYTES, "statements": MOST_FILE_BYTES})
    app.add_middleware(Observer, registry=registry)  # the last added is the outermost
