"""Names of tasks, and strangers' texts: they name folders and files, and reach terminals."""

import unicodedata

# Files are named for tasks, with more before and after the name, in at most 255 bytes.
LONGEST = 128
RULE = f"names that do for a folder, without spaces around them, of at most {LONGEST} bytes, all of which can be seen"
# Control characters, format characters (bidi, zero-width), separators of lines, and halves of characters.
_UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Cs")


def is_name(text: object) -> bool:
    """Whether a text can name a task."""
    if not isinstance(text, str) or not text.strip(". ") or text != text.strip() or "/" in text:
        return False
    return not any(map(_is_unseen, text)) and len(text.encode()) <= LONGEST


def escaped(text: str, but: str = "") -> str:
    """Returns a text for a terminal, with escapes in place of characters that move its cursor or can't be seen.

    Args:
      text: It may be a stranger's.
      but: Characters that stay, as line breaks.
    """
    return "".join(one.encode("unicode_escape").decode() if _is_unseen(one) and one not in but else one for one in text)


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN
