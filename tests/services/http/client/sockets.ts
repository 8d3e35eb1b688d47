/** Sockets in memory and on loopback, and a client over them. */
import { Buffer } from "node:buffer";
import type { Connector } from "../../../../services/http/connector.ts";
import { type Deadline, startDeadline } from "../../../../services/http/deadline.ts";
import { type Exchange, exchange } from "../../../../services/http/exchange.ts";
import type { Socket } from "../../../../services/http/socket_reader.ts";
import type { HttpRequest, HttpTransport } from "../../../../services/http/transport.ts";
import { systemClock } from "../../../../services/support/clock.ts";

/** Text as bytes, one for each character. */
export function bytesOf(latin1: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(latin1, (character) => character.charCodeAt(0));
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** A socket that brings these pieces, one a read, and then ends. */
export function socketOf(pieces: readonly Uint8Array[]): Socket {
  const rest = [...pieces];
  return {
    read(into) {
      const piece = rest.shift();
      if (piece !== undefined) into.set(piece);
      return Promise.resolve(piece?.length ?? null);
    },
    write: (bytes) => Promise.resolve(bytes.length),
    close: () => {},
  };
}

/** Resolves as `socket` says, whoever is asked for. */
export function connecting(socket: () => Socket): Connector {
  return () => Promise.resolve({ socket: socket(), address: "203.0.113.1" });
}

const REQUEST: HttpRequest = { method: "GET", url: "http://other.test/", headers: {}, body: null };

/** One exchange, its body of at most 64 KiB. */
export async function ask(
  transport: HttpTransport,
  request: Partial<HttpRequest> = {},
  deadline: Deadline = startDeadline({ clock: systemClock, timeoutMs: 10_000 }),
): Promise<Exchange> {
  using _ = deadline;
  return await exchange({ ...REQUEST, ...request }, { transport, deadline, maxBodyBytes: 65_536 });
}

/** What an exchange brought, as a line: status and body, or how it failed. */
export function told(outcome: Exchange): string {
  if (outcome.kind === "answer") return `${outcome.status} ${JSON.stringify(textOf(outcome.body))}`;
  const begun = outcome.begun === null ? "" : ` after ${outcome.begun.status}`;
  return `${outcome.class}${begun}`;
}

/** A listener on loopback that lets `serve` do with each connection as it likes, and closes it then. */
export function listenRaw(
  serve: (connection: Deno.TcpConn, index: number) => Promise<void>,
): AsyncDisposable & { readonly url: string; readonly connections: () => number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      const index = served.length;
      served.push((async () => {
        using _ = connection;
        await serve(connection, index);
      })());
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}/`,
    connections: () => served.length,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(served);
    },
  };
}

/** Reads a request's head, which in these tests comes in one piece with its body. */
export async function readRequest(connection: Deno.TcpConn): Promise<string | null> {
  const buffer = new Uint8Array(65_536);
  const count = await connection.read(buffer);
  return count === null ? null : textOf(buffer.subarray(0, count));
}
