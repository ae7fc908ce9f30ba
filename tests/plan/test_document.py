"""The Composition of a plan, out of resources of every type that it is made of."""

from __future__ import annotations

from app.plan.document import composition


def test_a_role_on_the_team_has_its_codes_in_a_list() -> None:
    """PractitionerRole.code repeats, unlike that of an Observation."""
    role = {"resourceType": "PractitionerRole", "id": "r", "code": [{"text": "School counselor"}]}
    member = {"reference": "PractitionerRole/r"}
    team = {"resourceType": "CareTeam", "id": "t", "status": "active", "participant": [{"member": member}]}
    made = composition([role, team], "Patient/p", {"display": "A school"}, "2026-11-28T00:00:00Z", whole=True)
    told = {section["title"]: section["text"]["div"] for section in made["section"]}
    assert "School counselor" in told["Team"]
    assert "Nothing was measured." in told["Outcomes"]
