"""A clear last line at the terminal when something is wrong that a person can mend. It imports next to nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from app.errors import HallpassError
from app.settings import UnsafeSettings


@contextmanager
def plainly() -> Iterator[None]:
    """Turn the errors of settings, files and what was asked into one line and exit status 2."""
    try:
        yield
    except UnsafeSettings as e:
        stop(f"settings: {e}")
    except HallpassError as e:
        stop("; ".join(f"{i.expression}: {i.text}" if i.expression else i.text for i in e.issues))
    except OSError as e:
        stop(f"{e.filename}: {e.strerror}" if e.filename else str(e))


def stop(message: str) -> NoReturn:
    """Say it, and end with status 2."""
    print(f"hallpass: {message}", file=sys.stderr)
    sys.exit(2)
