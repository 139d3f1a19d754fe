"""Settings of a run: its folder, its tasks and how they are measured."""

import dataclasses

from pgtf.config.group import Group
from pgtf.foundation import task_names
from pgtf.foundation.settings import refuse, setting


@dataclasses.dataclass(frozen=True)
class RunSettings(Group):
    """The run's folder, its tasks and how they are measured."""

    run_dir: str = setting(
        "runs/paired",
        "Folder of the run. The same command resumes an interrupted run. Flags that you leave out then keep the run's "
        "values.",
        may_change=True,
    )
    tasks: tuple[str, ...] = setting(
        ("cityscapes", "maps", "facades", "edges2handbags"),
        "Tasks to learn, in order. To add tasks to a finished run, give its list with new names at the end.",
        may_change=True,
    )
    first_task_from: str = setting(
        "",
        "Run to copy the first task from, instead of learning it, so that methods can be compared on the same first "
        "task. For classification also a file of weights (.npz, .safetensors or .h5, with torchvision's names): the "
        "first of --tasks is then that backbone, and has no images.",
        may_change=True,
        formerly="base",
    )
    schedule: str = setting(
        "sequence",
        "sequence: train tasks one after the other. together: train a run's first tasks jointly, so that all of them "
        "train the first one's kernels (--method=width_wise or layer_wise). Later tasks follow in sequence.",
        choices=("sequence", "together"),
    )
    override: tuple[str, ...] = setting(
        (),
        "Settings of training, data or objective for one task: TASK:NAME=VALUE,NAME=VALUE, as in "
        "edges2handbags:epochs=15,batch_size=4. Repeat it for further tasks.",
        may_change=True,
        repeated=True,
    )
    seed: int = setting(
        0,
        "Seed of all random numbers: initial values, order of images, augmentation, dropout.",
        least=0,
        most=2**31 - 1,
    )
    evaluate: bool = setting(
        False,
        "Measure all tasks so far on their test images after each task. `pgtf evaluate` does it later.",
        may_change=True,
    )
    inception: str = setting(
        "",
        "Network for FID and KID: folder of a SavedModel or TF-Hub handle, with #OUTPUT if it has several outputs. "
        "Default: a classifier of the run's tasks; the distances are then called FCD and KCD.",
        may_change=True,
    )

    def check(self) -> None:
        if not self.tasks or not all(map(task_names.is_name, self.tasks)):
            refuse("tasks", f"{task_names.RULE}, at least one", self.tasks)
        if len(set(self.tasks)) < len(self.tasks):
            refuse("tasks", "different names, each task once", ",".join(self.tasks))
