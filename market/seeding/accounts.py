"""Households' accounts as events: villages import what these earned and spent, counties check it; and baselines."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import orm

from market.clock import business_date
from market.identity.rules import Permission, Role
from market.livelihoods import baselines, checking, item_import, queries
from market.livelihoods.checking import Checked
from market.livelihoods.rules import BaselineEvent, CheckState, Figure, Window
from market.seeding.known import Known
from market.seeding.reading import Row, Sample, day, fen
from market.seeding.timeline import Event, Turn

_FIELDS = ("household", "kind", "amount_yuan", "occurred_on", "said_by", "evidence")
"""What a village's spreadsheet holds under `item_import.COLUMNS`, in their order."""


def events(sample: Sample, known: Known) -> Iterator[Event]:
    """Return the imports of items, the checks of them, the baselines and the decisions on these."""
    for (village_code, recorded_on), rows in _files(sample).items():
        take = partial(_import, known, village_code, rows)
        yield Event(day(recorded_on), Turn.ITEMS, f"items of {village_code}", take)
    for row in sample.item_checks:
        check = partial(_check, known, row)
        yield Event(day(row["checked_on"]), Turn.CHECKED, f"check of {row['village_code']}", check)
    for row in sample.household_baselines:
        name = f"baseline of {row['household']}"
        yield Event(day(row["stated_on"]), Turn.BASELINE, name, partial(_state, known, row))
        if row["decided_on"]:
            yield Event(day(row["decided_on"]), Turn.BASELINE, name, partial(_decide, known, row))


def _files(sample: Sample) -> dict[tuple[str, str], list[Row]]:
    """Return the rows of each spreadsheet, by village and day; with its village's code a household's own begins."""
    files: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sample.account_items:
        files[row["household"][:12], row["recorded_on"]].append(row)
    return files


def _import(known: Known, village_code: str, rows: Sequence[Row], session: orm.Session, now: datetime) -> None:
    sheet = io.StringIO()
    written = csv.writer(sheet)
    written.writerow(item_import.COLUMNS)
    written.writerows([row[field] for field in _FIELDS] for row in rows)
    item_import.import_items(
        session,
        known.officer(Role.VILLAGE_CLERK, village_code, Permission.ACCOUNT_WRITE),
        file_name=f"{business_date(now)}.csv",
        content=sheet.getvalue().encode(),
        today=business_date(now),
        now=now,
        dry_run=False,
    )


def _check(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    county = known.officer(Role.COUNTY_REVIEWER, row["village_code"], Permission.ACCOUNT_CHECK)
    period = Window(day(row["period_from"]), day(row["period_to"]))
    listed = queries.of_region(queries.visible_account_items(county), row["village_code"], period)
    items = session.scalars(queries.in_state(listed, CheckState.UNCHECKED)).all()
    seen = Checked(len(items), sum(item.amount_fen for item in items))
    checking.check_items(session, county, village_code=row["village_code"], period=period, seen=seen, now=now)


def _state(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    household_id, about = known.households[row["household"]], (row["household"], row["figure"])
    stated = baselines.propose(
        session,
        known.officer(Role.VILLAGE_CLERK, known.village_of[household_id], Permission.ACCOUNT_WRITE),
        household_id=household_id,
        figure=Figure(row["figure"]),
        amount_fen=fen(row["amount_yuan"]),
        period=Window(day(row["period_from"]), day(row["period_to"])),
        source=row["stated_in"],
        replaces=known.household_baselines[about] if row["reason"] else None,
        reason=row["reason"] or None,
        now=now,
    )
    known.household_baselines[about] = stated.id


def _decide(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    village_code = known.village_of[known.households[row["household"]]]
    baselines.decide(
        session,
        known.officer(Role.COUNTY_REVIEWER, village_code, Permission.BASELINE_CONFIRM),
        baseline_id=known.household_baselines[row["household"], row["figure"]],
        event=BaselineEvent(row["decision"]),
        opinion=row["opinion"],
        now=now,
    )
