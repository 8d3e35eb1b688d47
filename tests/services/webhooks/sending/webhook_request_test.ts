import assert from "node:assert/strict";
import { NotSent } from "../../../../services/http/network_failure.ts";
import type { HttpTransport } from "../../../../services/http/transport.ts";
import {
  MAX_ANSWER_BYTES,
  postWebhook,
  type WebhookAnswer,
} from "../../../../services/webhooks/sending/webhook_request.ts";
import { createDirectClient } from "../../../support/direct_client.ts";
import { createVirtualClock, type VirtualClock } from "../../../support/virtual_clock.ts";

const TIMEOUT_MS = 15_000;
const BODY = new TextEncoder().encode('{"name":"Zoë 🛎️"}');

interface Exchange {
  readonly answer: Promise<WebhookAnswer>;
  readonly clock: VirtualClock;
  /** Resolves when the answer's status and headers have come. */
  readonly headersCame: Promise<void>;
  readonly shutDown: () => void;
}

function post(url: string): Exchange {
  const clock = createVirtualClock();
  const ending = new AbortController();
  const headersCame = Promise.withResolvers<void>();
  const client = createDirectClient();
  const answer = postWebhook(
    { url, headers: { "content-type": "application/json", "x-own": "1" }, body: BODY },
    {
      transport: async (request, ending) => {
        const answer = await client.transport(request, ending);
        headersCame.resolve();
        return answer;
      },
      clock,
      timeoutMs: TIMEOUT_MS,
      signal: ending.signal,
    },
  );
  // Nothing is to be left open when an answer has come, whatever a test does then.
  client.close();
  return { answer, clock, headersCame: headersCame.promise, shutDown: () => ending.abort() };
}

/** A consumer that answers by `handler`, for the time of `use`. */
async function withConsumer(
  handler: (request: Request) => Response | Promise<Response>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  try {
    await use(`http://127.0.0.1:${server.addr.port}/hook`);
  } finally {
    await server.shutdown();
  }
}

/** A consumer that reads the request's beginning and then does as `act` says with the bare connection. */
async function withConnection(
  act: (connection: Deno.TcpConn) => void | Promise<void>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(4_096));
    await act(connection);
  })();
  await use(`http://127.0.0.1:${listener.addr.port}/hook`);
  await served;
}

/** Never answers; ends when the client goes away. `reached` resolves when the request has come. */
function hanging() {
  const reached = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const handler = async (request: Request) => {
    request.signal.addEventListener("abort", () => left.resolve());
    await request.text();
    reached.resolve();
    await left.promise;
    return new Response(null, { status: 503 });
  };
  return { handler, reached: reached.promise, left: left.promise };
}

/** A body that never ends by itself; `cancelled` resolves when the client has gone away. */
function endless(chunk: Uint8Array, { repeat }: { repeat: boolean }) {
  const cancelled = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(chunk),
    // Without another chunk the stream stays open and silent.
    pull: (controller) => repeat ? controller.enqueue(chunk) : new Promise(() => {}),
    cancel: () => cancelled.resolve(),
  });
  return { body, cancelled: cancelled.promise };
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("a request carries the headers and the very bytes, and the answer comes back with its beginning", async () => {
  let seen: { method: string; own: string | null; bytes: Uint8Array } | undefined;
  await withConsumer(async (request) => {
    const bytes = new Uint8Array(await request.arrayBuffer());
    seen = { method: request.method, own: request.headers.get("x-own"), bytes };
    return new Response("thanks", { status: 202 });
  }, async (url) => {
    const { answer, clock } = post(url);
    assert.deepEqual(await answer, {
      kind: "answer",
      status: 202,
      firstByteAtMs: clock.now(),
      retryAfterMs: null,
      untrustedBody: new TextEncoder().encode("thanks"),
      cutOff: null,
    });
    assert.deepEqual(seen, { method: "POST", own: "1", bytes: BODY });
    assert.equal(clock.pending(), 0, "the deadline's timer is given back");
  });
});

Deno.test("a redirect is an answer and is not followed", async () => {
  let requests = 0;
  await withConsumer(() => {
    requests += 1;
    return new Response(null, { status: 307, headers: { location: "/elsewhere" } });
  }, async (url) => {
    const answer = await post(url).answer;
    assert.ok(answer.kind === "answer");
    assert.equal(answer.status, 307);
    assert.equal(requests, 1);
  });
});

Deno.test("Retry-After is read by the clock that is handed in", async () => {
  const headers = { "retry-after": "Sun, 22 Nov 2026 10:01:30 GMT" };
  await withConsumer(() => new Response(null, { status: 429, headers }), async (url) => {
    const answer = await post(url).answer;
    assert.ok(answer.kind === "answer");
    assert.equal(answer.retryAfterMs, 90_000);
  });
});

Deno.test("no answer within the deadline is a timeout, and the connection is dropped", async () => {
  const consumer = hanging();
  await withConsumer(consumer.handler, async (url) => {
    const { answer, clock } = post(url);
    await consumer.reached;
    clock.advance(TIMEOUT_MS - 1);
    clock.advance(1);
    assert.deepEqual(await answer, {
      kind: "failure",
      class: "timeout",
      detail: "No answer within 15000 ms",
    });
    await consumer.left;
  });
});

Deno.test("a shutdown ends an attempt under way, and one that has not begun", async () => {
  const consumer = hanging();
  await withConsumer(consumer.handler, async (url) => {
    const { answer, clock, shutDown } = post(url);
    await consumer.reached;
    shutDown();
    const ended = await answer;
    assert.ok(ended.kind === "failure");
    assert.equal(ended.class, "shutdown");
    assert.equal(clock.pending(), 0);

    const late = await postWebhook({ url, headers: {}, body: BODY }, {
      transport: createDirectClient().transport,
      clock,
      timeoutMs: TIMEOUT_MS,
      signal: AbortSignal.abort(),
    });
    assert.ok(late.kind === "failure");
    assert.equal(late.class, "shutdown");
  });
});

Deno.test("a body that drips past the deadline is cut off, and the status that came stands", async () => {
  const { body, cancelled } = endless(new TextEncoder().encode("drip"), { repeat: false });
  await withConsumer(() => new Response(body), async (url) => {
    const { answer, clock, headersCame } = post(url);
    await headersCame;
    clock.advance(TIMEOUT_MS);
    const cut = await answer;
    assert.ok(cut.kind === "answer");
    assert.equal(cut.status, 200);
    assert.equal(cut.cutOff, "The answer's body was not over at the timeout");
    await cancelled;
  });
});

Deno.test("the first byte is told from the rest of the answer", async () => {
  const clock = createVirtualClock();
  const startedAtMs = clock.now();
  const pieces = ["late"];
  const transport: HttpTransport = () => {
    clock.advance(40);
    const read = () => {
      clock.advance(150);
      const piece = pieces.shift();
      return Promise.resolve(piece === undefined ? null : new TextEncoder().encode(piece));
    };
    return Promise.resolve({ status: 200, headers: new Headers(), body: { read, cancel() {} } });
  };
  const answer = await postWebhook({ url: "https://hook.test/", headers: {}, body: BODY }, {
    transport,
    clock,
    timeoutMs: TIMEOUT_MS,
    signal: new AbortController().signal,
  });
  assert.ok(answer.kind === "answer");
  assert.equal(textOf(answer.untrustedBody), "late");
  assert.equal(answer.firstByteAtMs, startedAtMs + 40);
  assert.equal(clock.now(), startedAtMs + 340);
});

Deno.test("of a body without end 16 KiB are read, then the rest is cancelled", async () => {
  const { body, cancelled } = endless(new Uint8Array(1_000).fill(0x61), { repeat: true });
  await withConsumer(() => new Response(body, { status: 500 }), async (url) => {
    const answer = await post(url).answer;
    assert.ok(answer.kind === "answer");
    assert.equal(answer.status, 500);
    assert.match(textOf(answer.untrustedBody), /^a+$/);
    assert.equal(answer.untrustedBody.length, MAX_ANSWER_BYTES - 1);
    assert.equal(answer.cutOff, null);
    await cancelled;
  });
});

Deno.test("a compressed body is bounded by what comes out of it", async () => {
  const zeros = new Blob([new Uint8Array(64 * 1_024 * 1_024)]);
  const bomb = new Uint8Array(
    await new Response(zeros.stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer(),
  );
  const headers = { "content-encoding": "gzip" };
  await withConsumer(() => new Response(bomb, { headers }), async (url) => {
    const before = Deno.memoryUsage().external;
    const answer = await post(url).answer;
    assert.ok(answer.kind === "answer");
    assert.equal(answer.untrustedBody.length, MAX_ANSWER_BYTES - 1);
    assert.ok(Deno.memoryUsage().external - before < 64 * MAX_ANSWER_BYTES);
  });
});

Deno.test("a connection closed before an answer is lost: the request may have arrived", async () => {
  await withConnection(() => {}, async (url) => {
    const answer = await post(url).answer;
    assert.ok(answer.kind === "failure");
    assert.equal(answer.class, "connection-lost");
    assert.match(answer.detail, /connection closed/);
    assert.ok(!answer.detail.includes("/hook"), "the URL, with what may be in it, is left out");
  });
});

Deno.test("a connection that breaks within the body leaves the status standing", async () => {
  await withConnection(async (connection) => {
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbeginning";
    await connection.write(new TextEncoder().encode(head));
  }, async (url) => {
    const answer = await post(url).answer;
    assert.ok(answer.kind === "answer");
    assert.equal(answer.status, 200);
    assert.equal(textOf(answer.untrustedBody), "beginning");
    assert.equal(answer.cutOff, "The connection broke within the answer's body");
  });
});

Deno.test("what is no HTTP is a lost connection", async () => {
  await withConnection(async (connection) => {
    await connection.write(new TextEncoder().encode("220 mail.test ESMTP\r\n\r\n"));
  }, async (url) => {
    const answer = await post(url).answer;
    assert.ok(answer.kind === "failure");
    assert.equal(answer.class, "connection-lost");
  });
});

Deno.test("a port where nobody listens is a failed connection: nothing can have arrived", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const answer = await post(`http://127.0.0.1:${port}/hook`).answer;
  assert.ok(answer.kind === "failure");
  assert.equal(answer.class, "connect-failed");
  assert.match(answer.detail, /refused/i);
});

for (
  const kind of [
    "egress-refused",
    "name-not-found",
    "resolver-failed",
    "proxy-failed",
    "connect-failed",
  ] as const
) {
  Deno.test(`what was never sent says so, and why: ${kind}`, async () => {
    const answer = await postWebhook({ url: "https://hook.test/", headers: {}, body: BODY }, {
      transport: () => Promise.reject(new NotSent(kind, "it was not to be")),
      clock: createVirtualClock(),
      timeoutMs: TIMEOUT_MS,
      signal: new AbortController().signal,
    });
    assert.deepEqual(answer, { kind: "failure", class: kind, detail: "it was not to be" });
  });
}
