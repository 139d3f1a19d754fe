"""Names of tasks: they name folders and files, and may come from a stranger's slice."""

# Files are named for tasks, with more before and after the name, in at most 255 bytes.
LONGEST = 128
RULE = f"names that do for a folder, without spaces around them, of at most {LONGEST} bytes"


def is_name(text: object) -> bool:
    """Whether a text can name a task."""
    if not isinstance(text, str) or not text.strip(". ") or text != text.strip():
        return False
    try:
        return not set(text) & set("/\0\n\r") and len(text.encode()) <= LONGEST
    except UnicodeEncodeError:
        return False
