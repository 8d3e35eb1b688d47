import { createServer } from "node:http";
import { type ExchangeHandler, serveExchange } from "./exchange.ts";
import type { ListenOptions, Simulator } from "./simulator.ts";

const LOOPBACK = "127.0.0.1";

/** A server that listens and waits to be told what it serves. */
export interface LoopbackServer extends Simulator {
  /** To be called once, at the latest in the same turn of the event loop in which the address became known. */
  serve(handle: ExchangeHandler): void;
}

/** Listens on loopback. Rejects when the port is taken. */
export async function listenOnLoopback({ port = 0 }: ListenOptions): Promise<LoopbackServer> {
  const server = createServer();
  const underWay = new Set<Promise<void>>();

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new Error("Cannot tell the simulator's port: expected a TCP address");
  }
  const url = `http://${LOOPBACK}:${address.port}`;

  let closing: Promise<void> | undefined;
  function close(): Promise<void> {
    closing ??= (async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await Promise.allSettled(underWay);
    })();
    return closing;
  }

  return {
    url,
    serve(handle) {
      server.on("request", (incoming, outgoing) => {
        const served = serveExchange(incoming, outgoing, url, handle)
          .finally(() => underWay.delete(served));
        underWay.add(served);
      });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
