"""What the bytes of an evidence file say of themselves: their type, the moment of capture, what the picture looks like.

A photograph may show faces, identity cards and bank accounts. Nothing of that is read here: who may see the bytes, and
that each look is logged, is for `evidence`.
"""

import struct
from datetime import datetime
from io import BytesIO
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from market.attribution import papers
from market.attribution.paying import EvidenceTypeError, UnreadablePictureError
from market.clock import CHINA_STANDARD_TIME

MEDIA_TYPES = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "application/pdf": b"%PDF-"}
"""What may be evidence, with the bytes that it begins with."""

MOST_PIXELS = 60_000_000
"""A telephone's largest pictures have 50 million; a file of some kilobytes may claim any number."""

_EXIF, _TAKEN_AT, _OFFSET = 0x8769, 0x9003, 0x9011
_GRID = 8
_YEARS = range(1970, 2200)
"""In which a camera may note that it took a picture: a clock that was never set says the year 1."""

# Pillow would only warn, and look at the size later than we do.
Image.MAX_IMAGE_PIXELS = None


class Seen(NamedTuple):
    """What bytes say of themselves; `looks` is a hash of the picture that outlives scaling and saving again."""

    media_type: str
    taken_at: datetime | None = None
    looks: int | None = None


def look(content: bytes) -> Seen:
    """Return what the bytes say; raises `EvidenceTypeError`, `UnreadablePictureError` or `UnreadablePdfError`."""
    media_type = next((kind for kind, magic in MEDIA_TYPES.items() if content.startswith(magic)), None)
    if media_type is None:
        raise EvidenceTypeError(pointer="")
    if not media_type.startswith("image/"):
        papers.check(content)
        return Seen(media_type)
    try:
        with Image.open(BytesIO(content), formats=("JPEG", "PNG")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise UnreadablePictureError(most=MOST_PIXELS, pointer="")
            taken_at = _taken_at(picture)
            return Seen(media_type, taken_at, _looks(picture))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error) as error:
        raise UnreadablePictureError(most=MOST_PIXELS, pointer="") from error


def _taken_at(picture: Image.Image) -> datetime | None:
    """Return the moment that the camera noted; without a zone it is China's time."""
    noted = picture.getexif().get_ifd(_EXIF)
    offset = str(noted.get(_OFFSET, "")).strip(" \0") or "+08:00"
    written = str(noted.get(_TAKEN_AT, "")).strip(" \0")
    for text, form in ((f"{written} {offset}", "%Y:%m:%d %H:%M:%S %z"), (written, "%Y:%m:%d %H:%M:%S")):
        try:
            moment = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is given below
        except ValueError:
            continue
        if moment.year not in _YEARS:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=CHINA_STANDARD_TIME)
    return None


def _looks(picture: Image.Image) -> int | None:
    """Return 64 bits: of an 8 x 9 grid of greys, whether each is darker than its neighbour; a blank one has none."""
    picture.draft("L", (64, 64))
    grey = picture.convert("L").resize((_GRID + 1, _GRID)).tobytes()
    bits = 0
    for row in range(_GRID):
        for column in range(_GRID):
            place = row * (_GRID + 1) + column
            bits = bits << 1 | (grey[place] < grey[place + 1])
    # PostgreSQL's bigint is signed.
    return (bits - (1 << 64) if bits >> 63 else bits) or None
