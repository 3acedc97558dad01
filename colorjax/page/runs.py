"""The runs in a folder, read-only: how they stand, and the report pages that other commands wrote there.

GET /api/runs       the status of each run, and the names of the reports
GET /compared       the page that `compare` would write now
GET /reports/PATH   a report page
"""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from colorjax.comparison.report import report as report_of
from colorjax.comparison.results import compare
from colorjax.errors import ColorjaxError, UserError
from colorjax.page.security import REPORT_POLICY
from colorjax.runs.find import find_runs
from colorjax.runs.status import run_status

#: The pages that may be shown; nothing else in the folder is.
REPORTS = ("report.html", "compare.html")
_DEPTH = 6


def run_routes(folder: str, require_session: Callable[[Request], object]) -> list[Route]:
    """Return the addresses of the runs in `folder`; each asks first whether the browser has a session."""
    root = Path(folder)

    def runs(request: Request) -> Response:
        require_session(request)
        return JSONResponse({"title": root.absolute().name, "runs": _status(root), "reports": sorted(reports(root))})

    def compared(request: Request) -> Response:
        require_session(request)
        try:
            html = report_of(compare(f"Runs in {root.absolute().name}", find_runs(root), "psnr"))
        except ColorjaxError as error:
            return JSONResponse({"error": str(error).replace(str(root), root.absolute().name)}, 400)
        return HTMLResponse(html, headers={"Content-Security-Policy": REPORT_POLICY})

    def report(request: Request) -> Response:
        require_session(request)
        found = reports(root).get(request.path_params["name"])
        if found is None:
            return JSONResponse({"error": "there is no such report"}, 404)
        return FileResponse(found, media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY})

    return [Route("/api/runs", runs), Route("/compared", compared), Route("/reports/{name:path}", report)]


def reports(root: Path) -> dict[str, Path]:
    """Return the report pages below a folder, by their path in it; links out of it are left out."""
    inside, found = root.resolve(), {}
    for depth in range(_DEPTH):
        for name in REPORTS:
            for path in root.glob("*/" * depth + name):
                if path.resolve().is_relative_to(inside) and path.is_file():
                    found[path.relative_to(root).as_posix()] = path
    return found


def _status(root: Path) -> list[dict[str, Any]]:
    try:
        found = find_runs(root)
    except UserError:  # no run yet
        return []
    rows = [dataclasses.asdict(run_status(run)) for run in found]
    # JSON has no NaN.
    return [
        {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
        for row in rows
    ]
