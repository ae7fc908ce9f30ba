"""EpisodeOfCare: the time in which an organization is responsible for a student.
https://hl7.org/fhir/R4/episodeofcare.html
"""

from __future__ import annotations

from fhir.resources.R4B.episodeofcare import EpisodeOfCare

from app.resources.declaration import ResourceType, Visibility

EPISODE_OF_CARE = ResourceType(
    name="EpisodeOfCare",
    model=EpisodeOfCare,
    visibility=Visibility.COMPARTMENT,
    student="patient",
    codes=("type",),
    clinical_date=("period",),
    authors=("careManager",),
)
