"""A part of the photographs to measure on, for a first look and for slow methods."""

from collections.abc import Sequence

from colorjax.errors import UserError
from colorjax.pictures.images import Photograph, content_hash


def chosen(photographs: Sequence[Photograph], count: int) -> Sequence[Photograph]:
    """Return the `count` photographs whose `content_hash` comes first, in the given order; all of them for 0.

    The choice depends on no order and on no file name, and a smaller choice is part of a larger one.

    Raises:
      UserError: `count` is negative or larger than the number of photographs.
    """
    if not 0 <= count <= len(photographs):
        raise UserError(
            f"config.test_data.photographs={count}: there are {len(photographs)} photographs to measure on; use fewer, "
            "or 0 for all"
        )
    if not count:
        return photographs
    hashes = {i: content_hash(photograph.picture) for i, photograph in enumerate(photographs)}
    return [photographs[i] for i in sorted(sorted(hashes, key=hashes.get)[:count])]
