"""What goes in and out of the import of the register."""

from typing import Annotated

from pydantic import Field

from market.api import Flag, Schema
from market.households.rules import Column, FileKind, PersonalField

MAX_BASE64 = 950_000
Number = Annotated[int, Field(examples=[4])]


class ImportRegister(Schema):
    """A file of the register: one row a person, the titles of the template."""

    kind: Annotated[FileKind, Field(examples=["csv"])]
    content: Annotated[
        str,
        Field(
            min_length=4,
            max_length=MAX_BASE64,
            description="the file in base64; a CSV in UTF-8 or GB18030",
            examples=["5oi357yW5Y+3LOadkeS7o+eggQ=="],
        ),
    ]
    apply_changes: Annotated[Flag, Field(description="where the file and the register differ, the file is right")] = (
        False
    )


class RemarkOut(Schema):
    """What is wrong or odd in a row (the header is row 1, the file itself 0), without the value."""

    row: Annotated[int, Field(examples=[7])]
    column: Annotated[Column | PersonalField | None, Field(examples=["resident_id"])]
    en: Annotated[str, Field(examples=["row 7, resident_id: the check character is wrong"])]
    zh: Annotated[str, Field(examples=["第 7 行「身份证号码」:身份证号码校验码错误"])]


class DifferenceOut(Schema):
    """In what the file differs from the register; row 0: people of the household who are not in the file."""

    row: Annotated[int, Field(examples=[7])]
    household_code: Annotated[str, Field(examples=["1411221062010007"])]
    columns: Annotated[list[Column | PersonalField], Field(examples=[["phone"]])]


class ImportOut(Schema):
    """What the file brought; of a dry run, what it would bring. Remarks are the first hundred."""

    rows: Number
    households_new: Number
    households_unchanged: Number
    people_new: Number
    changed: Annotated[bool, Field(examples=[False], description="the differences were applied")]
    differences: list[DifferenceOut]
    fault_count: Number
    faults: list[RemarkOut]
    warning_count: Number
    warnings: list[RemarkOut]


class TemplateQuery(Schema):
    """Which template to send."""

    kind: Annotated[FileKind, Field(examples=["xlsx"])] = FileKind.XLSX
