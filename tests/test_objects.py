"""The export store: a folder, or a store that speaks S3 over HTTP. What is in it is sealed, and bound to its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from app.keyring import Keyring
from app.objects import Objects, StoreFails
from app.settings import Settings

BUCKET = "exports"
SECRET = b"Ada Okafor, born 2012-03-04"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server with a bucket."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "REGION": "us-east-1"}.items():
            patch.setenv(f"AWS_{name}", value)
        client(f"http://{host}:{port}").create_bucket(Bucket=BUCKET)
        yield f"http://{host}:{port}"
    server.stop()


def client(url: str) -> Any:
    """Amazon's own client, to look at what is there."""
    return boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


@pytest.fixture(params=["folder", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A folder, and a bucket."""
    if request.param == "folder":
        return Settings(data_dir=tmp_path, export_store=str(tmp_path / "kept"))
    url = request.getfixturevalue("s3")
    return Settings(data_dir=tmp_path, export_store=f"s3://{BUCKET}/here", export_store_endpoint=url)


def raw(settings: Settings) -> dict[str, bytes]:
    """All that the store has, as who breaks into it finds it."""
    if settings.export_store_endpoint is None:
        root = Path(settings.export_store)
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    there = client(settings.export_store_endpoint)
    listed = there.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {
        one["Key"].removeprefix("here/"): there.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
        for one in listed
    }


def opened(settings: Settings) -> Objects:
    """The store of some settings."""
    found = Objects.of(settings)
    assert found is not None
    return found


async def test_what_is_put_comes_back_and_who_has_the_store_reads_nothing(settings: Settings) -> None:
    objects = opened(settings)
    await objects.put("one/a", SECRET)
    assert await objects.get("one/a") == SECRET
    assert await objects.get("one/b") is None
    assert set(raw(settings)) == {"one/a"}
    assert not any(word in content for content in raw(settings).values() for word in SECRET.split())
    await objects.remove("one")


async def test_an_object_in_the_place_of_another_or_sealed_by_another_key_is_not_opened(settings: Settings) -> None:
    objects = opened(settings)
    await objects.put("one/a", SECRET)
    content = raw(settings)["one/a"]
    other = Objects(objects._store, Keyring([os.urandom(32)]))
    assert await other.get("one/a") is None
    if settings.export_store_endpoint is None:
        (Path(settings.export_store) / "one/b").write_bytes(content)
    else:
        client(settings.export_store_endpoint).put_object(Bucket=BUCKET, Key="here/one/b", Body=content)
    assert await objects.get("one/b") is None
    assert await objects.get("one/a") == SECRET
    await objects.remove("one")


async def test_a_folder_of_names_is_removed_and_no_other(settings: Settings) -> None:
    objects = opened(settings)
    for name in ("one/a", "one/b", "two/a"):
        await objects.put(name, SECRET)
    assert sorted(await objects.folders()) == ["one", "two"]
    await objects.remove("one")
    assert set(raw(settings)) == {"two/a"}
    await objects.remove("two")


async def test_a_store_that_is_not_there_says_so_and_has_nothing(
    tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.objects.RETRIES", 0)
    objects = opened(
        Settings(data_dir=tmp_path, export_store="s3://exports", export_store_endpoint="http://127.0.0.1:9")
    )
    with pytest.raises(StoreFails):
        await objects.put("one/a", SECRET)
    assert await objects.get("one/a") is None


def test_no_store_is_named_by_default(tmp_path: Path) -> None:
    assert Objects.of(Settings(data_dir=tmp_path)) is None


@pytest.mark.parametrize(
    ("place", "endpoint"),
    [
        ("gs://bucket", None),
        ("s3://", None),
        ("s3://bucket?x=1", None),
        ("folder", "https://s3.example.org"),
        ("s3://bucket", "http://s3.example.org"),
        ("s3://bucket", "ftp://s3.example.org"),
    ],
)
def test_a_place_that_is_none_or_unsafe_is_refused(place: str, endpoint: str | None) -> None:
    with pytest.raises(ValueError, match=r"HALLPASS_EXPORT_STORE_ENDPOINT|must be a folder"):
        Settings(export_store=place, export_store_endpoint=endpoint)
