import type { Clock } from "../support/clock.ts";
import type { Socket } from "./socket_reader.ts";

/** Where a connection is to lead. */
export interface Target {
  readonly isSecure: boolean;
  /** A name, or an address without brackets. The certificate has to be made out to it. */
  readonly hostname: string;
  readonly port: number;
  readonly tls: TlsOptions | undefined;
}

/** What a TLS connection goes by beside the name. */
export interface TlsOptions {
  /** Tells one set from another: only requests with the same one share connections. */
  readonly id: string;
  /** PEM; trusted beside the usual ones. */
  readonly caCerts: readonly string[];
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

/** How connections are made; by default as Deno makes them. */
export interface Dialler {
  /** Dials an address and no name. */
  readonly dial: (address: string, port: number, signal: AbortSignal) => Promise<Deno.TcpConn>;
  /** Begins TLS on a connection: the name goes out as SNI, and the certificate is checked against it. */
  readonly startTls: typeof Deno.startTls;
}

export const denoDialler: Dialler = {
  dial: (address, port, signal) => Deno.connect({ hostname: address, port, signal }),
  startTls: Deno.startTls,
};

/** After so long without an answer the next address is tried beside the last one (RFC 8305 §5). */
const NEXT_AFTER_MS = 250;

/** Dials addresses in their order until one of them answers. Rejects as the first of them did when none does. */
export async function dialFirst(
  addresses: readonly string[],
  dial: (address: string, signal: AbortSignal) => Promise<Deno.TcpConn>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<{ readonly connection: Deno.TcpConn; readonly address: string }> {
  const first = Promise.withResolvers<{ connection: Deno.TcpConn; address: string }>();
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
      if (isOver) return connection.close();
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

/** The connection as it is, or with TLS: the target's name goes out as SNI, and the certificate is checked against it. */
export async function secured(
  connection: Deno.TcpConn,
  { isSecure, hostname, tls }: Target,
  { startTls, signal }: Pick<Dialler, "startTls"> & { readonly signal: AbortSignal },
): Promise<Socket> {
  if (!isSecure) return connection;
  const caCerts = [...tls?.caCerts ?? []];
  const socket = await startTls(connection, { hostname, caCerts, alpnProtocols: ["http/1.1"] });
  const giveUp = () => socket.close();
  if (signal.aborted) giveUp();
  else signal.addEventListener("abort", giveUp);
  try {
    await socket.handshake();
    return socket;
  } catch (error) {
    if (!signal.aborted) socket.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
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
    const { connection, address } = await dialFirst(addresses, (address, signal) => {
      onAddress(address);
      return dialler.dial(address, target.port, signal);
    }, { clock, signal });
    const { startTls } = dialler;
    return { socket: await secured(connection, target, { startTls, signal }), address };
  };
}
