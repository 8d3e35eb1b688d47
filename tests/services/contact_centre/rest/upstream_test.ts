import assert from "node:assert/strict";
import { UpstreamTimeout, UpstreamUnavailable } from "../../../../services/errors.ts";
import {
  createUpstream,
  MAX_ANSWER_BYTES,
  type UpstreamOptions,
} from "../../../../services/contact_centre/rest/upstream.ts";
import {
  aborted,
  type ScriptedUpstream,
  type SeenRequest,
  startRawUpstream,
  startUpstream,
  unreachableUrl,
} from "../../../support/scripted_upstream.ts";
import { aRequest } from "../../../support/upstream_request.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";

const OK = '{"statusCode":0}';

function upstreamAt(url: URL, changes: Partial<UpstreamOptions> = {}) {
  return createUpstream({ url, auth: { mode: "forward" }, timeoutMs: 10_000, fetch, ...changes });
}

async function withServer(
  answer: (seen: SeenRequest) => Response | Promise<Response>,
  test: (server: ScriptedUpstream) => Promise<void>,
) {
  const server = startUpstream(answer);
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

async function withRawServer(says: string | Uint8Array, test: (url: URL) => Promise<void>) {
  const server = startRawUpstream(says);
  try {
    await test(server.url);
  } finally {
    await server.close();
  }
}

const unavailable = (reached: "never" | "maybe") => (error: unknown) => {
  assert.ok(error instanceof UpstreamUnavailable, `expected UpstreamUnavailable, got ${error}`);
  assert.equal(error.reached, reached);
  return true;
};

// ------------------------------------------------------------------------------------------- what is sent

for (
  const [name, text] of [
    ["odd whitespace", ' {\r\n\t"operationName" :\u00a0"Accept",  "nickname":"x" }\n\n'],
    [
      "unicode, escaped and not",
      '{"operationName":"SendMessage","text":"\\u00e9 é 😀 \\ud83d\\ude00"}',
    ],
    ["duplicate members and long numbers", '{"a":1.0,"a":12345678901234567890,"b":-0}'],
  ] as const
) {
  Deno.test(`call() sends the same bytes on: ${name}`, async () => {
    await withServer(() => new Response(OK), async ({ url, seen }) => {
      await upstreamAt(url).call(aRequest({ text }));
      assert.deepEqual(seen[0]?.bytes, new TextEncoder().encode(text));
      assert.equal(seen[0]?.headers.get("content-length"), String(seen[0]?.bytes.length));
    });
  });
}

Deno.test("call() sends method, path and query as they are, without a body for GET", async () => {
  await withServer(() => new Response(OK), async ({ url, seen }) => {
    const search = "?fields=*&a=%2f+b%20c&&x";
    await upstreamAt(new URL(`${url.origin}/base/`)).call(
      aRequest({ method: "GET", path: "/api/v2/me/smssessions", search, body: null }),
    );
    assert.equal(seen[0]?.method, "GET");
    assert.equal(seen[0]?.target, `/base/api/v2/me/smssessions${search}`);
    assert.equal(seen[0]?.bytes.length, 0);
  });
});

Deno.test("call() lets nothing but the listed headers arrive upstream", async () => {
  await withServer(() => new Response(OK), async ({ url, seen }) => {
    const untrustedHeaders = new Headers({
      "content-type": "application/json",
      "cookie": "JSESSIONID=stolen",
      "x-agent-id": "somebody-else",
      "x-forwarded-for": "203.0.113.66",
      "x-csrf-token": "t",
      "te": "trailers",
      "upgrade": "h2c",
      "proxy-authorization": "Basic x",
    });
    await upstreamAt(url).call(aRequest({ untrustedHeaders }));
    // accept*, content-length, host and user-agent are fetch's own.
    assert.deepEqual([...seen[0]?.headers.keys() ?? []].toSorted(), [
      "accept",
      "accept-encoding",
      "accept-language",
      "authorization",
      "content-length",
      "content-type",
      "host",
      "user-agent",
      "via",
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-proto",
      "x-request-id",
    ]);
    assert.equal(seen[0]?.headers.get("x-forwarded-for"), "192.0.2.7");
  });
});

// --------------------------------------------------------------------------------------- what comes back

Deno.test("call() brings status, body and date of any complete answer back", async () => {
  const answer = () =>
    new Response('{ "statusCode": 6 }\n', {
      status: 500,
      headers: { "content-type": "application/json", "date": "Sun, 22 Nov 2026 09:59:58 GMT" },
    });
  await withServer(answer, async ({ url }) => {
    const { status, body, dateMs } = await upstreamAt(url).call(aRequest());
    assert.equal(status, 500);
    assert.equal(new TextDecoder().decode(body), '{ "statusCode": 6 }\n');
    assert.equal(dateMs, Date.parse("2026-11-22T09:59:58Z"));
  });
});

Deno.test("call() answers dateMs null where upstream tells no date, or no real one", async () => {
  for (const date of ["", "date: yesterday\r\n"]) {
    await withRawServer(`HTTP/1.1 200 OK\r\n${date}content-length: 2\r\n\r\nok`, async (url) => {
      assert.equal((await upstreamAt(url).call(aRequest())).dateMs, null);
    });
  }
});

Deno.test("call() hands a gzip answer on unpacked, under its true length", async () => {
  const text = JSON.stringify({ statusCode: 0, messages: "x".repeat(5000) });
  const packed = await new Response(
    new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  const answer = () => new Response(packed, { headers: { "content-encoding": "gzip" } });
  await withServer(answer, async ({ url }) => {
    const { headers, body } = await upstreamAt(url).call(aRequest());
    assert.equal(new TextDecoder().decode(body), text);
    assert.equal(headers.get("content-encoding"), null);
    assert.equal(headers.get("content-length"), String(text.length));
  });
});

Deno.test("call() does not follow a redirect", async () => {
  await withServer(() => new Response(OK), async (elsewhere) => {
    const location = `${elsewhere.url}api/v2/me`;
    const answer = () => new Response("moved", { status: 302, headers: { location } });
    await withServer(answer, async ({ url }) => {
      const { status, headers, body } = await upstreamAt(url).call(aRequest());
      assert.equal(status, 302);
      assert.equal(headers.get("location"), null);
      assert.equal(new TextDecoder().decode(body), "moved");
      assert.equal(elsewhere.seen.length, 0);
    });
  });
});

for (const status of [204, 205, 304]) {
  Deno.test(`call() brings a ${status} back with an empty body and no length`, async () => {
    await withRawServer(`HTTP/1.1 ${status} X\r\nconnection: close\r\n\r\n`, async (url) => {
      const answer = await upstreamAt(url).call(aRequest());
      assert.equal(answer.status, status);
      assert.equal(answer.body.length, 0);
      assert.equal(answer.headers.get("content-length"), null);
    });
  });
}

Deno.test("call() waits out an interim 100 answer", async () => {
  const says = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  await withRawServer(says, async (url) => {
    assert.equal((await upstreamAt(url).call(aRequest())).status, 200);
  });
});

// --------------------------------------------------------------------------------------------- deadlines

Deno.test("call() throws UpstreamTimeout when no headers come in time", async () => {
  const clock = createVirtualClock();
  const answer = async ({ signal }: SeenRequest) => {
    await aborted(signal);
    return new Response(OK);
  };
  await withServer(answer, async ({ url, seen, whenSeen }) => {
    const call = upstreamAt(url, { clock, timeoutMs: 3000 }).call(aRequest());
    await whenSeen(1);
    clock.advance(2999);
    assert.equal(seen[0]?.signal.aborted, false);
    clock.advance(1);
    await assert.rejects(call, UpstreamTimeout);
  });
});

Deno.test("call() throws UpstreamTimeout when the headers are fast and the body is slow", async () => {
  const clock = createVirtualClock();
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  const { promise: bodyBegun, resolve: begin } = Promise.withResolvers<void>();
  const answer = () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('{"statusCode":')),
        pull: () => begin(),
        cancel: () => resolve(),
      }),
    );
  await withServer(answer, async ({ url }) => {
    const headersHere = Promise.withResolvers<void>();
    const tellingFetch: typeof fetch = async (...args) => {
      const response = await fetch(...args);
      headersHere.resolve();
      return response;
    };
    const call = upstreamAt(url, { clock, fetch: tellingFetch }).call(aRequest());
    await Promise.all([headersHere.promise, bodyBegun]);
    clock.advance(10_000);
    await assert.rejects(call, UpstreamTimeout);
    await cancelled;
  });
});

Deno.test("call() leaves no timer behind", async () => {
  const clock = createVirtualClock();
  await withServer(() => new Response(OK), async ({ url }) => {
    await upstreamAt(url, { clock }).call(aRequest());
    assert.equal(clock.pending(), 0);
  });
  await assert.rejects(upstreamAt(unreachableUrl(), { clock }).call(aRequest()));
  assert.equal(clock.pending(), 0);
});

Deno.test("call() hangs up on upstream when the client goes away", async () => {
  const sawAbort = Promise.withResolvers<void>();
  const answer = async ({ signal }: SeenRequest) => {
    await aborted(signal);
    sawAbort.resolve();
    return new Response(OK);
  };
  await withServer(answer, async ({ url, whenSeen }) => {
    const client = new AbortController();
    const call = upstreamAt(url).call(aRequest({ signal: client.signal }));
    await whenSeen(1);
    client.abort();
    await assert.rejects(call, unavailable("maybe"));
    await sawAbort.promise;
  });
});

Deno.test("call() sends nothing for a client that has gone already", async () => {
  await withServer(() => new Response(OK), async ({ url, seen }) => {
    const call = upstreamAt(url).call(aRequest({ signal: AbortSignal.abort() }));
    await assert.rejects(call, unavailable("never"));
    assert.equal(seen.length, 0);
  });
});

// ---------------------------------------------------------------------------------------------- failures

Deno.test("call() tells that a refused connection never reached upstream", async () => {
  await assert.rejects(upstreamAt(unreachableUrl()).call(aRequest()), unavailable("never"));
});

Deno.test("call() tells that an unknown name never reached upstream", async () => {
  // A label of 64 octets is none (RFC 1035 §2.3.4), so the resolver gives up without asking the network.
  const url = new URL(`http://${"x".repeat(64)}.invalid`);
  await assert.rejects(upstreamAt(url).call(aRequest()), unavailable("never"));
});

Deno.test("call() tells that a failed TLS handshake never reached upstream", async () => {
  await withRawServer("no TLS here", async (url) => {
    const secure = new URL(`https://${url.host}`);
    await assert.rejects(upstreamAt(secure).call(aRequest()), unavailable("never"));
  });
});

Deno.test("call() tells that a request without the permission to send it never left", async () => {
  const forbidden: typeof fetch = () => Promise.reject(new Deno.errors.NotCapable("net access"));
  const call = upstreamAt(unreachableUrl(), { fetch: forbidden }).call(aRequest());
  await assert.rejects(call, unavailable("never"));
});

for (
  const [name, says] of [
    ["the connection closes before the answer", ""],
    ["the connection closes within the body", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"],
    ["the answer is not HTTP", "\x16\x03\x01 what?\r\n\r\n"],
    [
      "the gzip body is broken",
      "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello",
    ],
    ["the protocol is switched", "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"],
    ["the status is beyond HTTP", "HTTP/1.1 700 Odd\r\ncontent-length: 2\r\n\r\nok"],
  ] as const
) {
  Deno.test(`call() tells that upstream may have acted when ${name}`, async () => {
    await withRawServer(says, async (url) => {
      await assert.rejects(upstreamAt(url).call(aRequest()), unavailable("maybe"));
    });
  });
}

Deno.test("call() refuses an answer that unpacks to more than it can hold", async () => {
  const tooMuch = new Blob([new Uint8Array(MAX_ANSWER_BYTES + 1)]);
  const packed = await new Response(tooMuch.stream().pipeThrough(new CompressionStream("gzip")))
    .bytes();
  const answer = () => new Response(packed, { headers: { "content-encoding": "gzip" } });
  await withServer(answer, async ({ url }) => {
    await assert.rejects(upstreamAt(url).call(aRequest()), (error: Error) => {
      assert.match(error.message, /more than 8388608 bytes$/);
      return unavailable("maybe")(error);
    });
  });
});

Deno.test("call() never shows upstream's address in its messages", async () => {
  const url = unreachableUrl();
  await assert.rejects(upstreamAt(url).call(aRequest()), (error: Error) => {
    assert.equal(
      error.message,
      "Cannot POST /api/v2/me/smssessions/session-1: upstream could not be reached",
    );
    return true;
  });
});
