"""The import of the register by HTTP: the template, a dry run, and the import itself."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import answer, declared, router_of
from market.clock import business_date, utc_now
from market.errors import InvalidInputError
from market.households import importing, register_file, revealing
from market.households.import_schemas import DifferenceOut, ImportOut, ImportRegister, RemarkOut, TemplateQuery
from market.households.people_endpoints import Open
from market.households.rules import FileKind, Purpose, VaultClosedError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission

router = router_of("people")

_REASON = "导入登记册时核对差异"
_MEDIA_TYPES = {FileKind.CSV: "text/csv; charset=utf-8", FileKind.XLSX: register_file.XLSX}


@router.get("/register-imports/template")
def read_template(
    query: Annotated[TemplateQuery, Query()], caller: Annotated[Caller, requires(Permission.PERSON_WRITE)]
) -> Response:
    """Send an empty file with the columns of the register; in the workbook every cell is text."""
    with caller.reading():
        content = register_file.template(query.kind)
    disposition = {"Content-Disposition": f'attachment; filename="register.{query.kind}"'}
    return Response(content, media_type=_MEDIA_TYPES[query.kind], headers=disposition)


@router.post(
    "/register-imports",
    status_code=201,
    response_model=ImportOut,
    responses={
        200: {"model": ImportOut, "description": "Nothing was recorded: a dry run, or a file that brings nothing new"},
        **declared(importing.RegisterFileError, VaultClosedError),
    },
)
def import_register(
    request: ImportRegister,
    vault: Open,
    caller: Annotated[Caller, requires(Permission.PERSON_WRITE)],
    *,
    dry_run: bool = False,
) -> Response:
    """Record a file of households and their people, whole or not at all; a dry run says what it would bring.

    201 where something was recorded; 200 where the register has it all, or differs and keeps its word.
    """
    try:
        content = base64.b64decode(request.content, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInputError("must be base64", "须为 base64 编码", pointer="/content") from None

    def work(session: orm.Session, actor: Actor) -> ImportOut:
        now = utc_now()
        report = importing.import_file(
            session,
            actor,
            vault,
            kind=request.kind,
            content=content,
            apply_changes=request.apply_changes,
            dry_run=dry_run,
            reading=revealing.Reading(Purpose.IDENTITY_CHECK, _REASON, caller.ip, caller.request_id, now),
            today=business_date(now),
        )
        return _told(report)

    if not dry_run:
        return caller.once(request, work, status=_status, digest_key=vault.request_key)
    with caller.transaction() as (session, actor):
        told = work(session, actor)
    return answer(told)


def _status(told: ImportOut) -> int:
    return 201 if told.households_new or told.changed else 200


def _told(report: importing.Report) -> ImportOut:
    return ImportOut(
        rows=report.rows,
        households_new=report.households_new,
        households_unchanged=report.households_unchanged,
        people_new=report.people_new,
        changed=report.changed,
        differences=[DifferenceOut.model_validate(difference) for difference in report.differences],
        fault_count=len(report.faults),
        faults=_remarks(report.faults),
        warning_count=len(report.warnings),
        warnings=_remarks(report.warnings),
    )


def _remarks(remarks: Sequence[register_file.Remark]) -> list[RemarkOut]:
    return [
        RemarkOut(row=remark.row, column=remark.column, en=remark.sentence("en"), zh=remark.sentence("zh"))
        for remark in remarks[: importing.MAX_TOLD]
    ]
