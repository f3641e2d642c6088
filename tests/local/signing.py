"""A proxy that signs: clients that can't sign reach the API through it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from tidegate_cli.cloud import Cloud

HOP = {"host", "connection", "content-length", "transfer-encoding", "keep-alive"}


@contextmanager
def signing_proxy(cloud: Cloud) -> Iterator[str]:
    """Serve on a free local port; yield host and port."""
    credentials = cloud.session.get_credentials()
    assert credentials is not None
    api = (urlsplit(cloud.api_url).hostname or "").partition(".")[0]
    host = f"{api}.execute-api.localhost:{urlsplit(cloud.endpoint).port}"
    signer = SigV4Auth(credentials, "execute-api", cloud.session.region_name)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
            request = AWSRequest(
                self.command, f"http://{host}{self.path}", {**headers, "host": host}, body
            )
            signer.add_auth(request)
            with httpx.stream(
                self.command,
                f"{cloud.endpoint}{self.path}",
                content=body,
                headers=dict(request.headers.items()),
                timeout=60,
            ) as reply:
                data = b"".join(reply.iter_raw())
            self.send_response(reply.status_code)
            for name, value in reply.headers.items():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = forward  # noqa: N815 - names of the standard library

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
