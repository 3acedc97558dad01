"""Several processes that train or measure as one: the one package that knows of the others.

They meet at a coordinator (`joining`), exchange small things through its key-value store (`exchange`), see that they
were started alike (`agreement`) and watch each other (`watch`), so that when one fails or dies all end and say which.
A process alone is its own first and only one: everything here then does nothing, and nothing is imported.

Process 0 is the one that writes files and speaks; what it finds on the disk it tells the others, so that all do the
same. All processes make the same calls of `exchange` in the same order.
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
