"""The `market` command."""

import json
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
import uvicorn
from fastapi import FastAPI
from rich.console import Console
from rich.progress import Progress

from market import embedded, migrating, worker
from market.app import create_app
from market.audit import doctoring, verifying
from market.clock import utc_now
from market.db import Database, without_hurry
from market.demo import telling
from market.demo.provider import provided
from market.households import keyfile, keys
from market.households.vault import Keyring, Vault
from market.identity import members
from market.identity import service as identity
from market.identity.rules import Role
from market.observing import log_as_json
from market.payments.gateway import Gateway
from market.seeding import loading
from market.settings import Settings

ROOT = Path(__file__).parent.parent
cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def main() -> None:
    """Run the command; output is UTF-8 whatever the locale says, and a stopped one leaves no server of ours behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    cli()


@contextmanager
def _owner_url(settings: Settings) -> Iterator[str]:
    """Yield the URL of the schema's owner: of the server that is named, or of an embedded one started here."""
    if named := settings.owner_database_url or settings.database_url:
        yield named
        return
    with embedded.start(settings.data, binaries=settings.postgres_bin) as server:
        yield sa.make_url(server.url).set(database="market").render_as_string(hide_password=False)


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    """Yield the application's database."""
    with _owner_url(settings) as owner_url, _connected(settings, owner_url) as database:
        yield database


@contextmanager
def _connected(settings: Settings, owner_url: str) -> Iterator[Database]:
    """Yield the application's database; an embedded one is brought to the newest schema first."""
    if settings.database_url is None:
        migrating.migrate(owner_url)
    database = Database(settings.database_url or owner_url, threads=settings.threads)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _with_sample(settings: Settings, console: Console) -> Iterator[tuple[Database, loading.Summary]]:
    """Yield the database with the sample data in it, and what they are."""
    with _owner_url(settings) as owner_url, _connected(settings, owner_url) as database:
        vault = _vault(settings)
        with Progress(console=console) as progress:
            summary = loading.load(database, ROOT / "seed", vault=vault, progress=progress)
        if summary.loaded:
            migrating.analyse(owner_url)
        if summary.loaded and vault is None:
            console.print("没有密钥,样例不含人员 Without a keyring (MARKET_VAULT_KEY) the sample has no people.")
        yield database, summary


def _app(database: Database, settings: Settings) -> FastAPI:
    return create_app(
        database,
        vault=_vault(settings),
        gateway=_gateway(settings),
        token_hours=settings.token_hours,
        reservation_hours=settings.reservation_hours,
        repeat_seconds=settings.repeat_seconds,
    )


def _gateway(settings: Settings) -> Gateway | None:
    """Open the way to the payment provider, if there is a key for it."""
    if settings.stripe_api_key is None:
        return None
    secret = settings.stripe_webhook_secret.get_secret_value()
    return Gateway(settings.stripe_api_key.get_secret_value(), webhook_secret=secret, base_url=settings.stripe_url)


def _vault(settings: Settings) -> Vault | None:
    """Open the vault with the keyring that is named, or with one beside the embedded server, made if need be."""
    if settings.vault_key is not None:
        return Vault(Keyring.parse(settings.vault_key.get_secret_value()))
    if settings.vault_key_file is not None:
        return Vault(keyfile.read(settings.vault_key_file))
    if settings.database_url is None:
        return Vault(keyfile.read_or_make(settings.data / "vault.key"))
    return None


@cli.command()
def serve() -> None:
    """Serve the API."""
    settings = Settings()
    log_as_json(settings.log_level)
    with _database(settings) as database:
        app = _app(database, settings)
        uvicorn.run(app, host=settings.host, port=settings.port, log_config=None, access_log=False)


@cli.command(name="worker")
def work() -> None:
    """Do what is due, until stopped: expired reservations, ended notices, lapsing certificates, online payments."""
    settings = Settings()
    log_as_json(settings.log_level)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with _database(settings) as database:
        worker.run(database, stop, gateway=_gateway(settings))


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema, as its owner."""
    with _owner_url(Settings()) as owner_url:
        migrating.migrate(owner_url)


@cli.command()
def operator(
    login: str,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    organisation: Annotated[str, typer.Option(help="The operating body's name")] = "平台运营单位",
    region: Annotated[str, typer.Option(help="Its GB/T 2260 county code")] = "110101",
) -> None:
    """Create an operator of the platform, admitted by that; two of them register and admit everybody else."""
    password_hash = identity.hash_password(password)
    with _database(Settings()) as database, database.transaction() as session:
        body = identity.platform(session, name=organisation, region_code=region)
        members.add(
            session,
            None,
            organisation_id=body.id,
            login=login,
            password_hash=password_hash,
            role=Role.OPERATOR,
            now=utc_now(),
        )


@cli.command()
def vault_key(
    *,
    add: Annotated[
        bool,
        typer.Option(
            "--add",
            help="Add a master key to the keyring in use; write it to a new file: `>` empties the old one first",
        ),
    ] = False,
) -> None:
    """Write a keyring for the personal data to standard output: keep it in a secret manager, never beside a backup."""
    used = _vault(Settings()) if add else None
    if add and used is None:
        raise typer.BadParameter(
            "there is no keyring to add to; name it with MARKET_VAULT_KEY or MARKET_VAULT_KEY_FILE"
        )
    typer.echo((used.keyring.with_new_master() if used else Keyring.new()).written(), nl=False)


@cli.command()
def rotate_vault_key() -> None:
    """Wrap every data key by the newest master key of the keyring; interrupted, it goes on when run again."""
    settings = Settings()
    vault = _vault(settings)
    if vault is None:
        raise typer.BadParameter("there is no keyring; name it with MARKET_VAULT_KEY or MARKET_VAULT_KEY_FILE")
    with _database(settings) as database:
        rewrapped = 0
        while True:
            with database.transaction() as session:
                some = keys.rewrap_some(session, vault)
            if some == 0:
                break
            rewrapped += some
        with database.transaction() as session:
            verified, in_use = keys.verify(session, vault)
    typer.echo(f"{rewrapped:,} keys re-wrapped (重新加密), {verified:,} opened (验证); master keys in use: {in_use}")


@cli.command()
def seed() -> None:
    """Load the sample data into an empty database."""
    console = Console()
    with _with_sample(Settings(), console) as (_, summary):
        console.print(summary)


@cli.command()
def openapi(path: Path = ROOT / "openapi" / "openapi.json") -> None:
    """Write the OpenAPI document."""
    app = create_app(Database("postgresql://nowhere", threads=1))
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(app.openapi(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


@cli.command()
def verify() -> None:
    """Recompute every attribution from the facts and compare it with the book, fen by fen."""
    with _database(Settings()) as database, database.transaction() as session:
        found = verifying.verify(session)
    for finding in (*found.notes, *found.findings):
        typer.echo(finding.line())
    typer.echo(
        f"{found.lines:,} lines, {found.entries:,} entries, {found.transfers:,} transfers recomputed (复算):"
        f" {len(found.findings)} differences (差异)"
    )
    raise typer.Exit(code=0 if found.sound else 1)


@cli.command()
def doctor() -> None:
    """Check the invariants of the book, the stock and the orders; name what is broken."""
    with _database(Settings()) as database, database.transaction() as session:
        without_hurry(session)
        symptoms = doctoring.examine(session)
    for symptom in symptoms:
        typer.echo(symptom.line())
    typer.echo(f"{len(symptoms)} broken invariants (被破坏的不变量 {len(symptoms)} 条)")
    raise typer.Exit(code=1 if symptoms else 0)


@cli.command()
def demo(*, leave: Annotated[bool, typer.Option("--exit", help="Stop after the story")] = False) -> None:
    """Play one order from listing to audit on the sample data, then keep serving."""
    log_as_json("ERROR")
    console = Console()
    with (
        provided(Settings()) as (settings, provider),
        _with_sample(settings, console) as (database, _),
        _served(database, settings) as base_url,
        _attended(database, settings),
    ):
        telling.tell(base_url, provider, console=console)
        if not leave:
            telling.invite(base_url, console=console)
            with suppress(KeyboardInterrupt):
                threading.Event().wait()


@contextmanager
def _attended(database: Database, settings: Settings) -> Iterator[None]:
    """Do what is due at the payment provider, beside what is served."""
    gateway = _gateway(settings)
    assert gateway is not None  # noqa: S101 - the demonstration has a provider
    with closing(gateway), worker.attending(database, gateway):
        yield


@contextmanager
def _served(database: Database, settings: Settings) -> Iterator[str]:
    """Serve in a thread of this process, on the port of the settings or, if it is taken, on a free one."""
    config = uvicorn.Config(_app(database, settings), log_config=None, access_log=False)
    listening = _bound(settings)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    host, port = listening.getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


def _bound(settings: Settings) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError:
        listening.bind((settings.host, 0))
    listening.listen()  # whoever connects before the server has started waits for it, and is not refused
    return listening
