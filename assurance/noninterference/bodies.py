"""Bodies that the caller sends: resources that refer to what it may see, to what it may not, and to nothing."""

from __future__ import annotations

import json
from random import Random

from app.resources import TYPES
from assurance.noninterference import releases
from assurance.noninterference.draw import STUDENT, Body, Pick
from assurance.noninterference.queries import Queries
from assurance.noninterference.records import build
from assurance.noninterference.scene import Record, Scene

NOBODY = "99999999-0000-4000-8000-00000000abcd"


class Bodies:
    """Draws the contents of writes."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng

    def new(self, scene: Scene, type_name: str) -> str:
        """A resource to create, as JSON."""
        return json.dumps(self.resource(scene, type_name))

    def resource(self, scene: Scene, type_name: str) -> Body:
        """A resource to create."""
        pick = self._pick(scene, hidden=self.rng.random() < 0.15)
        if type_name == "Consent" and self.rng.random() < 0.6:
            return self._release(scene)
        made = build(type_name, self.rng, pick)
        if type_name == "Organization" and self.rng.random() < 0.3:
            made["partOf"] = {"reference": f"Organization/{scene.organizations['caller']}"}
        if type_name == "Task":
            named = self.rng.sample(["caller", "holder", "other"], 2)
            made |= {k: self._organization(scene, n) for k, n in zip(("requester", "owner"), named, strict=True)}
        return made

    def changed(self, scene: Scene, type_name: str, wanted: str) -> tuple[str, str]:
        """An id and new content for it: most of the time of something that the caller has been shown."""
        known = [b for b in scene.seen.values() if b["resourceType"] == type_name]
        if not known or self.rng.random() < 0.25:
            record = scene.records.get(wanted)
            body = dict(record.body) if record and self.rng.random() < 0.5 else self.resource(scene, type_name)
            return wanted, json.dumps({**body, "id": wanted})
        body = dict(self.rng.choice(known))
        if type_name == "Task":
            body["status"] = self.rng.choice(["accepted", "rejected", "completed", "requested"])
        elif self.rng.random() < 0.8:
            new = self.resource(scene, type_name)
            name = self.rng.choice([k for k in new if k not in ("resourceType", "meta")])
            body[name] = new[name]
        return body["id"], json.dumps(body)

    def patch(self, scene: Scene, type_name: str) -> str:
        """A JSON Patch that sets, takes away or tests some elements. https://www.rfc-editor.org/rfc/rfc6902"""
        new = self.resource(scene, type_name)
        names = self.rng.sample([k for k in new if k != "resourceType"], 2)
        kinds = [self.rng.choice(["add", "replace", "remove", "test"]) for _ in names]
        steps = [{"op": k, "path": f"/{n}", "value": new[n]} for k, n in zip(kinds, names, strict=True)]
        return json.dumps([{k: v for k, v in s.items() if k != "value" or s["op"] != "remove"} for s in steps])

    def condition(self, scene: Scene, type_name: str, queries: Queries) -> tuple[str, str]:
        """A criterion for a conditional interaction."""
        chance = self.rng.random()
        if chance < 0.5:
            return "identifier", f"{STUDENT}|S-{self.rng.randrange(1, 7)}"
        if chance < 0.6:
            found = scene.of(type_name, worlds="")
            return "_id", self.rng.choice(found).id if found else NOBODY
        return queries.criterion(scene, type_name)

    def _release(self, scene: Scene) -> Body:
        """A Consent of the caller's, to the holder or to another; not always one that can be signed."""
        people = scene.of("RelatedPerson", worlds="")
        signer: Record | None = self.rng.choice(people) if people else None
        student = signer.student if signer and signer.student else NOBODY
        ids = scene.organizations
        to = self.rng.choice(["holder", "other", "stranger"])
        body = releases.release(self.rng, student, signer.id if signer else NOBODY, ids["caller"], ids[to])
        if self.rng.random() < 0.3:
            body.pop(self.rng.choice(["dateTime", "performer", "sourceAttachment", "policy"]))
        if self.rng.random() < 0.2:
            body["status"] = self.rng.choice(["draft", "inactive"])
        if self.rng.random() < 0.3 and (found := scene.of(worlds="")):
            data = {"meaning": self.rng.choice(["instance", "related", "dependents", "authoredby"])}
            body["provision"]["data"] = [{**data, "reference": {"reference": self.rng.choice(found).reference}}]
        return body

    def _pick(self, scene: Scene, *, hidden: bool) -> Pick:
        """References to what the caller has been shown or holds; `hidden`: to anything, or to nothing."""

        def pick(*types: str) -> dict[str, str] | None:
            if hidden:
                found = scene.of(*types, worlds="")
                text = self.rng.choice(found).reference if found and self.rng.random() < 0.9 else f"{types[0]}/{NOBODY}"
                return {"reference": text}
            held = scene.of(*types, by="caller")
            shown = [f"{b['resourceType']}/{b['id']}" for b in scene.seen.values() if b["resourceType"] in types]
            listed = [r.reference for r in scene.of(*types) if TYPES[r.type].visibility.value == "directory"]
            every = [*(r.reference for r in held), *shown, *listed]
            return {"reference": self.rng.choice(every)} if every else None

        return pick

    def _organization(self, scene: Scene, name: str) -> dict[str, str]:
        return {"reference": f"Organization/{scene.organizations[name]}"}
