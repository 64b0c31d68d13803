"""Whether a PDF is one: it opens without a password and has a page. Nothing of what it says is read.

Whoever sends a file may have made it to cost much: what it unpacks, how deep it goes and how long it takes is bounded.
"""

import logging
import time
from io import BytesIO

from pypdf import Configuration, PdfReader, apply_configuration
from typing_extensions import override

from market.attribution.paying import UnreadablePdfError

MOST_SECONDS = 2
"""Of a processor; a bank's receipt takes some milliseconds, and no step between two looks at the clock much more."""

MOST_SEARCHED_BYTES = 2_000_000
"""A file that lost the index of its objects is searched for them if it is no larger."""

_BOUNDS = Configuration(
    maximum_declared_stream_length=10_000_000,
    array_based_stream_maximum_output_length=5_000_000,
    lzw_maximum_output_length=5_000_000,
    run_length_maximum_output_length=5_000_000,
    brotli_maximum_output_length=5_000_000,
    zlib_maximum_output_length=5_000_000,
    zlib_maximum_recovery_input_length=500_000,
    stream_decoding_work_maximum_length=20_000_000,
    page_tree_maximum_entries=10_000,
    page_tree_maximum_page_entries=200_000,
    page_tree_maximum_depth=30,
    disable_legacy_handling=True,
)
"""Pages and their scans are not unpacked to count pages; only lists of objects are."""

# It would repeat bytes of the file, which may name persons.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


class _TooLongError(Exception):
    """The time is up, or it would be."""


class _Watched(BytesIO):
    """A file that is read no further once its time is up: the reader takes some refusals for faults of the file."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._until = time.thread_time() + MOST_SECONDS

        self.is_late = False

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        searches = size is None or size < 0
        self.is_late |= time.thread_time() > self._until or (searches and self.getbuffer().nbytes > MOST_SEARCHED_BYTES)
        if self.is_late:
            raise _TooLongError
        return super().read(size)


def check(content: bytes) -> None:
    """Refuse a PDF that cannot be looked at; raises `UnreadablePdfError`."""
    watched = _Watched(content)
    with apply_configuration(_BOUNDS):
        try:
            reader = PdfReader(watched, root_object_recovery_limit=100, xref_stream_maximum_entries=200_000)
            is_encrypted = reader.is_encrypted
            has_page = not is_encrypted and bool(reader.pages[0])
        except Exception as error:
            # Whatever it stumbles over, nobody can look at the file.
            raise _unreadable(late=watched.is_late) from error
    if is_encrypted:
        raise UnreadablePdfError(reason="it is encrypted", reason_zh="文件已加密", pointer="")
    if not has_page:
        raise _unreadable(late=False)


def _unreadable(*, late: bool) -> UnreadablePdfError:
    if late:
        return UnreadablePdfError(reason="it takes too long to read", reason_zh="读取耗时过长", pointer="")
    return UnreadablePdfError(reason="it is broken or has no page", reason_zh="文件损坏或没有页面", pointer="")
