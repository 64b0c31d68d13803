"""Every refusal the market can give: a stable code, a status, and one sentence in English and in Chinese.

A subclass names the refusal (`CertificateExpiredError`); its code is the class name in snake case without `Error`.
Errors carry facts, not prose: the sentence is filled from them when the answer is written, in the reader's language,
with the words of `market.words` for what the API writes as a code.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from typing_extensions import override

from market import words

_OF_A_MACHINE = frozenset({"status", "event"})


class MarketError(Exception):
    """A refusal caused by the caller. Nothing was changed when it is raised out of a transaction."""

    status: ClassVar[int] = 422
    en: ClassVar[str]
    zh: ClassVar[str]

    def __init__(self, *, pointer: str | None = None, **facts: Any) -> None:
        """Keep the facts that fill the sentence; `pointer` is the JSON pointer of the input at fault."""
        self.pointer = pointer
        self.facts = facts
        super().__init__(self.detail("en"))

    @property
    def headers(self) -> Mapping[str, str]:
        """Return what the answer's head says besides."""
        return {}

    @classmethod
    def code(cls) -> str:
        """Return the stable code, `CertificateExpiredError` → `certificate_expired`."""
        words = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
        return re.sub(words, "_", cls.__name__.removesuffix("Error")).lower()

    def detail(self, language: str) -> str:
        """Return the sentence in `zh` or `en`."""
        machine = self.facts.get("machine")
        filled = {
            name: words.said(f"{machine}_{name}" if machine and name in _OF_A_MACHINE else name, value, language)
            for name, value in self.facts.items()
        }
        return (self.zh if language == "zh" else self.en).format(**filled)

    def faults(self, language: str) -> list[tuple[str, str]]:
        """Return the inputs at fault, each as JSON pointer and sentence in `zh` or `en`."""
        return [(self.pointer, self.detail(language))] if self.pointer is not None else []


def named(name: str | None) -> str:
    """Return the name in brackets, to follow "this household"; nothing when the reader may not know it."""
    return f" ({name})" if name else ""


@contextmanager
def at(pointer: str) -> Iterator[None]:
    """Point refusals raised within, and not yet pointed, at the input that they concern."""
    try:
        yield
    except MarketError as error:
        error.pointer = error.pointer or pointer
        raise


class InvalidInputError(MarketError):
    """One named input is out of its range or form."""

    en = "The input is not valid: {reason}"
    zh = "输入无效:{reason_zh}"

    def __init__(self, reason: str, reason_zh: str, *, pointer: str | None = None) -> None:
        """Say what is wrong in both languages."""
        super().__init__(pointer=pointer, reason=reason, reason_zh=reason_zh)


class FutureDateError(MarketError):
    """What is recorded has happened, and of a day that is still to come nothing is known."""

    en = "{day} is in the future."
    zh = "日期 {day} 尚未到来。"


def check_not_ahead(day: date, *, today: date, pointer: str) -> None:
    """Raise `FutureDateError` for a day after today."""
    if day > today:
        raise FutureDateError(day=day, pointer=pointer)


class NotFoundError(MarketError):
    """The thing does not exist, or the caller may not know that it does."""

    status = 404
    en = "There is no such {what}."
    zh = "找不到该{what}。"


class ForbiddenError(MarketError):
    """The caller is known and may not do this."""

    status = 403
    en = "Your role may not do this: {permission}."
    zh = "您的角色无权执行此操作:{permission}。"


class ConflictError(MarketError):
    """The request is at odds with what is recorded; a database constraint says so."""

    status = 409
    en = "This contradicts what is already recorded; read it again."
    zh = "与已有记录冲突,请重新读取。"


class BusyError(MarketError):
    """The database could not finish in time, or let another go first; the transaction was undone whole."""

    status = 503
    en = "The market is busy; nothing was changed. {again}"
    zh = "系统繁忙,未作任何更改。{again}"

    @property
    @override
    def headers(self) -> Mapping[str, str]:
        """Return when to come back (RFC 9110)."""
        return {"Retry-After": "1"}


class FourEyesError(MarketError):
    """The checker made, or belongs to the same body as the maker of, what is to be checked."""

    status = 403
    en = "Four eyes for {rule}: whoever made or reviewed this may not also approve it."
    zh = "{rule}须由不同人员复核:经办人或前一审核方不得再次审批。"


class TransitionError(MarketError):
    """The state machine has no such step."""

    status = 409
    en = "This {machine} is {status}; it cannot be {event}."
    zh = "该{machine}当前状态为「{status}」,不能{event}。"


Status = TypeVar("Status", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


def follow(transitions: Mapping[tuple[Status, Event], Status], status: Status, event: Event, *, machine: str) -> Status:
    """Return the status to which an event leads; raises `TransitionError` where the table has no such step."""
    after = transitions.get((status, event))
    if after is None:
        raise TransitionError(machine=machine, status=status.value, event=event.value)
    return after
