"""The mutants of the access service: mutmut writes them into a copy, and mypy refuses what is not well typed."""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
import inspect
import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType

from mutmut.configuration import config
from mutmut.mutation.file_mutation import MutatedFile, mutate_file_contents
from mutmut.type_checking import run_type_checker
from mutmut.utils.file_utils import change_cwd
from mutmut.utils.format_utils import get_mutant_name, mangled_name_from_mutant_name

KEPT = "mutants.json"
MADE_OF = "made-of"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one function. `name` is mutmut's in this copy; `key` holds while the function stays as it is."""

    name: str
    key: str
    change: str
    lines: tuple[str, ...]
    """What a test must run to notice it: `file:line` of the copy."""
    refused: bool

    @property
    def function(self) -> str:
        """The function's mangled name."""
        return mangled_name_from_mutant_name(self.name)

    @property
    def module(self) -> str:
        """The module of the access service; AccessService's own is `__init__`."""
        return self.function.removeprefix("app.exchange").rpartition(".")[0].lstrip(".") or "__init__"

    @property
    def where(self) -> str:
        """The function as one writes it: `reads.search`, `AccessService.read`."""
        module, _, function = self.function.removeprefix("app.exchange").rpartition(".")
        plain = function.removeprefix("xǁ").removeprefix("x_").replace("ǁ", ".")
        return f"{module}.{plain}".lstrip(".")


def make(here: Path) -> None:
    """Copy the code, mutate the access service in the copy, and keep which mutants there are, once."""
    settings = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutmut-exchange"]
    shutil.copy("pyproject.toml", here)
    _copy("tests", here)
    if (here / MADE_OF).exists() and (here / MADE_OF).read_text() == _mark():
        return
    _copy("migrations", here)
    _copy("schema", here)
    _copy("app", here)
    config().do_not_mutate_patterns = settings["do_not_mutate_patterns"]
    made = {}
    for path in sorted(Path(".").glob(settings["only_mutate"])):
        made[path] = mutate_file_contents(str(path), path.read_text())
        (here / path).write_text(made[path].code)
    with change_cwd(here):
        errors = run_type_checker([sys.executable, "-m", *settings["type_check_command"]])
    bad = {(e.file_path.relative_to(here.resolve()), e.line_number) for e in errors}
    if stray := {path for path, _ in bad} - set(made):
        raise SystemExit(f"mypy finds fault with what was not mutated: {', '.join(map(str, stray))}")
    mutants = [m for path, file in made.items() for m in _mutants(path, file, {n for p, n in bad if p == path})]
    (here / KEPT).write_text(json.dumps([asdict(m) for m in mutants], indent=0))
    (here / MADE_OF).write_text(_mark())


def _copy(name: str, here: Path) -> None:
    shutil.copytree(name, here / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def made_of(here: Path) -> str:
    """The mark of what the copy is made of."""
    return (here / MADE_OF).read_text()


def _mark() -> str:
    files = sorted(
        f for name in ("app", "migrations", "schema") for f in Path(name).rglob("*") if f.suffix in (".py", ".sql")
    )
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


def load(here: Path, patterns: list[str]) -> list[Mutant]:
    """The mutants that were made; where there are patterns, those whose name or function fits one."""
    made = [Mutant(**{**m, "lines": tuple(m["lines"])}) for m in json.loads((here / KEPT).read_text())]
    return [m for m in made if not patterns or any(fnmatch.fnmatch(n, p) for p in patterns for n in (m.name, m.where))]


def _mutants(path: Path, file: MutatedFile, bad: set[int]) -> list[Mutant]:
    lines = file.code.splitlines()
    runnable = set(_runnable(compile(file.code, path, "exec")))
    found = []
    for name in file.mutant_names:
        full = get_mutant_name(path, name)
        original = f"{mangled_name_from_mutant_name(name)}__mutmut_orig"
        new, old = (file.line_span_by_function_name[n] for n in (name, original))
        body, before = (lines[span.start - 1 : span.end] for span in (new, old))
        mark = hashlib.sha256("\n".join(body[1:]).encode()).hexdigest()[:12]
        name_at = old.start + next(n for n, line in enumerate(before) if "__mutmut_orig(" in line)
        changed = {old.start + n for n in _changed(before, body)} & runnable or {name_at}
        found.append(
            Mutant(
                name=full,
                key=f"{mangled_name_from_mutant_name(full)}:{mark}",
                change=_change(before, body),
                lines=tuple(f"{path}:{n}" for n in sorted(changed)),
                refused=any(n in bad for n in range(new.start, new.end + 1)),
            )
        )
    return found


def _runnable(code: CodeType) -> Iterator[int]:
    """The lines of the functions in it that something is run of; what a class runs to be made is none of theirs."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if inner.co_flags & inspect.CO_OPTIMIZED:
                yield from (line for _, _, line in inner.co_lines() if line is not None)
            yield from _runnable(inner)


def _changed(before: list[str], after: list[str]) -> Iterator[int]:
    """The lines of a function, counted from 0, that are others in the mutant; not that of its name, which always is."""
    for kind, start, end, _, _ in difflib.SequenceMatcher(None, before, after).get_opcodes():
        if kind != "equal":
            yield from (n for n in range(start, max(end, start + 1)) if "__mutmut_orig(" not in before[n])


def _change(before: list[str], after: list[str]) -> str:
    """The lines that differ, without the name of the function, which always does."""
    lines = difflib.unified_diff(before, after, lineterm="", n=0)
    told = [x for x in lines if not x.startswith(("---", "+++", "@@")) and "__mutmut_" not in x]
    return "\n".join(f"{x[0]} {x[1:].strip()}" for x in told)
