"""Relay to the database: a program that runs in an instance of the release, where the database is reachable."""

IDLE = ("sleep", "86400")
URL = ("python", "-m", "app", "database-url")
PORT = 5432
LISTENS = "listening"  # its first line
# The database may be reachable from there alone. libpq's URL may name several hosts; the first one that answers.
CODE = """
import asyncio, subprocess, sys
from urllib.parse import urlsplit
url = subprocess.run([sys.executable, "-m", "app", "database-url"], stdout=subprocess.PIPE, text=True)
if url.returncode:
    sys.exit(url.returncode)
hosts = []
for host in urlsplit(url.stdout.strip()).netloc.rpartition("@")[2].split(","):
    name, _, port = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "5432")
    hosts.append((name.strip("[]"), int(port)))
async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
async def serve(reader, writer):
    for name, port in hosts:
        try:
            there = await asyncio.wait_for(asyncio.open_connection(name, port), 10)
            break
        except OSError as error:
            print(f"{name}:{port}: {error}", flush=True)
    else:
        return writer.close()
    await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))
async def main():
    address = sys.argv[1] if sys.argv[1:] else "127.0.0.1"
    async with await asyncio.start_server(serve, address, 5432) as server:
        print("listening", flush=True)
        await server.serve_forever()
asyncio.run(main())
"""


def command(address: str) -> tuple[str, ...]:
    """Return the command that listens at this address of its instance. Pure."""
    return "python", "-c", CODE, address
