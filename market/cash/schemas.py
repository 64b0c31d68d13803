"""What goes out over HTTP: the trial balance."""

from datetime import date
from typing import Annotated

from pydantic import Field

from market.api import Day, Fen, Schema, Text
from market.cash.rules import CashKind, Side


class TrialBalanceQuery(Schema):
    """At the end of which day; today, if none is named."""

    on: Day | None = None


class TrialBalanceLine(Schema):
    """What stands on the accounts of a kind: those in debit and those in credit apart, never netted."""

    code: Annotated[str, Field(examples=["2010"])]
    kind: Annotated[CashKind, Field(examples=["held"])]
    name: Annotated[Text, Field(examples=["订单暂存款"])]
    side: Annotated[Side, Field(examples=["liability"])]
    clears: Annotated[bool, Field(examples=[False], description="whether it must go back to zero")]
    debit_fen: Fen
    credit_fen: Fen


class TrialBalance(Schema):
    """The cash book at the end of a day: debits and credits come to the same."""

    on: Annotated[date, Field(examples=["2026-03-31"])]
    lines: list[TrialBalanceLine]
    debit_fen: Fen
    credit_fen: Fen
