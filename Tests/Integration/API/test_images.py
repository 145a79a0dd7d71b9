"""The image endpoints."""

import io
import json
import tarfile
import urllib.parse

from harness import images


def test_list_and_inspect(daemon):
    one = [image for image in daemon.api("GET", "/images/json").json if "busybox:latest" in image["RepoTags"]][0]
    assert one["Id"].startswith("sha256:") and one["Size"] > 1_000_000 and one["Created"] > 1_600_000_000
    facts = daemon.api("GET", "/images/busybox/json").json
    assert facts["Id"] == one["Id"] and facts["RepoTags"] == ["busybox:latest"] and facts["Config"]["Cmd"] == ["sh"]
    for name in (one["Id"], one["Id"][7:19], "busybox:latest", "docker.io/library/busybox"):
        assert daemon.api("GET", f"/images/{name}/json").json["Id"] == one["Id"], name
    answer = daemon.api("GET", "/images/nosuch/json")
    assert answer.status == 404 and answer.message.lower().endswith("no such image: nosuch:latest")


def test_filters(daemon):
    def found(filters: dict) -> int:
        return len(daemon.api("GET", "/images/json?filters=" + urllib.parse.quote(json.dumps(filters))).json)

    assert found({"reference": ["busybox"]}) == 1 and found({"reference": ["nosuch"]}) == 0
    assert found({"dangling": ["true"]}) == 0


def test_history(daemon):
    lines = daemon.api("GET", "/images/busybox/history").json
    assert [line["Size"] > 0 for line in lines] == [False, True]
    assert lines[0]["Tags"] == ["busybox:latest"] and lines[0]["Id"].startswith("sha256:")


def test_tag_and_delete(daemon):
    assert daemon.api("POST", "/images/busybox/tag?repo=api/test&tag=1").status == 201
    assert daemon.api("POST", "/images/busybox/tag?repo=BAD&tag=1").status in (400, 500)
    assert daemon.api("POST", "/images/nosuch/tag?repo=x&tag=1").status == 404
    answer = daemon.api("DELETE", "/images/api/test:1")
    assert answer.status == 200 and answer.json == [{"Untagged": "api/test:1"}]
    assert daemon.api("DELETE", "/images/api/test:1").status == 404


def test_delete_of_the_last_name_deletes_layers(daemon, shared_engine):
    daemon.load("hello-world")
    done = daemon.api("DELETE", "/images/hello-world").json
    assert done[0] == {"Untagged": "hello-world:latest"}
    assert [set(one) for one in done[1:]] == [{"Deleted"}, {"Deleted"}]


def test_conflict_and_force(daemon):
    daemon.load("hello-world")
    identifier = daemon.api("POST", "/containers/create", {"Image": "hello-world"}).json["Id"]
    image = daemon.api("GET", "/images/hello-world/json").json["Id"]
    answer = daemon.api("DELETE", "/images/hello-world")
    assert answer.status == 409 and "conflict: unable to remove repository reference" in answer.message
    answer = daemon.api("DELETE", f"/images/{image}")
    assert answer.status == 409 and "conflict: unable to delete" in answer.message
    assert daemon.api("DELETE", "/images/hello-world?force=1").status == 200
    assert daemon.api("GET", "/images/hello-world/json").status == 404
    assert daemon.api("DELETE", f"/containers/{identifier}").status == 204


def test_load_answers_with_progress_lines(daemon):
    data = images.archive("hello-world", "docker").read_bytes()
    answer = daemon.api("POST", "/images/load", data, {"Content-Type": "application/x-tar"})
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert answer.status == 200 and {"stream": "Loaded image: hello-world:latest\n"} in lines
    daemon.api("DELETE", "/images/hello-world")


def test_get_is_an_archive(daemon):
    answer = daemon.api("GET", "/images/busybox/get")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/x-tar"
    assert b"manifest.json" in answer.body
    answer = daemon.api("GET", "/images/get?names=busybox")
    assert answer.status == 200 and b"manifest.json" in answer.body


def test_create_from_source(daemon):
    answer = daemon.api("POST", "/images/create?fromSrc=-&repo=imported&tag=1&message=hand", _small_archive(),
                        {"Content-Type": "application/x-tar"})
    assert answer.status == 200 and json.loads(answer.body.splitlines()[-1])["status"].startswith("sha256:")
    assert daemon.api("GET", "/images/imported:1/json").json["Comment"] == "hand"
    assert daemon.api("DELETE", "/images/imported:1").status == 200


def _small_archive() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        info = tarfile.TarInfo("file")
        info.size = 2
        archive.addfile(info, io.BytesIO(b"x\n"))
    return data.getvalue()
