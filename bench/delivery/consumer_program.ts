/**
 * A webhook consumer that is as fast as it can be: it notes when each request's head arrived, reads the body and
 * answers 204. It verifies nothing. A program of its own, started by `consumer.ts`. The simulated consumer is not used here,
 * as it serves by `node:http` and reads the whole request before anybody sees it: it would take a part of the processor
 * that is being measured, and could not tell when the head was there.
 */
import { markOf } from "../../tests/support/numbered_notifications.ts";
import { wallClockMs } from "./wall_clock.ts";

/** How long `/hang` lets a caller wait, like a consumer that is stuck. */
const HANG_MS = 15_000;
const PROGRESS_EVERY_MS = 5;

interface Arrivals {
  readonly ids: Set<string>;
  /** First arrivals in their order: what was sent, and when it arrived. */
  readonly marks: number[];
  readonly atMs: number[];
  repeats: number;
}

let arrivals = noArrivals();

function noArrivals(): Arrivals {
  return { ids: new Set(), marks: [], atMs: [], repeats: 0 };
}

async function take(request: Request): Promise<Response> {
  const atMs = wallClockMs();
  const id = request.headers.get("webhook-id") ?? "";
  const mark = markOf(await request.text());
  if (arrivals.ids.has(id)) {
    arrivals.repeats++;
  } else {
    arrivals.ids.add(id);
    arrivals.marks.push(mark);
    arrivals.atMs.push(atMs);
  }
  return new Response(null, { status: 204 });
}

async function hang(request: Request): Promise<Response> {
  await request.body?.cancel();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, HANG_MS);
  request.signal.addEventListener("abort", () => resolve());
  await promise;
  clearTimeout(timer);
  return new Response(null, { status: 204 });
}

/** One line with the number of distinct events, whenever it has changed. */
function progress(): Response {
  let told = -1;
  let timer: ReturnType<typeof setInterval> | undefined;
  const lines = new ReadableStream<string>({
    start(controller) {
      timer = setInterval(() => {
        if (arrivals.ids.size === told) return;
        told = arrivals.ids.size;
        controller.enqueue(`${told}\n`);
      }, PROGRESS_EVERY_MS);
    },
    cancel: () => clearInterval(timer),
  });
  return new Response(lines.pipeThrough(new TextEncoderStream()));
}

function report(): Response {
  const { marks, atMs, repeats } = arrivals;
  arrivals = noArrivals();
  return Response.json({ marks, atMs, repeats });
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => {
    // deno-lint-ignore no-console
    console.log(`listening on http://127.0.0.1:${port}`);
  },
}, (request) => {
  const path = request.url.slice(request.url.indexOf("/", 8));
  if (path === "/hook") return take(request);
  if (path === "/hang") return hang(request);
  if (path === "/progress") return progress();
  return path === "/report" ? report() : new Response(null, { status: 404 });
});
