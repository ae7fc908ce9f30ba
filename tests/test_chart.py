"""The Helm chart names what there is, and its pods have no more rights than the compose file's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli import COMMANDS
from app.settings import Settings, variable

CHART = Path(__file__).parents[1] / "deploy" / "helm" / "hallpass"
TEMPLATES = {path.name: path.read_text() for path in CHART.glob("templates/*")}
HELM = os.environ.get("HELM") or shutil.which("helm")
GIVEN = {
    "image.repository": "registry.example/hallpass",
    "baseUrl": "https://exchange.example.org",
    "secret": "hallpass",
}
ALL = {**GIVEN, "witness.claim": "witness", "ingress.enabled": "true", "ingress.host": "exchange.example.org"}
ALL |= {"ingress.tlsSecret": "tls", "ingress.className": "nginx"}


def helm(command: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run helm on the chart with these values."""
    if HELM is None:
        pytest.skip("helm is not on this machine")
    values = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
    name = ["exchange"] if command == "template" else []
    return subprocess.run(
        [HELM, command, *name, str(CHART), *values], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def rendered() -> list[dict[str, Any]]:
    """What the chart comes to."""
    ran = helm("template", **ALL)
    assert ran.returncode == 0, ran.stderr
    return [found for found in yaml.safe_load_all(ran.stdout) if found]


def test_the_chart_names_only_settings_and_commands_that_there_are() -> None:
    known = {variable(name) for name in Settings.model_fields}
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    named = {n for text in TEMPLATES.values() for n in re.findall(r"name: (HALLPASS_\w+)", text)}
    assert named
    assert named | set(values["settings"]) <= known
    commands = {c for text in TEMPLATES.values() for c in re.findall(r"args: \[(\w+)\]", text)}
    assert commands == {"serve", "worker", "migrate"} <= set(COMMANDS)


def test_every_value_that_a_template_reads_is_in_the_values() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for path in {p for text in TEMPLATES.values() for p in re.findall(r"\.Values((?:\.\w+)+)", text)}:
        found: Any = values
        for name in path[1:].split("."):
            assert name in found, path
            found = found[name]


def test_helm_finds_nothing_to_say_against_the_chart() -> None:
    ran = helm("lint", **ALL)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "WARNING" not in ran.stdout


@pytest.mark.parametrize("missing", [*GIVEN, "witness.claim"])
def test_what_has_no_default_has_to_be_given(missing: str) -> None:
    ran = helm("template", **{name: value for name, value in ALL.items() if name != missing})
    assert ran.returncode != 0
    assert missing in ran.stderr


def test_every_pod_runs_as_nobody_in_particular_on_a_root_that_it_cannot_write(rendered: list[dict[str, Any]]) -> None:
    pods = [found["spec"]["template"]["spec"] for found in rendered if found["kind"] in ("Deployment", "Job")]
    assert len(pods) == 3
    for pod in pods:
        assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] is True
            assert rights["allowPrivilegeEscalation"] is False
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes


def test_a_server_is_asked_whether_it_is_ready_and_has_the_time_to_drain(rendered: list[dict[str, Any]]) -> None:
    (server,) = [r for r in rendered if r["kind"] == "Deployment" and r["metadata"]["name"] == "exchange-server"]
    pod = server["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    environment = {e["name"]: e["value"] for e in container["env"]}
    drains = float(environment["HALLPASS_DRAIN_SECONDS"])
    longest = float(Settings.model_fields["request_seconds"].default)
    assert pod["terminationGracePeriodSeconds"] >= drains + longest
    assert server["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_no_secret_is_in_what_the_chart_comes_to(rendered: list[dict[str, Any]]) -> None:
    named = [e["name"] for r in rendered for c in _containers(r) for e in c["env"]]
    assert not {"DATABASE_URL", "HALLPASS_KEY"} & set(named)


def _containers(found: dict[str, Any]) -> list[dict[str, Any]]:
    template: dict[str, Any] = found.get("spec", {}).get("template", {}).get("spec", {})
    containers: list[dict[str, Any]] = template.get("containers", [])
    return containers
