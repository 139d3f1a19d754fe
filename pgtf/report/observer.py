"""Keeps the report up to date while a run is learned."""

from pgtf.config import Config
from pgtf.report.write import renew
from pgtf.training.observers import Observer


class ReportObserver(Observer):
    """Writes the report after new samples and after each task; prints its path at the end."""

    def on_samples(self, config: Config) -> None:
        renew(config)

    def on_task_end(self, config: Config) -> None:
        renew(config, tensorboard=True)

    def on_run_end(self, config: Config) -> None:
        page = renew(config, tensorboard=True)
        print(f"\nAs curves: tensorboard --logdir {config.run_dir}\nLook, in a browser: {page}")
