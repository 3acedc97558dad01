"""Where the jobs of a sweep or a search are started, and how many at a time."""

import dataclasses

from ml_collections import ConfigDict


@dataclasses.dataclass(frozen=True)
class Executor:
    """This machine, or Slurm.

    Attributes:
      on_slurm: whether Slurm starts the jobs.
      jobs: how many at a time, as asked for; None for the default.
      cluster: what Slurm is asked for.
    """

    on_slurm: bool
    jobs: int | None
    cluster: ConfigDict

    @property
    def count(self) -> int:
        """How many jobs at a time: one by default."""
        return 1 if self.jobs is None else self.jobs
