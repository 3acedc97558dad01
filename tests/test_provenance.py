"""Which code made a run: against what git itself says."""

import subprocess

import pytest

from colorjax.runs.provenance import provenance, take_snapshot


def git(root, *words):
    environment = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(root), *environment, *words], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def root(tmp_path):
    """A repository with the four parts of the code, and one file that is not code."""
    root = tmp_path / "checkout"
    for name in ("launch.py", "colorjax/a.py", "datasets/b.py", "experiments/c.py", "notes.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n")
    (root / "colorjax" / "__pycache__").mkdir()
    (root / "colorjax" / "__pycache__" / "a.pyc").write_bytes(b"compiled")
    git(root, "init", "--quiet")
    git(root, "add", "launch.py", "colorjax/a.py", "datasets", "experiments", "notes.txt")
    git(root, "commit", "--quiet", "--message=first")
    (root / ".git" / "info" / "exclude").write_text("__pycache__\n")
    return root


def test_checkout_that_is_clean_is_its_commit(root):
    (root / "notes.txt").write_text("not code")
    assert provenance(root) == ({"commit": git(root, "rev-parse", "HEAD"), "dirty": False}, "")


def test_diff_has_all_that_is_new_and_leaves_the_index_alone(root):
    (root / "colorjax" / "a.py").write_text("changed\n")
    (root / "datasets" / "new.py").write_text("new\n")
    before = git(root, "status", "--porcelain")
    about, diff = provenance(root)
    assert about["dirty"]
    assert git(root, "status", "--porcelain") == before
    # The proof of a diff: the commit with it is the code.
    git(root, "stash", "--include-untracked")
    subprocess.run(["git", "-C", str(root), "apply"], input=diff, text=True, check=True)
    assert (root / "colorjax" / "a.py").read_text() == "changed\n"
    assert (root / "datasets" / "new.py").read_text() == "new\n"


def test_snapshot_is_the_code_and_stays_as_it_was(root, tmp_path):
    (root / "colorjax" / "a.py").write_text("changed\n")
    snapshot = take_snapshot(root, tmp_path / "code")
    files = {str(path.relative_to(snapshot)) for path in snapshot.rglob("*") if path.is_file()}
    about = {"provenance.json", "changes.diff"}
    assert files == {"launch.py", "colorjax/a.py", "datasets/b.py", "experiments/c.py"} | about
    assert provenance(snapshot) == provenance(root)
    (root / "colorjax" / "a.py").write_text("changed again\n")
    assert (snapshot / "colorjax" / "a.py").read_text() == "changed\n"
    again = take_snapshot(root, tmp_path / "code")
    assert again != snapshot
    assert take_snapshot(root, tmp_path / "code") == again
    assert len(list((tmp_path / "code").iterdir())) == 2


def test_provenance_without_git_is_unknown(tmp_path):
    (tmp_path / "launch.py").touch()
    assert provenance(tmp_path) == ({"commit": None, "dirty": None}, "")


def test_provenance_of_an_installed_package_is_not_the_repository_around_it(root):
    assert provenance(root / "colorjax") == ({"commit": None, "dirty": None}, "")
