"""Task names, and how untrusted text is printed: names become folders and files, and reach terminals."""

import unicodedata
from collections.abc import Sequence

# File names hold a task's name with a prefix and a suffix; file systems allow 255 bytes.
LONGEST = 128
RULE = f"names that are valid for a folder: printable characters, without spaces around them, at most {LONGEST} bytes"
# Unicode categories: control, format (bidi, zero-width), line and paragraph separators, surrogates.
_UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Cs")


def is_name(text: object) -> bool:
    """Returns whether a text is a valid task name."""
    if not isinstance(text, str) or not text.strip(". ") or text != text.strip() or "/" in text:
        return False
    return not any(map(_is_unseen, text)) and len(text.encode()) <= LONGEST


def escaped(text: str, but: str = "") -> str:
    """Escapes the characters of a text that would move a terminal's cursor or be invisible.

    Args:
      text: The text; it may come from an untrusted file.
      but: Characters to leave as they are, such as line breaks. Default: none.
    """
    return "".join(one.encode("unicode_escape").decode() if _is_unseen(one) and one not in but else one for one in text)


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN


def first_names(names: Sequence[str]) -> str:
    """Joins the first three names, and the number of the others."""
    more = len(names) - 3
    return ", ".join([*names[:3], *([f"and {more} more"] if more > 0 else [])])
