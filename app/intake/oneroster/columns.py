"""The columns and words of OneRoster CSV that matter here. Pure tables.
https://www.imsglobal.org/spec/oneroster/v1p2/bind/csv
"""

from __future__ import annotations

import re


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COMMON = ("sourcedId", "status", "dateLastModified")
_USERS = _words(
    "enabledUser username userIds givenName familyName middleName identifier email sms phone agentSourcedIds grades"
    " password"
)
COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "orgs": dict.fromkeys(("1.1", "1.2"), (*COMMON, "name", "type", "identifier", "parentSourcedId")),
    "academicSessions": dict.fromkeys(
        ("1.1", "1.2"), (*COMMON, "title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear")
    ),
    "users": {
        "1.1": (*COMMON, "orgSourcedIds", "role", *_USERS),
        "1.2": (
            *COMMON,
            *_USERS,
            *_words("userMasterIdentifier preferredGivenName preferredMiddleName preferredFamilyName"),
            *_words("primaryOrgSourcedId pronouns"),
        ),
    },
    "roles": {
        "1.2": (
            *COMMON,
            *_words("userSourcedId roleType role beginDate endDate orgSourcedId userProfileSourcedId"),
        )
    },
    "demographics": dict.fromkeys(
        ("1.1", "1.2"),
        (
            *COMMON,
            *_words("birthDate sex americanIndianOrAlaskaNative asian blackOrAfricanAmerican"),
            *_words("nativeHawaiianOrOtherPacificIslander white demographicRaceTwoOrMoreRaces"),
            *_words("hispanicOrLatinoEthnicity countryOfBirthCode stateOfBirthAbbreviation cityOfBirth"),
            "publicSchoolResidenceStatus",
        ),
    ),
    "enrollments": dict.fromkeys(
        ("1.1", "1.2"),
        (*COMMON, *_words("classSourcedId schoolSourcedId userSourcedId role primary beginDate endDate")),
    ),
}
"""File -> version -> its columns."""

NEEDED: dict[str, tuple[str, ...]] = {
    "orgs": ("sourcedId", "name", "type"),
    "academicSessions": ("sourcedId", "type", "startDate", "endDate"),
    "users": ("sourcedId", "givenName", "familyName"),
    "roles": ("sourcedId", "userSourcedId", "role", "orgSourcedId"),
    "demographics": ("sourcedId",),
    "enrollments": ("sourcedId", "schoolSourcedId", "userSourcedId", "role"),
}
"""Columns without which a file cannot be read, and cells without which a row cannot."""
ALSO = {("users", "1.1"): ("role",)}

ROLES = frozenset(
    _words(
        "administrator aide counselor districtAdministrator guardian parent principal proctor relative"
        " siteAdministrator student systemAdministrator teacher"
    )
)
GUARDIANS = ("parent", "guardian", "relative")
OPEN = re.compile(r"ext:[A-Za-z0-9._-]{1,64}")
"""A word of a district's own for a role or a type, since version 1.2."""
ORG_TYPES = frozenset({"department", "school", "district", "local", "state", "national"})

SEX = {"male": "male", "female": "female", "other": "other", "unspecified": "unknown"}
SEX_FORMS = {"m": "male", "male": "male", "f": "female", "female": "female", "x": "other", "nonbinary": "other"}
RACES = {
    "americanIndianOrAlaskaNative": ("1002-5", "American Indian or Alaska Native"),
    "asian": ("2028-9", "Asian"),
    "blackOrAfricanAmerican": ("2054-5", "Black or African American"),
    "nativeHawaiianOrOtherPacificIslander": ("2076-8", "Native Hawaiian or Other Pacific Islander"),
    "white": ("2106-3", "White"),
}
"""Column of a race flag -> its OMB category."""
GRADES = frozenset(_words("IT PR PK TK KG 01 02 03 04 05 06 07 08 09 10 11 12 13 PS UG"))
GRADE_SYSTEM = "https://ceds.ed.gov/element/000100"
RELATION = {
    "parent": ("PRN", "parent"),
    "guardian": ("GUARD", "guardian"),
    "relative": ("FAMMEMB", "family member"),
}
STUDENT_IDS = ("studentuniqueid", "stateid", "state", "districtid", "district", "studentid", "sis")
CONTACT_IDS = ("contactuniqueid", "parentuniqueid")
STAFF_IDS = ("staffuniqueid", "staffid", "employeeid", "teacherid")
"""Types of userIds, in lower case, by which a person is known to the state or the district, best first."""
