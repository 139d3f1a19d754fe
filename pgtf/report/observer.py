"""Updates the report during training."""

from pgtf.foundation.voice import LOG
from pgtf.report.write import renew
from pgtf.training.observers import Observer


class ReportObserver(Observer):
    """Writes the report after new samples and after each task; prints its path at the end."""

    def on_samples(self, run_dir: str) -> None:
        renew(run_dir)

    def on_task_end(self, run_dir: str) -> None:
        renew(run_dir, tensorboard=True)

    def on_run_end(self, run_dir: str) -> None:
        page = renew(run_dir, tensorboard=True)
        LOG.info(f"\nAs curves: tensorboard --logdir {run_dir}\nLook, in a browser: {page}")
