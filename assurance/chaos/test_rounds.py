"""What clients got is on the ledger, whatever was killed meanwhile: a few rounds of `make kill`."""

from __future__ import annotations

import re
import subprocess
import sys


def test_all_that_clients_got_is_on_the_ledger_when_processes_the_database_and_the_disk_fail() -> None:
    command = [sys.executable, "-m", "assurance.chaos", "--rounds", "36", "--seconds", "12", "--processes", "2"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rounds = re.match(r"(\d+) rounds, nothing missing", done.stdout)
    assert rounds, done.stdout
    assert int(rounds[1]) > 0
