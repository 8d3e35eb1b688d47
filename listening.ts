import { type Clock, pause } from "./services/support/clock.ts";
import type { Logger } from "./services/support/log.ts";

type Handler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Response | Promise<Response>;

export interface ListenOptions {
  readonly hostname: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly handler: Handler;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A port that is listened at. */
export interface Listening {
  readonly port: number;
  /** Stops listening and resolves once every request has its answer. */
  shutdown(): Promise<void>;
}

/** Requests that are under way when no connection can be accepted any more have so long for their answers. */
const GRACE_MS = 2_000;
/** Deno calls a request completed a moment before the last of its answer has left. */
export const LAST_BYTES_MS = 100;
const BETWEEN_TRIES_MS = 100;
const NEVER = new AbortController().signal;

/**
 * Listens by `Deno.serve`, and anew where that has given up: it does so for good at the first connection that the system will
 * not hand over, as when the process has as many files open as it may (seen with Deno 2.9.6), and its rejected promise would
 * end the process. So whoever opens so many connections would end us. They lose them instead: requests that are under way get their
 * answers, then all connections are closed, the idle ones of others among them, and there is room again.
 */
export function listen({ hostname, port, handler, clock, log }: ListenOptions): Listening {
  let isOver = false;
  let current = serve(port);
  const listening = current.server.addr.port;

  function serve(at: number) {
    const connections = new AbortController();
    const requests = trackRequests(handler);
    const { signal } = connections;
    const server = Deno.serve(
      { hostname, port: at, signal, onListen: () => {} },
      requests.handler,
    );
    const generation = { server, connections, requests, hasGivenUp: false };
    server.finished.catch(async (cause: unknown) => {
      generation.hasGivenUp = true;
      log.error("patchbay.not_accepting", { reason: String(cause) });
      const answered = new AbortController();
      requests.answered().then(() => answered.abort());
      await pause(clock, GRACE_MS, answered.signal);
      await pause(clock, LAST_BYTES_MS, NEVER);
      connections.abort();
      await listenAgain();
    });
    return generation;
  }

  async function listenAgain(): Promise<void> {
    for (let isListening = false; !isListening;) {
      // Whoever took the room may be at it still.
      await pause(clock, BETWEEN_TRIES_MS, NEVER);
      if (isOver) return;
      try {
        current = serve(listening);
        isListening = true;
      } catch (cause) {
        log.error("patchbay.not_listening", { reason: String(cause) });
      }
    }
    log.info("patchbay.listening_again", { port: listening });
  }

  return {
    port: listening,
    async shutdown() {
      isOver = true;
      const { server, requests, hasGivenUp } = current;
      await (hasGivenUp ? requests.answered() : server.shutdown());
    },
  };
}

/** Tells when what is under way has been answered, which Deno does not of a server that is not its own or has given up. */
export function trackRequests<Addr extends Deno.Addr>(
  handler: (
    request: Request,
    info: Deno.ServeHandlerInfo<Addr>,
  ) => Response | Promise<Response>,
) {
  const open = new Set<Promise<void>>();
  return {
    handler(request: Request, info: Deno.ServeHandlerInfo<Addr>) {
      // It is rejected where the client has gone, which ends a request as well.
      const completed = info.completed.catch(() => {}).finally(() => open.delete(completed));
      open.add(completed);
      return handler(request, info);
    },
    async answered(): Promise<void> {
      while (open.size > 0) await Promise.all(open);
    },
  };
}
