import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import type { Clock } from "../support/clock.ts";
import { parseAnswerHead } from "./answer_head.ts";
import { type Connector, dialFirst, type Dialler, type Target } from "./connector.ts";
import { endpointOf } from "./endpoint.ts";
import { NotSent, readNetworkFailure } from "./network_failure.ts";
import type { Resolve } from "./resolver.ts";
import { MAX_HEAD_BYTES } from "./socket_reader.ts";
import { startTls, streamSocket } from "./streams.ts";

export interface TunnelOptions {
  /** `http` or `https`, which says how the proxy itself is spoken to. A user and a password are shown to it alone. */
  readonly proxy: URL;
  /** The proxy's own name. */
  readonly resolve: Resolve;
  /** What the proxy may be asked for, in this order: a target's addresses, or its name where the proxy is to resolve it. */
  readonly hostsOf: (target: Target, signal: AbortSignal) => Promise<readonly string[]>;
  readonly dialler: Pick<Dialler, "dialStream">;
  readonly clock: Clock;
}

/** The connector that has a proxy make the connections (RFC 9110 §9.3.6); TLS goes through to the target itself. */
export function createTunnelConnector(options: TunnelOptions): Connector {
  const { proxy, hostsOf } = options;
  return async (target, { signal, onAddress }) => {
    const hosts = await hostsOf(target, signal);
    let unreached: unknown;
    for (const host of hosts) {
      onAddress(host);
      const stream = await reachProxy(options, signal);
      try {
        await ask(stream, { host, port: target.port, proxy, signal });
        const inner = target.isSecure
          ? await startTls(stream, target.hostname, { tls: target.tls, signal })
          : stream;
        return { socket: streamSocket(inner), address: host };
      } catch (error) {
        stream.destroy();
        if (!(error instanceof NotSent) || error.kind !== "connect-failed") throw error;
        unreached = error;
      }
    }
    throw unreached;
  };
}

async function reachProxy(
  { proxy, resolve, dialler, clock }: TunnelOptions,
  signal: AbortSignal,
): Promise<Duplex> {
  const { isSecure, hostname, port } = endpointOf(proxy);
  try {
    const addresses = await resolve(hostname, signal);
    const dial = (address: string, signal: AbortSignal) =>
      dialler.dialStream(address, port, signal);
    const { connection } = await dialFirst(addresses, dial, { clock, signal });
    return isSecure ? await startTls(connection, hostname, { signal }) : connection;
  } catch (error) {
    const { detail } = readNetworkFailure(error);
    throw new NotSent("proxy-failed", `The proxy was not reached: ${detail}`, { cause: error });
  }
}

async function ask(
  stream: Duplex,
  { host, port, proxy, signal }: {
    readonly host: string;
    readonly port: number;
    readonly proxy: URL;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const credentials = [proxy.username, proxy.password].map(decodeURIComponent).join(":");
  const authorization = credentials === ":"
    ? ""
    : `proxy-authorization: Basic ${Buffer.from(credentials).toString("base64")}\r\n`;
  stream.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${authorization}\r\n`);
  const status = await readStatus(stream, signal);
  if (status >= 500) {
    throw new NotSent("connect-failed", `The proxy could not connect: it answered ${status}`);
  }
  if (status < 200 || status > 299) {
    throw new NotSent("proxy-failed", `The proxy refused to connect: it answered ${status}`);
  }
}

/** Of the proxy's answer. As the client speaks first in what follows, nothing comes behind its head. */
async function readStatus(stream: Duplex, signal: AbortSignal): Promise<number> {
  let head = "";
  const giveUp = () => stream.destroy();
  signal.addEventListener("abort", giveUp);
  try {
    while (!head.endsWith("\r\n\r\n")) {
      const chunk: Uint8Array | null = stream.read();
      if (chunk !== null) head += Buffer.from(chunk).toString("latin1");
      else await readable(stream);
      if (head.length > MAX_HEAD_BYTES) throw new Error("it answered with too long a head");
    }
    return parseAnswerHead(head).status;
  } catch (error) {
    const { detail } = readNetworkFailure(error);
    throw new NotSent("proxy-failed", `The proxy broke off: ${detail}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

async function readable(stream: Duplex): Promise<void> {
  if (stream.readableEnded || stream.destroyed) throw new Error("it hung up");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const listeners = { readable: resolve, end: resolve, close: resolve, error: reject };
  for (const [event, listener] of Object.entries(listeners)) stream.once(event, listener);
  try {
    await promise;
  } finally {
    for (const [event, listener] of Object.entries(listeners)) stream.off(event, listener);
  }
}
