"""A client that a generator makes of the document compiles, and works unmodified.

https://github.com/openapi-generators/openapi-python-client
"""

from __future__ import annotations

import compileall
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.openapi.test_document import BASE, FOLDER
from tests.world import World

BIN = Path(sys.executable).parent
pytest.importorskip("openapi_python_client", reason="the generator is not installed: pip install openapi-python-client")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated client's package."""
    folder = tmp_path_factory.mktemp("generated")
    settings = folder / "settings.yaml"
    settings.write_text("post_hooks: []\n")
    command = ["openapi-python-client", "generate", "--path", str(FOLDER / "hallpass.json"), "--meta", "none"]
    own = ["--config", str(settings), "--output-path", str(folder / "hallpass_client")]
    done = subprocess.run([BIN / command[0], *command[1:], *own], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "duplicate" not in done.stdout
    return folder / "hallpass_client"


@pytest.fixture(scope="module")
def client_of(package: Path) -> ModuleType:
    """The package, imported."""
    sys.path.insert(0, str(package.parent))
    return importlib.import_module(package.name)


def test_every_module_of_the_client_compiles(package: Path) -> None:
    assert compileall.compile_dir(package, quiet=1, workers=1)


@pytest.mark.parametrize("name", ["read", "create", "update", "delete", "search"])
def test_the_client_has_a_method_for_each_interaction(package: Path, name: str) -> None:
    assert (package / "api" / "patient" / f"{name}_patient.py").exists()


async def test_the_client_pushes_and_reads_a_student(world: World, client_of: ModuleType) -> None:
    district = await world.member("District of a generated client")
    token = district.headers["Authorization"].removeprefix("Bearer ")
    client = client_of.AuthenticatedClient(base_url=BASE, token=token)
    client.set_async_httpx_client(httpx.AsyncClient(base_url=BASE, headers=district.headers, transport=_same(world)))
    models = importlib.import_module(f"{client_of.__name__}.models")
    student = models.Patient.from_dict({"resourceType": "Patient", "name": [{"family": "Rivera"}], "birthDate": "2014"})
    created = await _call("create_patient", client, body=student)
    assert created.status_code == 201
    read = await _call("read_patient", client, id=created.parsed.id)
    assert read.parsed.name[0].family == "Rivera"
    found = await _call("search_patient", client, family="rivera")
    assert [e.resource.id for e in found.parsed.entry] == [created.parsed.id]
    refused = await _call("search_patient", client, birthdate="yesterday")
    assert refused.parsed.issue[0].code == "invalid"


async def _call(operation: str, client: Any, **arguments: Any) -> Any:
    module = importlib.import_module(f"{type(client).__module__.partition('.')[0]}.api.patient.{operation}")
    return await module.asyncio_detailed(client=client, **arguments)


def _same(world: World) -> httpx.AsyncBaseTransport:
    """The way to the application under test."""
    return world.http._transport
