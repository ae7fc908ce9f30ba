"""What the guide on failing over says to set is what `make ha` is run with; its bounds are those of the drill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from assurance.ha import rounds
from assurance.ha.cluster import DYNAMIC

GUIDE = (Path(__file__).parents[1] / "docs" / "guides" / "failover.md").read_text()


def _within(small: dict[str, Any], large: dict[str, Any]) -> bool:
    return all(_within(v, large[k]) if isinstance(v, dict) else v == large[k] for k, v in small.items())


def test_the_configuration_of_the_guide_is_that_of_the_drill() -> None:
    assert _within(yaml.safe_load(GUIDE.partition("```yaml")[2].partition("```")[0]), DYNAMIC)


def test_the_bounds_of_the_guide_are_those_of_the_drill() -> None:
    cells = [[cell.strip() for cell in line.split("|")] for line in GUIDE.splitlines() if line.count("|") == 4]
    told = {cell[1].partition(",")[0]: cell[3] for cell in cells}
    assert told["PostgreSQL on the primary dies"] == f"{rounds.ALONE_SECONDS} s"
    assert told["the primary's host dies"] == told["the synchronous standby's host dies"] == f"{rounds.HOST_SECONDS} s"
    assert told["the primary's host freezes"] == f"{rounds.FROZEN_SECONDS} s"
