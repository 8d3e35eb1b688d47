import type { ExchangeHandler } from "./exchange.ts";
import { listenOnLoopback, type LoopbackServer } from "./loopback_server.ts";
import type { ListenOptions } from "./simulator.ts";

/** A server that can go away and come back at the same address. */
export interface RestartableServer extends LoopbackServer {
  /** Breaks open connections and listens no more; safe when it is stopped. */
  stop(): Promise<void>;
  /** Listens again, with the same handler; safe when it is running, and without effect once it is closed. */
  start(): Promise<void>;
}

const TRIES = 50;
const RETRY_AFTER_MS = 100;

/** Listens on loopback. Rejects when the port is taken. */
export async function listenAgain(options: ListenOptions): Promise<RestartableServer> {
  let running: LoopbackServer | null = await listenOnLoopback(options);
  const { url } = running;
  const port = Number(new URL(url).port);
  let handler: ExchangeHandler | undefined;
  let closed = false;
  let last: Promise<void> = Promise.resolve();

  /** One after the other: a stop in the middle of a start would find nothing to stop. */
  function inTurn(act: () => Promise<void>): Promise<void> {
    last = last.then(act, act);
    return last;
  }

  async function stop(): Promise<void> {
    const stopping = running;
    running = null;
    await stopping?.close();
  }

  async function start(): Promise<void> {
    if (running !== null) return;
    running = await listenOnSamePort(port, () => closed);
    if (handler !== undefined) running?.serve(handler);
  }

  function close(): Promise<void> {
    closed = true;
    return inTurn(stop);
  }

  return {
    url,
    serve(handle) {
      handler = handle;
      running?.serve(handle);
    },
    stop: () => inTurn(stop),
    start: () => inTurn(start),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * A port that was left alone for a while may be in use: a client that keeps trying to connect to a free ephemeral port
 * can be given that very port as its own and so reach itself. It lets go as soon as it notices. Null: given up.
 */
async function listenOnSamePort(
  port: number,
  givenUp: () => boolean,
): Promise<LoopbackServer | null> {
  for (let tries = 1; !givenUp(); tries++) {
    try {
      return await listenOnLoopback({ port });
    } catch (error) {
      if (tries === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS));
    }
  }
  return null;
}
