"""What the child processes can do. Each operation takes `progress`, and works on a picture's folder.

Files of a picture in its folder:
  original            the upload, unchanged
  before-N.npy        the picture as it is shown: 8 bits, one channel if it is gray, and its halved copies (`pyramid`)
  denoised-KIND-N.npy the denoised picture as it is shown; KIND as in `denoising`
  denoised-KIND.npy   the same with all its bits, where there are 16
  result.SUFFIX       the finished file
"""

from collections.abc import Callable

from colorjax.page.checking import check_hints
from colorjax.page.denoising import denoise
from colorjax.page.likely_colors import likely_colors
from colorjax.page.reading import read
from colorjax.page.references import compare_references, find_references
from colorjax.page.rendering import render
from colorjax.page.view import tile, warm_up

OPERATIONS: dict[str, Callable] = {
    "check_hints": check_hints,
    "compare_references": compare_references,
    "denoise": denoise,
    "find_references": find_references,
    "likely_colors": likely_colors,
    "read": read,
    "render": render,
    "tile": tile,
    "warm_up": warm_up,
}
