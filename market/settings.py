"""The configuration, read once from `MARKET_*` environment variables; nothing else reads the environment."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every knob, with its default."""

    model_config = SettingsConfigDict(env_prefix="MARKET_", frozen=True)

    database_url: str | None = None
    """PostgreSQL 15 or newer for the application; without it an embedded server is started in `data`."""
    owner_database_url: str | None = None
    """The login that owns the schema and migrates it; `database_url` where that login may do both."""
    data: Path = Path(".data")
    """Where the embedded server keeps its files."""
    postgres_bin: Path | None = None
    """A folder with PostgreSQL binaries, before those of the wheel and of the system."""
    vault_key: SecretStr | None = None
    """The keyring of the personal data, as `market vault-key` writes it; for a secret manager's variable."""
    vault_key_file: Path | None = None
    """The file that holds the keyring; with the embedded server `vault.key` in `data`, made at the first start."""
    stripe_api_key: SecretStr | None = None
    """Opens the platform's account at Stripe; without it nothing is paid online."""
    stripe_webhook_secret: SecretStr = SecretStr("")
    """Signs the events that Stripe sends to `/v1/provider-events`; without it none is believed."""
    stripe_url: str | None = None
    """Another server that speaks as Stripe does, for trying the market out."""
    threads: int = 8
    """Requests served at once; the connection pools have as many places."""
    token_hours: int = 12
    """A signed-in person's token ends after this."""
    reservation_hours: int = 72
    """An order the cooperative has not confirmed by then expires and gives its stock back."""
    repeat_seconds: int = 10
    """The same order of the same person within this is a second click, and refused."""
    host: str = "127.0.0.1"
    port: int = 8000
    log_level: str = "INFO"
