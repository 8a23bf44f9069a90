"""A web server on this machine, with the faults that servers on other machines have."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder; ranges of files too, if the server has them."""

    server: "Web"

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def end_headers(self) -> None:
        if not self.server.lists:
            self.close_connection = True
        super().end_headers()

    def list_directory(self, path: Any) -> Any:
        if self.server.lists:
            return super().list_directory(path)
        self.send_error(403, "no listing")
        return None

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Range")))
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        path = Path(self.translate_path(self.path))
        if not path.is_file() or (match is None and not self.server.drops):
            super().do_GET()
            return
        content = path.read_bytes()
        first, last = (int(match[1]), int(match[2] or len(content) - 1)) if match else (0, len(content) - 1)
        if match and self.server.ranges:
            part = content[first : last + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(content)}")
        else:
            part = content
            self.send_response(200)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if self.server.drops and len(part) > 1:
            self.server.drops -= 1
            part = part[: len(part) // 2]
            self.close_connection = True
        self.wfile.write(part)


class Web(ThreadingHTTPServer):
    """A server of a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.ranges = True  # it sends parts of files
        self.lists = False  # it lists folders
        self.drops = 0  # so many answers break off in the middle
        self.asked: list[tuple[str, str | None]] = []  # paths and ranges


@contextmanager
def serving(folder: Path) -> Iterator[Web]:
    """Serve a folder while the block runs."""
    with Web(folder) as web:
        thread = Thread(target=web.serve_forever, daemon=True)
        thread.start()
        try:
            yield web
        finally:
            web.shutdown()
            thread.join()
