"""Answers GET and POST after 20 ms with the text of words.txt, and echoes what comes over a WebSocket (RFC 6455).

On SIGTERM it exits at once: a request that is still here then is lost.
"""

import asyncio
import base64
import hashlib
import os
import pathlib
import signal

WORDS = pathlib.Path(__file__).with_name("words.txt").read_bytes()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(WORDS)
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in head[1:])}
            if key := headers.get(b"sec-websocket-key"):
                await echo(key, reader, writer)
                return
            await reader.readexactly(int(headers.get(b"content-length", 0)))
            await asyncio.sleep(0.02)
            writer.write(HEAD + WORDS)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def echo(key: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Short text frames alone, until the client goes."""
    writer.write(UPGRADED + base64.b64encode(hashlib.sha1(key + GUID).digest()) + b"\r\n\r\n")
    while True:
        kind, size = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        masked = await reader.readexactly(size & 0x7F)
        text = bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
        writer.write(bytes([kind, len(text)]) + text)
        await writer.drain()


async def main() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)
    server = await asyncio.start_server(serve, "0.0.0.0", int(os.environ["PORT"]), backlog=1024)
    async with server:
        await server.serve_forever()


asyncio.run(main())
