"""Peers that never answer, answer a byte a second, or never end: commands end, with a message, in bounded memory."""

import concurrent.futures
import http.client
import http.server
import threading
import urllib.parse

from lab import SAMPLES, peak_mb

SECONDS = 300  # three attempts of the SDK, with their time-outs, and room for a machine that is busy
MEMORY_MB = 320  # an answer is read up to 32 MiB, and a run begins with six requests at once
MODES = ("silent", "drip", "endless")
ENDLESS_MB = 2000


class Peer(http.server.ThreadingHTTPServer):
    """Behaves badly for the operations in `only` (all of them if it is empty), and passes the others on to `behind`."""

    daemon_threads = True

    def __init__(self, mode, only=(), behind=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.mode, self.only, self.behind = mode, only, behind
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """The other side went away, which is what it should do."""

    def close(self):
        self.over.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if self.server.behind and operation not in self.server.only:
            return self.pass_on(body)
        getattr(self, self.server.mode)()

    def pass_on(self, body):
        connection = http.client.HTTPConnection(urllib.parse.urlparse(self.server.behind).netloc, timeout=60)
        headers = {
            name: self.headers[name]
            for name in ("Content-Type", "X-Amz-Target", "Authorization")
            if name in self.headers
        }
        connection.request("POST", self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower().startswith(("content-type", "x-amz")):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    def silent(self):
        self.server.over.wait()

    def begin(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(1 << 40))
        self.end_headers()
        self.wfile.write(b'{"Items":[{"id":{"S":"')

    def drip(self):
        self.begin()
        while not self.server.over.wait(1):
            self.wfile.write(b"a")

    def endless(self):
        """20 MB a second, so that memory that grows with it is seen before this machine has none."""
        self.begin()
        for _ in range(ENDLESS_MB // 2):
            self.wfile.write(b"a" * (2 << 20))
            if self.server.over.wait(0.1):
                return


def check(lab, tally):
    peers, processes, servers = [], [], []
    behind = lab.serve(lab.directory("state"), "--tables", SAMPLES)
    servers.append(("the server behind", behind))

    def peer(*arguments):
        peers.append(Peer(*arguments))
        return peers[-1].url

    for mode in MODES:
        processes.append((f"sync with a {mode} AWS_ENDPOINT_URL", lab.start("sync", "--wait", endpoint=peer(mode))))
        url = peer(mode, {"Scan"}, behind.url)
        processes.append((f"crawl with a {mode} answer to Scan", lab.start("crawl", "ProductCatalog", endpoint=url)))
        url = peer(mode, {"Scan"}, behind.url)
        front = lab.serve(lab.directory("state"), "--dynamodb-endpoint", url)
        servers.append((f"serve with a {mode} --dynamodb-endpoint", front))
        command = ("sync", "--wait", "--include", "ProductCatalog")
        processes.append(
            (f"sync to a serve with a {mode} --dynamodb-endpoint", lab.start(*command, endpoint=front.url))
        )

    with concurrent.futures.ThreadPoolExecutor(len(processes)) as pool:
        ends = list(pool.map(lambda each: each[1].wait(SECONDS, 2 * MEMORY_MB), processes))
    slowest = (0, "")
    for (what, _), done in zip(processes, ends):
        tally.hung += done.code is None
        tally.expect(done.code == 1, f"{what}: {done}")
        tally.expect(done.peak_mb < MEMORY_MB, f"{what}: took {done.peak_mb:.0f} MB")
        tally.expect((done.err + done.out).strip(), f"{what}: ends without a word")
        slowest = max(slowest, (done.seconds, what))
    for what, server in servers:
        tally.expect(server.popen.poll() is None, f"{what} ended: {server.said()}")
        tally.expect(peak_mb(server.popen.pid) < MEMORY_MB, f"{what}: took {peak_mb(server.popen.pid):.0f} MB")
    for each in peers:
        each.close()
    for what, server in servers:
        tally.expect(server.stop(), f"{what} does not end when asked to")
    tally.done.append(
        f"{len(processes)} commands with {', '.join(MODES)} peers; slowest {slowest[0]:.0f} s ({slowest[1]})"
    )
