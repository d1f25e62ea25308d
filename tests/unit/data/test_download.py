"""The table of data files and the downloader, against a local HTTP server that misbehaves."""

import contextlib
import csv
import errno
import hashlib
import io
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import requests
from pydantic import ValidationError
from tenacity import wait_none

from vaentk.data import download
from vaentk.data.download import cache_folder, fetch, fetch_set
from vaentk.data.table import DataFile, read_table
from vaentk.errors import UserError

TABLE = Path(__file__).parents[3] / "config" / "datasets.csv"
BODY = np.random.default_rng(0).bytes(300_000)
SHA256 = "sha256:" + hashlib.sha256(BODY).hexdigest()
PAGE = b"<!DOCTYPE html><html><title>Quota exceeded</title></html>"

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    timeout = 20
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep the test output quiet."""

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        with server.guard:
            server.asked.append((self.path, self.headers.get("Range")))
            answers = server.answers[self.path]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.close_connection = True
        answer(self)

    def head(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()

    def offset(self) -> int:
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(wanted[1]) if wanted else 0


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.guard = threading.Lock()
        self.asked: list[tuple[str, str | None]] = []
        self.answers: dict[str, list[Answer]] = {}

    def file(self, *mirrors: list[Answer] | Answer, checksum: str = SHA256) -> DataFile:
        """Return a row whose mirrors give these answers, one after another (the last repeats)."""
        urls = []
        for index, answers in enumerate(mirrors):
            path = f"/{index}/body.bin"
            self.answers[path] = answers if isinstance(answers, list) else [answers]
            urls.append(f"http://127.0.0.1:{self.server_port}{path}")
        return row(urls, checksum)


def row(urls: list[str], checksum: str = SHA256, name: str = "sample") -> DataFile:
    return DataFile(
        name=name,
        version="1",
        file="body.bin",
        mirrors=tuple(urls),
        bytes=len(BODY),
        checksum=checksum,
        licence="MIT",
        citation="none",
    )


def send(body: bytes, *, stop: int | None = None, ranges: bool = True, **headers: str) -> Answer:
    """Serve `body`, cutting the connection at byte `stop` of it."""

    def answer(handler: Handler) -> None:
        start = handler.offset() if ranges else 0
        if start:
            headers["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        handler.head(206 if start else 200, len(body) - start, **headers)
        handler.wfile.write(body[start : len(body) if stop is None else stop])

    return answer


def status(code: int) -> Answer:
    def answer(handler: Handler) -> None:
        handler.head(code, 4)
        handler.wfile.write(b"sick")

    return answer


def unannounced(body: bytes) -> Answer:
    """Serve `body` without a Content-Length."""

    def answer(handler: Handler) -> None:
        handler.head(200, None)
        handler.wfile.write(body)

    return answer


GOOD = send(BODY)
CORRUPT = send(bytes([BODY[0] ^ 1]) + BODY[1:])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "BACK_OFF", wait_none())
    monkeypatch.setattr(download, "TIMEOUT", (5.0, 5.0))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join(timeout=10)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(requests, "get", refuse)


def put(cache: Path, content: bytes, name: str = "body.bin") -> Path:
    path = cache / "sample" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def failure(file: DataFile, cache: Path) -> str:
    """Return the one sentence with which fetching fails."""
    with pytest.raises(UserError) as caught:
        fetch(file, cache)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert not re.search(r"\. [A-Z]", sentence)
    return sentence


# Fetching


def test_good_file_arrives_whole(server: Server, tmp_path: Path) -> None:
    file = server.file(GOOD)
    path = fetch(file, tmp_path)
    assert path == tmp_path / "sample" / "body.bin" == file.path(tmp_path)
    assert path.read_bytes() == BODY
    assert not (tmp_path / "sample" / "body.bin.part").exists()
    assert server.asked == [("/0/body.bin", None)]


def test_md5_is_checked_too(server: Server, tmp_path: Path) -> None:
    md5 = "md5:" + hashlib.md5(BODY).hexdigest()
    # Our server has no certificate, and a table takes md5 over https alone.
    right = server.file(GOOD).model_copy(update={"checksum": md5})
    assert fetch(right, tmp_path).read_bytes() == BODY
    wrong = right.model_copy(update={"checksum": "md5:" + 32 * "0"})
    assert f"has the checksum {md5} where md5:{32 * '0'} is expected" in failure(wrong, tmp_path)


def test_progress_bar_shows_bytes_and_rate(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(server.file(GOOD), tmp_path)
    shown = capsys.readouterr().err
    assert "body.bin: 100%" in shown
    assert "300k/300k" in shown
    assert "B/s" in shown


@pytest.mark.usefixtures("no_network")
def test_cached_file_needs_no_network_and_no_write(tmp_path: Path) -> None:
    path = put(tmp_path, BODY)
    assert fetch(row(["http://127.0.0.1:9/x"]), tmp_path) == path
    assert os.listdir(path.parent) == ["body.bin"]


def test_wrong_cached_file_is_replaced_only_by_a_verified_one(
    server: Server, tmp_path: Path
) -> None:
    path = put(tmp_path, b"old")
    sentence = failure(server.file(status(404)), tmp_path)
    assert f"{path} has 3 bytes where 300000 are expected" in sentence
    assert path.read_bytes() == b"old"
    fetch(server.file(GOOD), tmp_path)
    assert path.read_bytes() == BODY


def table(folder: Path, *files: DataFile) -> Path:
    """A table of these files, as config/datasets.csv is one."""
    path = folder / "datasets.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(DataFile.model_fields))
        writer.writeheader()
        for file in files:
            plain = file.model_dump()
            writer.writerow(plain | {"mirrors": " ".join(file.mirrors), "bytes": file.bytes or ""})
    return path


def test_a_set_is_its_files_by_name(server: Server, tmp_path: Path) -> None:
    file = server.file(GOOD)
    other = file.model_copy(update={"file": "other.bin", "mirrors": ()})
    elsewhere = file.model_copy(update={"name": "elsewhere"})
    rows = table(tmp_path, file, other, elsewhere)
    cache = tmp_path / "cache"
    found = fetch_set("sample", rows, str(cache), offline=False, files=["body.bin"])
    assert found == {"body.bin": cache / "sample" / "body.bin"}
    assert found["body.bin"].read_bytes() == BODY


@pytest.mark.usefixtures("no_network")
def test_offline_with_a_wrong_file_leaves_it_and_says_so(tmp_path: Path) -> None:
    other = bytes(len(BODY))
    path = put(tmp_path / "cache", other)
    with pytest.raises(UserError) as caught:
        fetch_set("sample", table(tmp_path, row(["http://x/x"])), str(tmp_path / "cache"), True)
    found = hashlib.sha256(other).hexdigest()
    assert f"{path} has the checksum sha256:{found} where {SHA256} is expected" in str(caught.value)
    assert path.read_bytes() == other


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("offline", [False, True])
def test_a_set_that_is_there_needs_no_network(tmp_path: Path, offline: bool) -> None:
    path = put(tmp_path / "cache", BODY)
    rows = table(tmp_path, row(["http://127.0.0.1:9/x"]))
    assert fetch_set("sample", rows, str(tmp_path / "cache"), offline) == {"body.bin": path}


@pytest.mark.usefixtures("no_network")
def test_offline_names_every_missing_file_at_once(tmp_path: Path) -> None:
    first = row(["http://127.0.0.1:9/x"], name="dsprites")
    second = first.model_copy(update={"file": "other.bin", "bytes": None})
    third = first.model_copy(update={"file": "there.bin"})
    cache = tmp_path / "cache"
    (cache / "dsprites").mkdir(parents=True)
    (cache / "dsprites" / "there.bin").write_bytes(BODY)
    with pytest.raises(UserError) as caught:
        fetch_set("dsprites", table(tmp_path, first, second, third), str(cache), offline=True)
    assert str(caught.value) == (
        f"Offline is set, and 2 of 3 files cannot be used: {cache}/dsprites/body.bin is missing "
        f"(300000 bytes, {SHA256}); {cache}/dsprites/other.bin is missing ({SHA256}): put each "
        "there, or set offline: false, or set data.dsprites: drawn."
    )


def test_terms_of_use_are_named_before_the_download(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = server.file(GOOD).model_copy(update={"licence": "research only"})
    fetch(file, tmp_path)
    assert "body.bin of sample: terms of use: research only; cite: none." in capsys.readouterr().err


# Files of which nobody states the size, or which nobody offers


@pytest.mark.parametrize(
    "first",
    [send(BODY, stop=100_000), send(BODY, stop=100_000, ranges=False), unannounced(BODY[:1000])],
    ids=["resumed", "whole-again", "cut-unannounced"],
)
def test_a_file_of_unknown_size_is_resumed_and_checked(
    server: Server, tmp_path: Path, first: Answer
) -> None:
    file = server.file([first, GOOD]).model_copy(update={"bytes": None})
    assert fetch(file, tmp_path).read_bytes() == BODY
    assert len(server.asked) == 2


def test_a_file_of_unknown_size_whose_checksum_is_wrong_is_refused(
    server: Server, tmp_path: Path
) -> None:
    file = server.file(CORRUPT).model_copy(update={"bytes": None})
    sentence = failure(file, tmp_path)
    assert f"where {SHA256} is expected" in sentence
    assert f"put the file there ({SHA256})" in sentence
    assert not file.path(tmp_path).exists()
    page = server.file(send(PAGE), GOOD).model_copy(update={"bytes": None})
    assert fetch(page, tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_of_unknown_size_has_a_cap(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    monkeypatch.setattr("vaentk.data.download.LARGEST", len(BODY) - 1)

    def unannounced(handler: Handler) -> None:
        handler.head(200, None)
        handler.wfile.write(BODY)

    answer = GOOD if announced else unannounced
    file = server.file(answer).model_copy(update={"bytes": None})
    assert f"{len(BODY) - 1}" in failure(file, tmp_path)
    assert not file.path(tmp_path).exists()


def test_an_open_line_needs_a_strong_checksum(tmp_path: Path) -> None:
    row(["https://x/x"], checksum="md5:" + 32 * "0")
    with pytest.raises(ValidationError, match="an http mirror needs a checksum sha256"):
        row(["https://x/x", "http://x/x"], checksum="md5:" + 32 * "0")
    path = tmp_path / "datasets.csv"
    columns = ",".join(DataFile.model_fields)
    path.write_text(f"{columns}\nx,1,f,http://x/x,,md5:{32 * '0'},MIT,none\n")
    with pytest.raises(UserError, match=r"line 2, column mirrors: .* needs a checksum sha256"):
        read_table(path)


@pytest.mark.usefixtures("no_network")
def test_a_file_that_nobody_offers_is_asked_for(tmp_path: Path) -> None:
    sentence = failure(row([], name="cars3d"), tmp_path)
    assert sentence == (
        f"{tmp_path}/cars3d/body.bin is missing, and body.bin is offered nowhere for download: "
        f"put the file there (300000 bytes, {SHA256})."
    )


# Mirrors that fail


@pytest.mark.parametrize(
    ("bad", "reason", "times"),
    [
        pytest.param(status(404), "status 404 Not Found", 1, id="404"),
        pytest.param(status(500), "status 500 Internal Server Error", 4, id="500"),
        pytest.param(status(503), "status 503 Service Unavailable", 4, id="503"),
        pytest.param(send(PAGE), "it delivers an HTML page instead of the file", 1, id="page"),
        pytest.param(
            send(b"quota exceeded", Content_Type="text/html; charset=utf-8"),
            "it delivers an HTML page instead of the file",
            1,
            id="page-by-type",
        ),
        pytest.param(
            unannounced(PAGE), "it delivers an HTML page instead of the file", 1, id="page-open"
        ),
        pytest.param(
            send(BODY[:1000]), "its file has 1000 bytes where 300000 are expected", 1, id="short"
        ),
        pytest.param(
            send(BODY + b"x"), "its file has 300001 bytes where 300000 are expected", 1, id="long"
        ),
        pytest.param(
            unannounced(BODY + b"x"),
            "it delivers more than the 300000 bytes expected",
            1,
            id="long-open",
        ),
        pytest.param(
            unannounced(BODY[:1000]),
            "the connection ended after 1000 of 300000 bytes",
            4,
            id="short-open",
        ),
        pytest.param(CORRUPT, f"where {SHA256} is expected", 1, id="corrupt"),
        pytest.param(
            send(BODY, stop=0), "the connection ended after 0 of 300000 bytes", 4, id="silent"
        ),
    ],
)
def test_bad_mirror_is_named_and_the_next_one_used(
    server: Server, tmp_path: Path, bad: Answer, reason: str, times: int
) -> None:
    alone = server.file(bad)
    sentence = failure(alone, tmp_path)
    assert sentence.startswith("No mirror gave body.bin of sample (")
    assert f"{alone.mirrors[0]}: " in sentence
    assert reason in sentence
    assert f"put the file there (300000 bytes, {SHA256})" in sentence
    assert len(server.asked) == times
    assert not alone.path(tmp_path).exists()

    path = fetch(server.file(bad, GOOD), tmp_path)
    assert path.read_bytes() == BODY
    assert [asked for asked, _ in server.asked[times:]] == ["/0/body.bin"] * times + ["/1/body.bin"]


def test_every_mirror_has_its_reason(server: Server, tmp_path: Path) -> None:
    file = server.file(status(404), send(PAGE), CORRUPT)
    sentence = failure(file, tmp_path)
    places = [sentence.index(url) for url in file.mirrors]
    assert places == sorted(places)
    assert "status 404" in sentence
    assert "HTML page" in sentence
    assert "checksum" in sentence


def test_refused_connection_is_a_reason(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server() as closed:
        port = closed.server_port
    dead = f"http://127.0.0.1:{port}/body.bin"
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    assert f"{dead}: no connection" in failure(row([dead]), tmp_path)


def test_silent_server_times_out(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT", (5.0, 0.1))
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    release = threading.Event()

    def stall(handler: Handler) -> None:
        handler.head(200, len(BODY))
        handler.wfile.write(BODY[:1000])
        handler.wfile.flush()
        release.wait(10)

    try:
        assert "no answer in time" in failure(server.file(stall), tmp_path)
        path = fetch(server.file(status(404), GOOD), tmp_path)
    finally:
        release.set()
    assert path.read_bytes() == BODY
    assert server.asked[-1] == ("/1/body.bin", "bytes=1000-")


@pytest.mark.parametrize("sent", [0, 1000], ids=["from-the-start", "later"])
def test_mirror_that_trickles_is_left_for_the_next(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    """A byte every 5 ms would take 25 minutes and never time out."""
    monkeypatch.setattr(download, "WINDOW", 0.1)
    monkeypatch.setattr(download, "LEAST_RATE", 50_000.0)
    release = threading.Event()

    def trickle(handler: Handler) -> None:
        start = handler.offset()
        content_range = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        handler.head(206 if start else 200, len(BODY) - start, Content_Range=content_range)
        with contextlib.suppress(OSError):
            handler.wfile.write(BODY[start : start + sent])
            for place in range(start + sent, len(BODY)):
                handler.wfile.write(BODY[place : place + 1])
                handler.wfile.flush()
                if release.wait(0.005):
                    return

    try:
        sentence = failure(server.file(trickle), tmp_path)
        assert re.search(r"it gave \d+ bytes in 0 seconds", sentence)
        assert len(server.asked) == download.ATTEMPTS
        path = fetch(server.file(trickle, GOOD), tmp_path)
    finally:
        release.set()
    assert path.read_bytes() == BODY
    assert server.asked[-1][0] == "/1/body.bin"


def test_server_that_recovers_is_asked_again(server: Server, tmp_path: Path) -> None:
    path = fetch(server.file([status(503), status(429), GOOD]), tmp_path)
    assert path.read_bytes() == BODY
    assert len(server.asked) == 3


def test_gz_file_is_not_unpacked_on_the_way(server: Server, tmp_path: Path) -> None:
    labelled = send(BODY, Content_Encoding="gzip")
    assert fetch(server.file(labelled), tmp_path).read_bytes() == BODY


# Resuming


def test_cut_connection_is_resumed(server: Server, tmp_path: Path) -> None:
    answers = [send(BODY, stop=100_000), send(BODY, stop=200_000), GOOD]
    assert fetch(server.file(answers), tmp_path).read_bytes() == BODY
    assert [wanted for _, wanted in server.asked] == [None, "bytes=100000-", "bytes=200000-"]


def test_part_is_kept_after_failure_and_resumed_from_the_next_mirror(
    server: Server, tmp_path: Path
) -> None:
    file = server.file(send(BODY, stop=100_000), [status(404), GOOD])
    sentence = failure(file, tmp_path)
    assert "the connection ended after 100000 of 300000 bytes" in sentence
    assert (tmp_path / "sample" / "body.bin.part").read_bytes() == BODY[:100_000]
    assert fetch(file, tmp_path).read_bytes() == BODY
    assert server.asked[-1] == ("/1/body.bin", "bytes=100000-")


def test_server_that_ignores_range_gives_the_whole_file(server: Server, tmp_path: Path) -> None:
    put(tmp_path, BODY[:1234], "body.bin.part")
    path = fetch(server.file(send(BODY, ranges=False)), tmp_path)
    assert path.read_bytes() == BODY
    assert server.asked == [("/0/body.bin", "bytes=1234-")]


def test_range_not_satisfiable_is_asked_whole(server: Server, tmp_path: Path) -> None:
    put(tmp_path, BODY[:1234], "body.bin.part")
    path = fetch(server.file([status(416), GOOD]), tmp_path)
    assert path.read_bytes() == BODY
    assert [wanted for _, wanted in server.asked] == ["bytes=1234-", None]


def test_answer_with_another_range_is_asked_whole(server: Server, tmp_path: Path) -> None:
    def elsewhere(handler: Handler) -> None:
        handler.head(206, 10, Content_Range=f"bytes 0-9/{len(BODY)}")
        handler.wfile.write(BODY[:10])

    put(tmp_path, BODY[:1234], "body.bin.part")
    path = fetch(server.file([elsewhere, GOOD]), tmp_path)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("page", [send(PAGE, ranges=False), send(BODY[:5000], ranges=False)])
def test_refused_answer_does_not_cost_the_part(
    server: Server, tmp_path: Path, page: Answer
) -> None:
    part = put(tmp_path, BODY[:1234], "body.bin.part")
    failure(server.file(page), tmp_path)
    assert part.read_bytes() == BODY[:1234]


def test_bad_part_costs_one_whole_try_of_the_same_mirror(server: Server, tmp_path: Path) -> None:
    put(tmp_path, bytes(1234), "body.bin.part")
    assert fetch(server.file(GOOD), tmp_path).read_bytes() == BODY
    assert [wanted for _, wanted in server.asked] == ["bytes=1234-", None]


@pytest.mark.usefixtures("no_network")
def test_complete_part_is_verified_and_used(tmp_path: Path) -> None:
    put(tmp_path, BODY, "body.bin.part")
    path = fetch(row(["http://127.0.0.1:9/x"]), tmp_path)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("wrong", [bytes(len(BODY)), BODY + b"x"])
def test_complete_but_wrong_part_starts_again(server: Server, tmp_path: Path, wrong: bytes) -> None:
    put(tmp_path, wrong, "body.bin.part")
    assert fetch(server.file(GOOD), tmp_path).read_bytes() == BODY
    assert server.asked == [("/0/body.bin", None)]


# The file system and other processes


def test_full_disk_keeps_the_part(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.FileIO):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            room = 100_000 - self.tell()
            if room <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(memoryview(data)[:room])

    ordinary = Path.open

    def narrow(self: Path, mode: str = "r", **options: object) -> object:
        if self.suffix == ".part" and "r" not in mode:
            return io.BufferedWriter(Full(self, mode))  # type: ignore[type-var]
        return ordinary(self, mode, **options)  # type: ignore[call-overload]

    file = server.file(GOOD, GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", narrow)
        sentence = failure(file, tmp_path)
    part = tmp_path / "sample" / "body.bin.part"
    assert sentence == (
        f"The disk is full at {part} (100000 of 300000 bytes are there and are kept): free some "
        "space and run again to go on, or set VAENTK_CACHE to another folder."
    )
    assert part.read_bytes() == BODY[:100_000]
    assert not file.path(tmp_path).exists()
    assert fetch(file, tmp_path).read_bytes() == BODY
    assert server.asked == [("/0/body.bin", None), ("/0/body.bin", "bytes=100000-")]


def test_cache_that_cannot_be_written_is_one_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "sample").write_text("a file where the folder should be")
    sentence = failure(server.file(GOOD), tmp_path)
    assert sentence.startswith(
        f"{tmp_path}/sample/body.bin: a file stands where a folder is needed"
    )
    assert "set VAENTK_CACHE to another folder" in sentence
    assert server.asked == []


def test_read_only_file_system_is_one_sentence(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert failure(server.file(GOOD), tmp_path) == (
        f"{tmp_path}/sample/body.bin: the file system can only be read; make it writable and run "
        "again, or set VAENTK_CACHE to another folder."
    )
    assert server.asked == []


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write in any folder"
)
def test_read_only_cache_is_one_sentence(server: Server, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "Permission denied" in failure(server.file(GOOD), tmp_path)
    finally:
        tmp_path.chmod(0o700)


FETCH = """
import sys
from pathlib import Path
from vaentk.data.download import fetch
from vaentk.data.table import DataFile
file = DataFile.model_validate_json(sys.argv[1])
print("ready", flush=True)
fetch(file, Path(sys.argv[2]))
"""


@pytest.fixture
def start() -> Iterator[Callable[[DataFile, Path], subprocess.Popen[str]]]:
    """Start fetching in another process, and return once it is about to ask."""
    started: list[subprocess.Popen[str]] = []
    library = str(Path(download.__file__).parents[2])

    def run(file: DataFile, cache: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", FETCH, file.model_dump_json(), str(cache)]
        paths = os.pathsep.join([library, os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": paths}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate(timeout=20)


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def held(release: threading.Event) -> Answer:
    """Serve the first half, and the rest once released."""

    def answer(handler: Handler) -> None:
        handler.head(200, len(BODY))
        handler.wfile.write(BODY[:150_000])
        handler.wfile.flush()
        release.wait(20)
        handler.wfile.write(BODY[150_000:])

    return answer


def test_two_processes_download_once(
    server: Server, tmp_path: Path, start: Callable[[DataFile, Path], subprocess.Popen[str]]
) -> None:
    release = threading.Event()
    file = server.file(held(release))
    both = [start(file, tmp_path), start(file, tmp_path)]
    for process in both:
        ready(process)
    wait_until(lambda: bool(server.asked))
    time.sleep(0.2)
    release.set()
    assert [process.wait(timeout=20) for process in both] == [0, 0]
    assert len(server.asked) == 1
    assert file.path(tmp_path).read_bytes() == BODY


def test_two_threads_download_once(server: Server, tmp_path: Path) -> None:
    release = threading.Event()
    file = server.file(held(release))
    both = [threading.Thread(target=fetch, args=(file, tmp_path)) for _ in range(2)]
    for thread in both:
        thread.start()
    wait_until(lambda: bool(server.asked))
    time.sleep(0.1)
    release.set()
    for thread in both:
        thread.join(timeout=20)
    assert len(server.asked) == 1
    assert file.path(tmp_path).read_bytes() == BODY


def test_killed_in_the_middle_then_resumed(
    server: Server, tmp_path: Path, start: Callable[[DataFile, Path], subprocess.Popen[str]]
) -> None:
    release = threading.Event()
    file = server.file([held(release), GOOD])
    process = start(file, tmp_path)
    ready(process)
    part = tmp_path / "sample" / "body.bin.part"
    wait_until(lambda: part.exists() and part.stat().st_size >= 100_000)
    process.kill()
    process.wait(timeout=20)
    release.set()
    assert not file.path(tmp_path).exists()
    kept = part.stat().st_size
    assert fetch(file, tmp_path).read_bytes() == BODY
    assert server.asked[-1] == ("/0/body.bin", f"bytes={kept}-")


def test_waiting_process_takes_over_from_a_killed_one(
    server: Server, tmp_path: Path, start: Callable[[DataFile, Path], subprocess.Popen[str]]
) -> None:
    release = threading.Event()
    file = server.file([held(release), GOOD])
    first = start(file, tmp_path)
    part = tmp_path / "sample" / "body.bin.part"
    wait_until(lambda: part.exists() and part.stat().st_size >= 100_000)
    second = start(file, tmp_path)
    ready(second)
    time.sleep(0.2)
    assert second.poll() is None
    assert len(server.asked) == 1
    kept = part.stat().st_size
    first.kill()
    first.wait(timeout=20)
    assert second.wait(timeout=20) == 0
    release.set()
    assert server.asked[1:] == [("/0/body.bin", f"bytes={kept}-")]
    assert file.path(tmp_path).read_bytes() == BODY


# The cache folder and the table


def test_cache_folder_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("VAENTK_CACHE", raising=False)
    assert cache_folder(None) == tmp_path / ".cache" / "vaentk"
    assert cache_folder("~/data") == tmp_path / "data"
    monkeypatch.setenv("VAENTK_CACHE", str(tmp_path / "mine"))
    assert cache_folder("~/data") == tmp_path / "mine"
    monkeypatch.setenv("VAENTK_CACHE", "")
    assert cache_folder("~/data") == tmp_path / "data"


def test_table_holds_torchvisions_mnist() -> None:
    mnist = pytest.importorskip("torchvision.datasets").MNIST
    files = [file for file in read_table(TABLE) if file.name == "mnist"]
    assert [file.file for file in files] == [name for name, _ in mnist.resources]
    for file in files:
        assert file.mirrors == tuple(mirror + file.file for mirror in mnist.mirrors)


def test_table_agrees_with_the_real_files_and_torchvisions_md5() -> None:
    mnist = pytest.importorskip("torchvision.datasets").MNIST
    folder = os.environ.get("VAENTK_TEST_CACHE") or os.environ.get("VAENTK_CACHE")
    files = {file.file: file for file in read_table(TABLE) if file.name == "mnist"}
    if not folder or not all(file.path(Path(folder)).exists() for file in files.values()):
        pytest.skip("needs the MNIST files in VAENTK_TEST_CACHE or VAENTK_CACHE")
    for name, md5 in mnist.resources:
        path = fetch(files[name], Path(folder))
        assert hashlib.md5(path.read_bytes()).hexdigest() == md5


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("name", "../up", "(found '../up')"),
        ("file", "a/b.gz", "(found 'a/b.gz')"),
        ("mirrors", "ftp://host/x", "(found 'ftp://host/x')"),
        ("bytes", "9.9e6", "input should be a valid integer (found '9.9e6')"),
        ("bytes", "0", "input should be greater than 0 (found '0')"),
        ("bytes", "-5", "input should be a valid integer (found '-5')"),
        ("checksum", "sha1:00", "(found 'sha1:00')"),
        ("checksum", "md5:" + 31 * "0", "(found 'md5:0000000000000000000000000000000')"),
        ("licence", "", "(found '')"),
    ],
)
def test_bad_cell_names_row_and_column(tmp_path: Path, column: str, value: str, words: str) -> None:
    with TABLE.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[1][column] = value
    path = tmp_path / "datasets.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(UserError) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}, row at line 3, column {column}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [lines[0].replace("bytes", "size"), *lines[1:]], "must begin with"),
        (lambda _: [], "must begin with"),
        (lambda lines: [*lines, lines[1]], "lists train-images-idx3-ubyte.gz of mnist twice"),
        (lambda lines: [lines[0], lines[1] + ",more"], "row at line 2 must have 8 columns"),
        (lambda lines: [lines[0], "mnist,1998"], "row at line 2 must have 8 columns"),
        (lambda lines: [lines[0], '"open'], "cannot be read as a csv table"),
    ],
)
def test_bad_table_is_one_sentence(
    tmp_path: Path, change: Callable[[list[str]], list[str]], words: str
) -> None:
    path = tmp_path / "datasets.csv"
    path.write_text("\n".join(change(TABLE.read_text().splitlines())))
    with pytest.raises(UserError, match=re.escape(words)):
        read_table(path)


def test_missing_table_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.csv cannot be read as a csv table"):
        read_table(tmp_path / "absent.csv")
