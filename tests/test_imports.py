"""Imports go one way: launch.py and experiments -> datasets -> colorjax, in no circle; TensorFlow is never imported."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
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
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn") or not module.name.startswith("colorjax.page."):
            raise  # these two are of an optional requirement
print("\\n".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported_by(source: str) -> set[str]:
    """All that a source file imports, at whatever depth and also inside functions; `a.b` for `from a import b`.

    What is imported for type checkers alone does not count.
    """
    names = set()
    for node in running_nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
            names |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    return names


def running_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    yield tree
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from running_nodes(node)


def import_graph(root: Path, *packages: str) -> dict[str, set[str]]:
    """Return the modules of the packages, and which of them each imports.

    The packages that an imported module lies in count too, since their `__init__` runs first, but for those that the
    importing module itself lies in. Names that a package looks up when asked for (`__getattr__`) are no imports.
    """
    files = {}
    for path in (path for package in packages for path in (root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph = {}
    for module, path in files.items():
        graph[module] = set()
        for name in imported_by(path.read_text(encoding="utf-8")):
            around = [above for above in with_packages(name) if above in files]
            graph[module] |= {above for above in around if above not in with_packages(module)} | set(around[:1])
        graph[module].discard(module)
    return graph


def with_packages(name: str) -> list[str]:
    """Return `a.b.c`, `a.b` and `a` for `a.b.c`."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """Return modules of which each imports the next and the last is the first; none where there is no circle."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1][::-1]
    return []


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_of_no_file_are_forbidden(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in {name.partition(".")[0] for name in imported_by(path.read_text(encoding="utf-8"))}
        & FORBIDDEN[package]
    }
    assert not wrong


@pytest.mark.parametrize("package", ["colorjax", "datasets"])
@pytest.mark.process
def test_importing_all_modules_brings_in_no_tensorflow_and_nothing_upstream(package):
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, package], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    modules = set(run.stdout.split())
    assert "jax" in modules
    assert not modules & FORBIDDEN[package]


@pytest.mark.process
def test_commands_on_pictures_start_without_slow_libraries():
    asked = "import colorjax.restoration, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    modules = set(run.stdout.split())
    assert "colorjax.methods" in modules
    # Each takes half a second or more; the methods that use them load them.
    assert not modules & {"scipy.stats", "matplotlib", "orbax.checkpoint", "tensorflow_datasets", "sklearn"}


def test_only_its_command_imports_the_page():
    graph = import_graph(ROOT, "colorjax")
    outside = {module for module in graph if module != "colorjax.page" and not module.startswith("colorjax.page.")}
    importing = {module for module in outside if any(name.startswith("colorjax.page.") for name in graph[module])}
    assert importing == {"colorjax.commands.serve"}


def test_imports_go_in_no_circle():
    graph = import_graph(ROOT, "colorjax", "datasets")
    assert "colorjax.color.gray" in graph["colorjax.models.fusion"]
    assert "colorjax.tasks" in graph["colorjax.models.fusion"]  # the package of colorjax.tasks.colorize
    assert not circle_in(graph), "each of these imports the next"


@pytest.mark.parametrize(
    ("files", "circle"),
    [
        ({"a": "from p.b import x", "b": "def f():\n    import p.c", "c": "from p import a"}, {"p.a", "p.b", "p.c"}),
        (
            {"a": "from p.q.c import x", "q/__init__": "import importlib\nimportlib.import_module('p.a')"},
            {"p.a", "p.q"},
        ),
        ({"a": "from p.b import x", "b": "if TYPE_CHECKING:\n    from p.a import y", "__init__": "import p.a"}, set()),
    ],
)
def test_imports_in_a_circle_are_found_wherever_they_stand(tmp_path, files, circle):
    for name, source in ({"__init__": "", "q/c": ""} | files).items():
        path = tmp_path / "p" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    assert set(circle_in(import_graph(tmp_path, "p"))) == circle
