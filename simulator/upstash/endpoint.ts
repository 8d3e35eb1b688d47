import { Hono } from "hono";
import { type Clock, systemClock } from "../../services/support/clock.ts";
import { createRespLink } from "../../services/store/redis/resp_link.ts";
import { playFaults } from "../kit/fault_middleware.ts";
import { createFaultQueue, type Faults } from "../kit/faults.ts";
import { createInbox, type Inbox } from "../kit/inbox.ts";
import { listenOnLoopback } from "../kit/loopback_server.ts";
import {
  measureAnswers,
  type RecordedRequest,
  recordRequests,
  type SimulatorEnv,
} from "../kit/request_log.ts";
import type { ListenOptions, Simulator } from "../kit/simulator.ts";
import { answerCommands } from "./command_handler.ts";
import type { Command } from "./command_request.ts";

export interface UpstashEndpointOptions extends ListenOptions {
  /** The Redis behind it. */
  readonly redisUrl: string;
  /** The bearer token that it takes. */
  readonly token: string;
  /** How long Redis may take; after that the answer is a 503. Default 1500. */
  readonly redisTimeoutMs?: number;
  /** False: `requests` and `commands` stay empty, for an endpoint that runs for days. Default true. */
  readonly record?: boolean;
  readonly clock?: Clock;
}

/** A running endpoint. `await using` closes it; the Redis behind it goes on. */
export interface UpstashEndpoint extends Simulator {
  readonly token: string;
  /** Every HTTP request, refused ones too: its length is the number of round trips. */
  readonly requests: Inbox<RecordedRequest>;
  /** Every command that was read out of a request, in the order of arrival. */
  readonly commands: readonly Command[];
  /** What is to go wrong with requests to come. */
  readonly faults: Faults;
}

/**
 * Serves Upstash's REST protocol (https://upstash.com/docs/redis/features/restapi) over any Redis.
 * A development tool: one connection to Redis, one token, loopback only, no TLS.
 *
 * @throws NoAnswer when Redis does not answer at the start; later absences are answered with 503
 */
export async function startUpstashEndpoint(
  options: UpstashEndpointOptions,
): Promise<UpstashEndpoint> {
  const { token, redisUrl, redisTimeoutMs = 1500, record = true, clock = systemClock } = options;
  const link = createRespLink({
    url: redisUrl,
    deadlineMs: redisTimeoutMs,
    bulk: "bytes",
    // Nobody else knocks at this Redis: the first request after its return may have it.
    longestBackoffMs: 0,
    clock,
  });
  const requests = createInbox<RecordedRequest>("request");
  const commands: Command[] = [];
  const faults = createFaultQueue();
  const app = new Hono<SimulatorEnv>()
    .use(recordRequests(record ? requests : { ...requests, add() {} }))
    .use(measureAnswers())
    .use(playFaults(faults, clock))
    .all(
      "*",
      answerCommands({ link, token, onCommands: (seen) => record && commands.push(...seen) }),
    );

  try {
    await link.send([["PING"]]);
    const server = await listenOnLoopback(options);
    server.serve(async (request, exchange) => await app.fetch(request, exchange));
    const close = async () => {
      await server.close();
      requests.close();
      await link.close();
    };
    return {
      url: server.url,
      token,
      requests,
      commands,
      faults,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await link.close();
    throw error;
  }
}
