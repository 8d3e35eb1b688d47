import type { Duplex } from "node:stream";
import type { Clock } from "../support/clock.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Socket } from "./socket_reader.ts";
import { dialStream, startTls, streamSocket, type TlsOptions } from "./streams.ts";

/** Where a connection is to lead. The certificate has to be made out to the host. */
export interface Target extends Endpoint {
  readonly tls: TlsOptions | undefined;
}

export interface Connected {
  readonly socket: Socket;
  /** The address at its other end. */
  readonly address: string;
}

export interface ConnectOptions {
  readonly signal: AbortSignal;
  /** Told each address that is tried. */
  readonly onAddress: (address: string) => void;
}

/** Makes a connection over which HTTP/1.1 can be spoken. Rejects where none comes to stand. */
export type Connector = (target: Target, options: ConnectOptions) => Promise<Connected>;

/** How addresses are dialled, which are no names; by default as Deno and Node do it. */
export interface Dialler {
  /** For HTTP in the clear. */
  readonly dial: (address: string, port: number, signal: AbortSignal) => Promise<Socket>;
  /** For what is to be laid over the connection. */
  readonly dialStream: (address: string, port: number, signal: AbortSignal) => Promise<Duplex>;
}

export const systemDialler: Dialler = {
  dial: (hostname, port, signal) => Deno.connect({ hostname, port, signal }),
  dialStream,
};

/** After so long without an answer the next address is tried beside the last one (RFC 8305 §5). */
const NEXT_AFTER_MS = 250;

/** Dials addresses in their order until one of them answers. Rejects as the first of them did when none does. */
export async function dialFirst<T extends { close(): void } | { destroy(): void }>(
  addresses: readonly string[],
  dial: (address: string, signal: AbortSignal) => Promise<T>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<{ readonly connection: T; readonly address: string }> {
  const first = Promise.withResolvers<{ connection: T; address: string }>();
  const rest = new AbortController();
  const failures: unknown[] = [];
  let tried = 0;
  let isOver = false;
  let cancelTimer = () => {};

  function tryNext(): void {
    cancelTimer();
    const address = addresses[tried++];
    if (address === undefined || isOver) return;
    if (tried < addresses.length) cancelTimer = clock.after(NEXT_AFTER_MS, tryNext).cancel;
    dial(address, rest.signal).then((connection) => {
      if (isOver) return "close" in connection ? connection.close() : connection.destroy();
      isOver = true;
      first.resolve({ connection, address });
    }, (error) => {
      failures.push(error);
      if (failures.length === addresses.length) first.reject(failures[0]);
      else tryNext();
    });
  }

  const giveUp = () => first.reject(signal.reason);
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  try {
    tryNext();
    return await first.promise;
  } finally {
    isOver = true;
    cancelTimer();
    signal.removeEventListener("abort", giveUp);
    rest.abort();
  }
}

export interface ConnectorOptions {
  /** The addresses of a target, in the order in which they are to be dialled; one at least. No other is dialled. */
  readonly addressesOf: (target: Target, signal: AbortSignal) => Promise<readonly string[]>;
  readonly dialler: Dialler;
  readonly clock: Clock;
}

/** The connector that dials targets themselves. */
export function createConnector({ addressesOf, dialler, clock }: ConnectorOptions): Connector {
  return async (target, { signal, onAddress }) => {
    const addresses = await addressesOf(target, signal);
    const first = <T extends { close(): void } | { destroy(): void }>(
      dial: (address: string, port: number, signal: AbortSignal) => Promise<T>,
    ) =>
      dialFirst(addresses, (address, signal) => {
        onAddress(address);
        return dial(address, target.port, signal);
      }, { clock, signal });
    if (!target.isSecure) {
      const { connection, address } = await first(dialler.dial);
      return { socket: connection, address };
    }
    const { connection, address } = await first(dialler.dialStream);
    const secure = await startTls(connection, target.hostname, { tls: target.tls, signal });
    return { socket: streamSocket(secure), address };
  };
}
