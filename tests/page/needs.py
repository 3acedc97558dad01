"""What the tests of the page need beside the project's own requirements."""

import importlib.util
import shutil

PACKAGES = ("starlette", "uvicorn", "playwright")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def missing() -> str:
    """Return what the tests lack; '' for nothing."""
    if packages := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        return f"pip install {' '.join(packages)}"
    if not any(map(shutil.which, CHROMIUM)):
        return "no Chromium: apt-get install chromium"
    return ""
