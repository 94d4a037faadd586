"""The load balancer."""

import http.client

from tests.support.ecs_front.answering import Answering
from tests.support.ecs_front.targets import targets
from tests.support.ecs_front.upstream import HOP


class Balancer(Answering):
    """Sends each request to a healthy target, and answers 503 without one. Nothing is repeated."""

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chosen = targets.choose()
        if chosen is None:
            return self.reply(503, [], b"no healthy target")
        connection = http.client.HTTPConnection(*chosen, timeout=60)
        try:
            kept = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            connection.request(self.command, self.path, body or None, kept)
            answer = connection.getresponse()
            content = answer.read()
            return self.reply(answer.status, answer.getheaders(), content)
        except OSError as error:
            return self.reply(502, [], repr(error).encode())
        finally:
            connection.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any
