"""Describes a folder of data: its tasks, their layout, counts, sizes, channels, types, and broken files.

    pgtf data DATA
    pgtf data DATA --sheet=sheet.png --images=0
    pgtf data mine.zip

DATA is a folder with a folder or an archive (.zip, .tar, .tar.gz) for each task, or the data of one task.

No file is changed. The exit status is 1 if a file is broken, or has other channels or another type than the others.
"""

from absl import flags

from pgtf.data.survey import contact_sheet, survey
from pgtf.foundation import files, task_names

ARGUMENTS = ("data_dir",)
flags.DEFINE_string(
    "data_dir", None, "Folder or archive with a folder for each task, or the data of one task.", required=True
)
flags.DEFINE_integer("images", 200, "Number of files to read of each task and side; 0 reads all.", lower_bound=0)
flags.DEFINE_string("sheet", "", "PNG file to draw the first examples of each task into. Default: none.")
STOPPED = ""


def main(_):
    given = flags.FLAGS
    found = survey(given.data_dir, given.images)
    for one in found:
        print(*map(task_names.escaped, one.lines()), sep="\n")
    if given.sheet:
        files.write(given.sheet, contact_sheet(found))
        print(f"{given.sheet} shows examples")
    return 1 if any(one.broken for one in found) else 0
