"""Stripe's errors, as its HTTP API writes them."""

from typing import Any


class Refusal(Exception):  # noqa: N818 # Stripe's word for it is an error object, ours is a refusal
    """A request that is answered with an error."""

    def __init__(self, status: int, kind: str, message: str, *, early: bool = False, **facts: Any) -> None:
        """Take the HTTP status, Stripe's error type and further fields.

        `early` errors are found before anything is done, and are not stored under the idempotency key.
        """
        super().__init__(message)
        self.status, self.early = status, early
        self.error = {"type": kind, "message": message, **{name: fact for name, fact in facts.items() if fact}}

    def body(self) -> dict[str, Any]:
        """Return the answer."""
        return {"error": self.error}


def invalid(message: str, *, param: str | None = None, code: str | None = None, early: bool = True) -> Refusal:
    """Return the refusal of a parameter's value."""
    return Refusal(400, "invalid_request_error", message, param=param, code=code, early=early)


def unknown(parameter: str) -> Refusal:
    """Return the refusal of a parameter that Stripe has not."""
    return invalid(f"Received unknown parameter: {parameter}", param=parameter, code="parameter_unknown")


def missing(parameter: str) -> Refusal:
    """Return the refusal of a request without a parameter."""
    return invalid(f"Missing required param: {parameter}.", param=parameter, code="parameter_missing")


def impossible(message: str, code: str | None = None, *, param: str | None = None) -> Refusal:
    """Return the refusal of what the state of things does not allow; it is stored under the idempotency key."""
    return invalid(message, code=code, param=param, early=False)


def nothing_called(kind: str, id_: str, *, param: str = "id") -> Refusal:
    """Return the refusal of an id that means nothing here."""
    message = f"No such {kind}: '{id_}'"
    return Refusal(404, "invalid_request_error", message, code="resource_missing", param=param)


def not_emulated(what: str) -> Refusal:
    """Return the refusal of what Stripe can do and this emulator cannot."""
    return Refusal(501, "api_error", f"The emulator does not emulate {what}", code="not_emulated", early=True)


def too_little_money(message: str) -> Refusal:
    """Return the refusal of a movement that the balance does not cover."""
    return impossible(message, "balance_insufficient")
