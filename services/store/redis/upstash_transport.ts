import { systemClock } from "../../support/clock.ts";
import { singleSend } from "../../support/single_send.ts";
import { type Answer, createClientTransport } from "./client_transport.ts";
import { startDeadline } from "./deadline.ts";
import { NoAnswer } from "./no_answer.ts";
import type { RedisTransport } from "./transport.ts";

export interface UpstashTransportOptions {
  /** `UPSTASH_REDIS_REST_URL` */
  readonly url: string;
  /** `UPSTASH_REDIS_REST_TOKEN` */
  readonly token: string;
  /** How long one round trip may take, the body included. Default 1500: the answer to the client has 2 s (DESIGN §7). */
  readonly deadlineMs?: number;
}

/**
 * The transport over Upstash's REST API (https://upstash.com/docs/redis/features/restapi).
 *
 * The client's own HTTP half is left out, because every command is to be sent exactly once: one that went unanswered
 * may have been carried out, and only its caller knows whether to repeat it. That half repeats on its own (in 1.39.0
 * even `retry: false` means two attempts), calls the global `fetch` with a text as body, which Deno repeats as well
 * (see `singleSend`), puts the whole command into error messages, and reads environment variables that are not ours, so
 * that it fails under a narrow `--allow-env`.
 */
export function createUpstashTransport(
  { url, token, deadlineMs = 1_500 }: UpstashTransportOptions,
): RedisTransport {
  const origin = url.replace(/\/+$/, "");
  // Upstash answers a read from the nearest replica; with this it waits until that one has seen our last write.
  let syncToken = "";

  async function post(path: string, body: unknown): Promise<unknown> {
    const ending = new AbortController();
    const deadline = startDeadline(systemClock, deadlineMs);
    deadline.passed.catch((missed) => ending.abort(missed));
    try {
      return await postUntil(ending.signal, path, body);
    } finally {
      deadline.cancel();
    }
  }

  async function postUntil(signal: AbortSignal, path: string, body: unknown): Promise<unknown> {
    const response = await fetch(origin + path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "upstash-sync-token": syncToken,
      },
      body: singleSend(new TextEncoder().encode(JSON.stringify(body))),
      // A redirect, too, would be a second sending.
      redirect: "manual",
      signal,
    });
    const text = await response.text();
    // 400 is the reply to a wrong command. Every other status, such as 401 for a refused token, tells nothing of the command.
    if (!response.ok && response.status !== 400) {
      throw new NoAnswer(`the answer has status ${response.status}`);
    }
    syncToken = response.headers.get("upstash-sync-token") ?? syncToken;
    return parseJson(text);
  }

  return createClientTransport({
    async exchange(commands) {
      try {
        const single = commands.length === 1;
        const untrustedBody = single
          ? await post("", commands[0])
          : await post("/pipeline", commands);
        return single ? [readAnswer(untrustedBody)] : readAnswers(untrustedBody, commands.length);
      } catch (error) {
        throw error instanceof NoAnswer ? error : new NoAnswer("the connection failed");
      }
    },
    async close() {
      // Nothing of its own: `fetch` keeps the connections.
    },
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new NoAnswer("the answer is not JSON");
  }
}

function readAnswer(untrustedBody: unknown): Answer {
  if (typeof untrustedBody === "object" && untrustedBody !== null) {
    if ("error" in untrustedBody && typeof untrustedBody.error === "string") {
      return { error: untrustedBody.error };
    }
    if ("result" in untrustedBody) return { result: untrustedBody.result };
  }
  throw new NoAnswer("the answer has neither result nor error");
}

function readAnswers(untrustedBody: unknown, expected: number): readonly Answer[] {
  if (Array.isArray(untrustedBody) && untrustedBody.length === expected) {
    return untrustedBody.map(readAnswer);
  }
  // A pipeline that is refused as a whole has one error for all.
  const refused = readAnswer(untrustedBody);
  if ("error" in refused) return Array.from({ length: expected }, () => refused);
  throw new NoAnswer(`the answer is not an array of ${expected}`);
}
