"""Answers every request after 100 ms with the release it belongs to, and exits on SIGTERM at once: the worst case for
a switch, because a request that is still here when the signal comes is lost."""

import asyncio
import os

ANSWER = f"{os.environ.get('GREETING', 'hello')} {os.environ.get('RELEASE_VERSION', '')}\n".encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    await reader.readexactly(int(line.split(b":")[1]))
            await asyncio.sleep(0.1)
            writer.write(HEAD + ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "0.0.0.0", int(os.environ["PORT"]), backlog=1024)
    async with server:
        await server.serve_forever()


asyncio.run(main())
