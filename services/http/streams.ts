import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Socket } from "./socket_reader.ts";

/** What a TLS connection goes by beside the name. */
export interface TlsOptions {
  /** Tells one set from another: only requests with the same one share connections. */
  readonly id: string;
  /** PEM; trusted instead of the usual ones. */
  readonly ca?: readonly string[];
  /** PEM of the client's certificate and of its key. */
  readonly cert?: string;
  readonly key?: string;
}

/** Dials an address and no name, for what is to be laid over the connection. */
export async function dialStream(
  address: string,
  port: number,
  signal: AbortSignal,
): Promise<Duplex> {
  const { connect } = await import("node:net");
  return await settled(connect({ host: address, port, noDelay: true }), "connect", signal);
}

/**
 * Begins TLS over a connection: the name goes out as SNI, and the certificate is checked against it.
 *
 * Node's TLS and not Deno's: a handshake that the other side never ends cannot be ended with `Deno.startTls` either, and
 * keeps its socket for ever (Deno 2.9.6).
 */
export async function startTls(
  stream: Duplex,
  hostname: string,
  { tls: { id: _, ca, ...tls } = { id: "" }, signal }: {
    readonly tls?: TlsOptions | undefined;
    readonly signal: AbortSignal;
  },
): Promise<Duplex> {
  const [{ connect }, { isIP }] = await Promise.all([import("node:tls"), import("node:net")]);
  const socket: TLSSocket = connect({
    socket: stream,
    host: hostname,
    // An address is no server name (RFC 6066 §3).
    ...(isIP(hostname) === 0 && { servername: hostname }),
    ALPNProtocols: ["http/1.1"],
    ...(ca !== undefined && { ca: [...ca] }),
    ...tls,
  });
  return await settled(socket, "secureConnect", signal);
}

/** The stream once `event` has come; destroyed where an error comes first, or the signal. */
async function settled<T extends Duplex>(
  stream: T,
  event: string,
  signal: AbortSignal,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  stream.once(event, resolve);
  stream.on("error", reject);
  stream.once("close", () => reject(new Error("The connection closed before it stood")));
  try {
    await promise;
    return stream;
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** A stream of Node's, to be read and written as a connection of Deno's is. */
export function streamSocket(stream: Duplex): Socket {
  let failure: unknown = null;
  let onRead = () => {};
  let onWrite = () => {};
  stream.on("error", (error) => failure ??= error);
  for (const event of ["readable", "end", "close"]) stream.on(event, () => onRead());
  for (const event of ["drain", "close"]) stream.on(event, () => onWrite());
  return {
    async read(into) {
      for (;;) {
        const chunk: Uint8Array | null = stream.read();
        if (chunk !== null) {
          const taken = chunk.subarray(0, into.length);
          into.set(taken);
          if (taken.length < chunk.length) stream.unshift(chunk.subarray(taken.length));
          return taken.length;
        }
        if (failure !== null) throw failure;
        if (stream.readableEnded || stream.destroyed) return null;
        await new Promise<void>((resolve) => onRead = resolve);
      }
    },
    async write(bytes) {
      if (!stream.write(bytes)) await new Promise<void>((resolve) => onWrite = resolve);
      if (failure !== null) throw failure;
      return bytes.length;
    },
    close: () => void stream.destroy(),
  };
}
