"""Where the jobs of a sweep or a search run, and how many at a time."""

import dataclasses

from ml_collections import ConfigDict


@dataclasses.dataclass(frozen=True)
class Executor:
    """The place where jobs run: this machine or Slurm.

    Attributes:
      on_slurm: whether Slurm runs the jobs.
      jobs: how many jobs at a time, as the user gave it; None for the default.
      cluster: the cluster config, see `cluster_config`.
    """

    on_slurm: bool
    jobs: int | None
    cluster: ConfigDict

    @property
    def count(self) -> int:
        """How many jobs run at a time; 1 by default."""
        return 1 if self.jobs is None else self.jobs
