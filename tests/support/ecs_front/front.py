# /// script
# requires-python = ">=3.11"
# dependencies = ["botocore>=1.42,<2"]
# ///
"""A proxy in front of the emulator of AWS, and a load balancer in front of its tasks.

The emulator calls every target healthy, stops the old tasks a second after the new ones have started, names no
deployment in its tasks, and is never throttled. The proxy corrects this by what really runs: the load balancer asks
each target for `/ready`, and a deployment is complete when all of its targets are healthy; only then are the old tasks
drained. Until then the emulator is asked for one task more than it has room for. Every answer that the proxy makes or
changes is validated by botocore's own model of the service. `POST /_control` with JSON sets the faults: {"throttle":
SHARE, "expired": BOOL, "autoscaled": BOOL}. {"fire": NAME} starts the task of a schedule, which the emulator keeps
without starting tasks.

Prints its two ports. Argument: the emulator's address.
"""

import sys
import threading
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.support.ecs_front.api import Api
from tests.support.ecs_front.balancer import Balancer
from tests.support.ecs_front.services import services
from tests.support.ecs_front.targets import targets
from tests.support.ecs_front.upstream import emulator

if __name__ == "__main__":
    emulator.update(address=urlsplit(sys.argv[1]).netloc, region=sys.argv[2])
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (Api, Balancer)]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    for work in (targets.watch, services.run):
        threading.Thread(target=work, daemon=True).start()
    print(*(server.server_port for server in servers), flush=True)
    sys.stdin.read()  # until the test ends
