"""Imports go one way: launch.py and experiments -> datasets -> colorjax; and TensorFlow is never imported."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What a package must not import, itself or through others. `datasets` here is this project's or Hugging Face's.
FORBIDDEN = {
    "colorjax": {"datasets", "experiments", "launch", "tensorflow", "torch", "tests", "benchmarks"},
    "datasets": {"experiments", "launch", "tensorflow", "torch", "tests", "benchmarks"},
    "experiments": {"launch", "tensorflow", "torch", "tests", "benchmarks"},
}

IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
print("\\n".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported_by(source: str) -> set[str]:
    """Top-level names of all that a source file imports, at whatever depth and also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
            names |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_file_imports_what_it_may_not(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imported_by(path.read_text(encoding="utf-8")) & FORBIDDEN[package]
    }
    assert not wrong


@pytest.mark.parametrize("package", ["colorjax", "datasets"])
def test_importing_all_modules_brings_in_no_tensorflow_and_nothing_upstream(package):
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, package], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    modules = set(run.stdout.split())
    assert "jax" in modules
    assert not modules & FORBIDDEN[package]


def test_imports_are_found_wherever_they_stand():
    source = "import a.b, c\nfrom d.e import f\nfrom . import g\ndef h():\n    import i\n    __import__('j.k')\n"
    assert imported_by(source) == {"a", "c", "d", "i", "j"}
