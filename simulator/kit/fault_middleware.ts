import type { Context, MiddlewareHandler } from "hono";
import { type Clock, pause } from "../../services/support/clock.ts";
import type { DueFault, FaultQueue } from "./faults.ts";
import { untilAborted } from "./until_aborted.ts";
import type { SimulatorEnv } from "./request_log.ts";

type SimulatorContext = Context<SimulatorEnv>;

/** Plays the planned faults. Goes after `recordRequests` and before everything that acts. */
export function playFaults(faults: FaultQueue, clock: Clock): MiddlewareHandler<SimulatorEnv> {
  return async function playFault(c, next) {
    const recorded = c.get("recorded");
    const due = faults.take(recorded);
    if (due === undefined) return next();
    c.req.raw.signal.addEventListener("abort", () => due.markClientAborted(), { once: true });
    if (due.afterActing) await next();
    due.markReached(recorded);
    const answer = await inflict(c, due, clock);
    if (answer === "real") {
      if (!due.afterActing) await next();
      return;
    }
    // Without this Hono would merge the real answer's headers into the fault's.
    c.res = undefined;
    c.res = answer;
  };
}

/** The answer that the client gets instead of, or `real` for the real one. */
async function inflict(
  c: SimulatorContext,
  { fault, afterActing, released }: DueFault,
  clock: Clock,
): Promise<Response | "real"> {
  const clientGone = c.req.raw.signal;
  switch (fault.kind) {
    case "delay":
      if (afterActing) c.env.markAnswered();
      await pause(clock, fault.ms, clientGone);
      return "real";
    case "hang":
      if (afterActing) c.env.markAnswered();
      await untilAborted(clientGone);
      return new Response(null);
    case "hold":
      if (afterActing) c.env.markAnswered();
      await Promise.race([released, untilAborted(clientGone)]);
      return clientGone.aborted ? new Response(null) : "real";
    case "reset":
      c.env.reset();
      return new Response(null);
    case "status":
      return statusAnswer(fault);
    case "html":
      return htmlAnswer("status" in fault ? fault.status : undefined);
    case "redirect":
      return new Response(null, {
        status: fault.status ?? 302,
        headers: { location: fault.location },
      });
    case "gzip":
      return gzipped(c.res);
    case "stall":
      c.env.markAnswered();
      return await halfOf(c.res, () => untilAborted(clientGone));
    case "cut":
      return await halfOf(c.res, () => Promise.reject(new Error("cut off on purpose")));
  }
}

function statusAnswer(
  { status, body = "", contentType, headers = {} }: Extract<
    DueFault["fault"],
    { kind: "status" }
  >,
): Response {
  const isJson = typeof body !== "string";
  return new Response(isJson ? JSON.stringify(body) : body === "" ? null : body, {
    status,
    headers: {
      "content-type": contentType ?? (isJson ? "application/json" : "text/plain;charset=UTF-8"),
      ...headers,
    },
  });
}

function htmlAnswer(status = 502): Response {
  return new Response(
    `<!doctype html><html><head><title>${status}</title></head>` +
      `<body><h1>${status}</h1><p>The gateway has no answer.</p></body></html>`,
    { status, headers: { "content-type": "text/html;charset=UTF-8" } },
  );
}

function gzipped(real: Response): Response {
  const headers = new Headers(real.headers);
  headers.delete("content-length");
  headers.set("content-encoding", "gzip");
  const body = real.body?.pipeThrough(new CompressionStream("gzip")) ?? null;
  return new Response(body, { status: real.status, headers });
}

/** Announces the whole body by content-length, sends its first half and then does `andThen`. */
async function halfOf(real: Response, andThen: () => Promise<void>): Promise<Response> {
  const bytes = new Uint8Array(await real.arrayBuffer());
  const headers = new Headers(real.headers);
  headers.set("content-length", String(bytes.length));
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (sent) return await andThen();
      sent = true;
      controller.enqueue(bytes.subarray(0, Math.ceil(bytes.length / 2)));
    },
  }, { highWaterMark: 0 });
  return new Response(body, { status: real.status, headers });
}
