"""Sends requests over HTTP/2 with httpx: 300 on one connection, as many concurrent ones as the server allows.

    http2.py URL [CA]

http:// uses HTTP/2 with prior knowledge (h2c), https:// uses ALPN with CA as the certificate authority.
"""
import asyncio
import ssl
import sys

import httpx

REQUESTS = 300


async def main(url, ca=None):
    verify = ssl.create_default_context(cafile=ca) if ca else False
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    async with httpx.AsyncClient(http1=False, http2=True, verify=verify, limits=limits, timeout=30) as client:
        first = await client.get(f"{url}/api/v1/pilots")
        assert (first.status_code, first.http_version) == (200, "HTTP/2"), first
        # The server's settings, from httpx's connection state.
        [connection] = client._transport._pool.connections
        streams = connection._connection._h2_state.remote_settings.max_concurrent_streams
        assert streams == 100, streams
        answers = await asyncio.gather(*(client.get(f"{url}/api/v1/pilots?max_age_s={age}") for age in range(REQUESTS)))
        assert all(answer.status_code == 200 and answer.http_version == "HTTP/2" for answer in answers)
        assert len(client._transport._pool.connections) == 1
        etag = answers[-1].headers["etag"]
        assert etag.startswith('W/"')
        assert first.headers["content-encoding"] in ("gzip", "br", "zstd", "deflate") or len(first.content) < 64
    print("ALPN" if ca else "h2c", REQUESTS, "requests")


asyncio.run(main(*sys.argv[1:]))
