"""A third-party WebSocket client (`websockets`): for each subprotocol, with and without permessage-deflate, sends a message
and prints each message of the server as a line of hex.

    exact.py URL HEX-TO-SEND TEXT-TO-SEND
"""
import asyncio
import sys

import websockets


async def listen(url, subprotocol, offer, message):
    def report(*parts):
        print(subprotocol, offer, *parts, flush=True)

    compression = "deflate" if offer == "deflate" else None
    async with websockets.connect(url, subprotocols=[subprotocol], max_size=None, compression=compression) as socket:
        agreed = any(extension.name == "permessage-deflate" for extension in socket.protocol.extensions)
        report("agreed", socket.subprotocol, "deflate" if agreed else "plain")
        await socket.send(message)
        try:
            while True:
                frame = await socket.recv()
                if isinstance(frame, bytes):
                    report("binary", frame.hex())
                else:
                    report("text", frame.encode().hex())
        except websockets.ConnectionClosed as closed:
            report("closed", closed.rcvd.code if closed.rcvd else 1006)


async def main(url, binary, text):
    messages = {"updraft.v1.proto": bytes.fromhex(binary), "updraft.v1.json": text}
    offers = ["plain", "deflate"]
    await asyncio.gather(*(listen(url, name, offer, body) for name, body in messages.items() for offer in offers))


asyncio.run(main(*sys.argv[1:]))
