"""Holds code and documents to the glossary: a retired word is refused as a name and in prose (`make check`).

docs/glossary.md says which words we use. Spelling is codespell's part, with its British-to-American dictionary.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RETIRED = {
    "gate": "access service",
    "door": "session",
    "turnstile": "read batcher",
    "shard": "compartment",
    "sheet": "batch",
    "lane": "chain",
    "passage": "request context",
    "viewer": "requester",
    "doomed": "to delete",
    "rehearsal": "dry run",
    "rehearse": "dry run",
    "abreast": "concurrent",
    "stand_still": "lock",
    "strewn": "planted",
    "anew": "again",
    "vain": "for nothing, or without success",
}
"""A word of before, also in its plural, and what to say instead."""
HISTORY = ("docs/decisions/*", "docs/mutation.md", "CHANGELOG.md", "docs/glossary.md", "*tools/*language.py")
"""Where a retired word may stand: the old decisions are not rewritten, and the glossary says what a word used to be."""
ALLOWED = {
    "*": ("stylesheet", "spreadsheet", "One door", "one_door", "through the same door", "viewer.js"),
    "*openapi/*": ("viewer",),
    "docs/openapi.md": ("viewer",),
    "tests/contributing/*": ("gates",),
    "tests/api/test_history.py": ("gates of school",),
}
"""By pattern of a path, the phrases in which a retired word means something else."""
READ = (".py", ".sql", ".md", ".toml", ".yaml", ".yml", ".html")
NOT_OURS = ("*/hl7/*", "*/definitions/*", "openapi/*", "*/recorded/*", "requirements*.txt", "*.json")


@dataclass(frozen=True, slots=True)
class Finding:
    """A retired word, and where it stands."""

    path: str
    line: int
    word: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word!r} is retired. Say {RETIRED[singular(self.word)]!r}."


def findings(path: str, text: str) -> Iterator[Finding]:
    """Each retired word of a file, in prose or as a part of a name."""
    phrases = [p for pattern, allowed in ALLOWED.items() if fnmatch(path, pattern) for p in allowed]
    for number, line in enumerate(text.splitlines(), 1):
        for phrase in phrases:
            line = re.sub(re.escape(phrase), "", line, flags=re.I)
        for word in words(line):
            if singular(word) in RETIRED:
                yield Finding(path, number, word)


def words(line: str) -> list[str]:
    """The words of a line in lower case; names come apart at underscores and capitals."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", line)
    return [w.lower() for w in re.findall(r"[A-Za-z]+", apart)]


def singular(word: str) -> str:
    """The word without a plural's s."""
    return word if word in RETIRED else word.removesuffix("s")


def files() -> list[str]:
    """What is held to the glossary: the repository's own text."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S607
    return [path for path in listed.splitlines() if path.endswith(READ) and not _any(path, (*HISTORY, *NOT_OURS))]


def _any(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(path, pattern) for pattern in patterns)


def main() -> int:
    """Print what is found; 1 where there is something."""
    found = [f for path in files() for f in findings(path, (ROOT / path).read_text())]
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
