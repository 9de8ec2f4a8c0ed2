"""The rows of docs/PROGRESS.md: a public function, its guarantee, and the tests and cases that prove it."""
import pathlib
import re

ROW = re.compile(r"^\| `(ckf_\w+)` \| (.+?) \| (.+) \|$", re.M)


def progress_rows(root):
    return ROW.findall((pathlib.Path(root) / "docs/PROGRESS.md").read_text())
