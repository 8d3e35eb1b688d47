import assert from "node:assert/strict";
import { startDeadline } from "../../../services/http/deadline.ts";
import { exchange, type ExchangeOptions } from "../../../services/http/exchange.ts";
import { type HttpTransport, overStream } from "../../../services/http/transport.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

const REQUEST = { method: "GET", url: "https://other.test/", headers: {}, body: null } as const;

/** Answers with these chunks, then ends, or waits until it is aborted. */
function answering(
  chunks: readonly string[],
  { ends = true, status = 200 }: { readonly ends?: boolean; readonly status?: number } = {},
) {
  const seen = { cancelled: false };
  const transport: HttpTransport = (_request, { signal }) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
        if (ends) controller.close();
        else signal.addEventListener("abort", () => controller.error(signal.reason));
      },
      cancel() {
        seen.cancelled = true;
      },
    });
    const headers = new Headers({ "x-a": "1" });
    return Promise.resolve({ status, headers, body: overStream(body) });
  };
  return { transport, seen };
}

const silent: HttpTransport = (_request, { signal }) =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });

function start(
  options: Pick<ExchangeOptions, "transport"> & Partial<ExchangeOptions>,
  signal?: AbortSignal,
) {
  const clock = createVirtualClock();
  const deadline = startDeadline({ clock, timeoutMs: 1_000, signal });
  return { clock, deadline, outcome: exchange(REQUEST, { deadline, maxBodyBytes: 8, ...options }) };
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("an answer comes whole, up to the very bound", async () => {
  const { outcome, clock } = start(answering(["1234", "5678"]));
  const came = await outcome;
  assert.ok(came.kind === "answer");
  assert.deepEqual([came.status, came.headers.get("x-a"), text(came.body)], [200, "1", "12345678"]);
  assert.equal(came.headAtMs, clock.now());
});

Deno.test("an answer longer than the bound is cut there and cancelled", async () => {
  const { transport, seen } = answering(["1234", "56789"], { ends: false });
  const came = await start({ transport }).outcome;
  assert.ok(came.kind === "failure");
  assert.equal(came.class, "too-long");
  assert.equal(text(came.begun?.body ?? new Uint8Array()), "12345678");
  assert.ok(seen.cancelled);
});

Deno.test("an answer that is not wanted is cancelled unread", async () => {
  const { transport, seen } = answering(["1234"], { ends: false, status: 503 });
  const came = await start({ transport, onHead: ({ status }) => status === 200 }).outcome;
  assert.ok(came.kind === "failure");
  assert.deepEqual([came.class, came.begun?.status], ["unwanted", 503]);
  assert.ok(seen.cancelled);
});

Deno.test("no answer in time is a timeout, and may have reached the other side", async () => {
  const { outcome, clock } = start({ transport: silent });
  await clock.advance(1_000);
  const came = await outcome;
  assert.ok(came.kind === "failure");
  assert.deepEqual([came.class, came.reached, came.begun], ["timeout", "maybe", null]);
});

Deno.test("a body that is not over in time is a timeout with what had come of it", async () => {
  const begun = Promise.withResolvers<void>();
  const transport: HttpTransport = (_request, { signal }) => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode("1234"));
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
          begun.resolve();
        });
      },
    }, { highWaterMark: 0 });
    return Promise.resolve({ status: 200, headers: new Headers(), body: overStream(body) });
  };
  const { outcome, clock } = start({ transport });
  await begun.promise;
  await clock.advance(1_000);
  const came = await outcome;
  assert.ok(came.kind === "failure");
  assert.equal(came.class, "timeout");
  assert.equal(text(came.begun?.body ?? new Uint8Array()), "1234");
});

Deno.test("the caller's signal gives an exchange up, before and while it is under way", async () => {
  const before = await start({ transport: silent }, AbortSignal.abort()).outcome;
  assert.ok(before.kind === "failure");
  assert.equal(before.class, "aborted");

  const giving = new AbortController();
  const { outcome } = start({ transport: silent }, giving.signal);
  giving.abort();
  const came = await outcome;
  assert.ok(came.kind === "failure");
  assert.equal(came.class, "aborted");
});

Deno.test("a body that breaks off has reached the other side, whatever the error says", async () => {
  const broken = new ReadableStream<Uint8Array>({
    start: (controller) => controller.error(new Error("client error (Connect): odd")),
  });
  const transport: HttpTransport = () =>
    Promise.resolve({ status: 200, headers: new Headers(), body: overStream(broken) });
  const came = await start({ transport }).outcome;
  assert.ok(came.kind === "failure");
  assert.equal(came.reached, "maybe");
});

Deno.test("a deadline that was disposed of neither ends nor listens any more", async () => {
  const giving = new AbortController();
  const { deadline, outcome, clock } = start(answering(["1"]), giving.signal);
  await outcome;
  deadline[Symbol.dispose]();
  giving.abort();
  await clock.advance(2_000);
  assert.equal(deadline.ended, null);
});
