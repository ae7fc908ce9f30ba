"""The ODS/API as what services delivered are written to: interventions, and the students that took part.

https://docs.ed-fi.org/reference/ods-api/client-developers-guide/ — a POST is an upsert by the natural key, so that
what is written again changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx

from app.errors import HallpassError, Kind
from app.intake.edfi.api import root
from app.intake.pull.authorize import auth_of
from app.intake.pull.credentials import Credentials
from app.intake.pull.provider import Provider

CLASS = "uri://ed-fi.org/InterventionClassDescriptor#Practice"
METHOD = "uri://ed-fi.org/DeliveryMethodDescriptor#Individual"
ASSOCIATIONS, INTERVENTIONS = "studentInterventionAssociations", "interventions"
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


@dataclass(slots=True)
class Ods:
    """One API, for a district by its LocalEducationAgencyId."""

    provider: Provider
    data: str
    agency: int
    known: dict[str, date] = field(default_factory=dict)
    """The interventions that were written by this run, with their first day."""

    def write(self, student: str, intervention: str, begins: date, minutes: int) -> str:
        """Write that a student took part; answers the id of the association. Raises HallpassError.

        Kind.INVALID where the API refuses this one; UNAVAILABLE and LOGIN where it takes none at all.
        """
        if self.known.get(intervention) != begins:
            self._post(INTERVENTIONS, self._intervention(intervention, begins))
            self.known[intervention] = begins
        association: dict[str, Any] = {
            "studentReference": {"studentUniqueId": student},
            "interventionReference": self._key(intervention),
        }
        place = self._post(ASSOCIATIONS, association | ({"dosage": minutes} if minutes else {}))
        found = place.rstrip("/").rpartition("/")[2]
        if not _ID.fullmatch(found):
            raise HallpassError(Kind.INVALID, "The API does not say under which id it keeps what was written.")
        return found

    def remove(self, own: str) -> None:
        """Take an association back; well too where it is gone already. Raises HallpassError."""
        gone = frozenset({httpx.codes.NOT_FOUND, httpx.codes.GONE})
        self.provider.send("DELETE", f"{self.data}/ed-fi/{ASSOCIATIONS}/{own}", allow=gone)

    def _post(self, resource: str, body: dict[str, Any]) -> str:
        answer = self.provider.send("POST", f"{self.data}/ed-fi/{resource}", body)
        return str(answer.headers.get("Location", ""))

    def _intervention(self, code: str, begins: date) -> dict[str, Any]:
        return {
            "educationOrganizationReference": {"educationOrganizationId": self.agency},
            "interventionIdentificationCode": code,
            "beginDate": begins.isoformat(),
            "interventionClassDescriptor": CLASS,
            "deliveryMethodDescriptor": METHOD,
        }

    def _key(self, code: str) -> dict[str, Any]:
        return {"educationOrganizationId": self.agency, "interventionIdentificationCode": code}


def open_ods(http: httpx.Client, url: str, credentials: Credentials, agency: int, backoff: float) -> Ods:
    """The API at an address. Raises HallpassError where there is none."""
    provider = Provider(http, None, backoff=backoff)
    found = root(provider, url)
    provider.auth = auth_of(credentials, found.token)
    return Ods(provider, found.data.rstrip("/"), agency)
