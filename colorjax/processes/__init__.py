"""Several processes that train or measure together. All communication between processes is in this package.

The processes meet at a coordinator (`joining`), exchange small values through its key-value store (`exchange`), check
that they were started alike (`agreement`) and watch each other (`watch`). When one process fails or dies, all end, and
the error names that one. A single process counts as process 0 of 1. The functions then do nothing, and neither jax nor
flax is imported.

Process 0 writes the files and prints. It sends what it reads from the disk to the other processes, so that all act
alike. All processes make the same calls of `exchange` in the same order.
"""

from colorjax.processes.agreement import agree as agree
from colorjax.processes.exchange import first_then_rest as first_then_rest
from colorjax.processes.exchange import from_first as from_first
from colorjax.processes.exchange import gather as gather
from colorjax.processes.exchange import wait_for_all as wait_for_all
from colorjax.processes.group import count as count
from colorjax.processes.group import index as index
from colorjax.processes.group import is_first as is_first
from colorjax.processes.joining import process_group as process_group
from colorjax.processes.watch import on_peer_failure as on_peer_failure
