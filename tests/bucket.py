"""Object storage on this machine, as much of S3 as Snakemake's storage plugin speaks, in memory."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

XML = '<?xml version="1.0" encoding="UTF-8"?>'


class Bucket(BaseHTTPRequestHandler):
    """One client's requests; what is stored belongs to the server."""

    protocol_version = "HTTP/1.1"
    server: "Storage"

    def do_HEAD(self) -> None:
        key, _ = self._asked()
        self._give(self.server.objects.get(key) if key else b"")

    def do_GET(self) -> None:
        key, query = self._asked()
        if key:
            self._give(self.server.objects.get(key))
            return
        prefix = query.get("prefix", "")
        rows = "".join(
            f"<Contents><Key>{escape(name)}</Key><LastModified>2000-01-01T00:00:00.000Z"
            f"</LastModified><ETag>{self._tag(content)}</ETag><Size>{len(content)}</Size>"
            "</Contents>"
            for name, content in sorted(self.server.objects.items())
            if name.startswith(prefix)
        )
        page = f"{XML}<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        self._give(page.encode())

    def do_PUT(self) -> None:
        key, query = self._asked()
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        part = f"{key}?{int(query['partNumber']):05}" if "partNumber" in query else key
        if key:
            self.server.objects[part] = content
        self._give(b"", self._tag(content))

    def do_POST(self) -> None:
        key, query = self._asked()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "uploads" in query:
            body = f"{XML}<InitiateMultipartUploadResult><UploadId>1</UploadId>"
            self._give(f"{body}</InitiateMultipartUploadResult>".encode())
            return
        parts = sorted(name for name in self.server.objects if name.startswith(f"{key}?"))
        self.server.objects[key] = b"".join(self.server.objects.pop(name) for name in parts)
        self._give(f"{XML}<CompleteMultipartUploadResult></CompleteMultipartUploadResult>".encode())

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._asked()[0], None)
        self._give(b"")

    def log_message(self, *_: Any) -> None:
        """Keep silent."""

    def _asked(self) -> tuple[str, dict[str, str]]:
        """Return the object's name, empty for the bucket itself, and the query."""
        parts = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        return unquote(parts.path).lstrip("/").partition("/")[2], query

    def _tag(self, content: bytes) -> str:
        return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'

    def _give(self, content: bytes | None, tag: str = "") -> None:
        status, whole = (404, b"") if content is None else (200, content)
        body = whole
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            status, first = 206, int(wanted[1])
            body = whole[first : int(wanted[2]) + 1 if wanted[2] else None]
        self.send_response(status)
        if status == 206:
            last = first + len(body) - 1
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(whole)}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", tag or self._tag(whole))
        self.send_header("Last-Modified", formatdate(946684800, usegmt=True))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Storage(ThreadingHTTPServer):
    """The server, with every object by its name."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Bucket)
        self.objects: dict[str, bytes] = {}

    @property
    def options(self) -> list[str]:
        """Snakemake's options for this storage, with credentials that it does not check."""
        return [
            *("--storage-s3-endpoint-url", f"http://127.0.0.1:{self.server_port}"),
            *("--storage-s3-access-key", "nobody", "--storage-s3-secret-key", "nothing"),
        ]


@contextmanager
def running() -> Iterator[Storage]:
    """Serve an empty storage for a while."""
    storage = Storage()
    thread = threading.Thread(target=storage.serve_forever, daemon=True)
    thread.start()
    try:
        yield storage
    finally:
        storage.shutdown()
        storage.server_close()
        thread.join()
