import type { Buffer } from "node:buffer";
import { backOffMs } from "../../support/back_off.ts";
import { type Clock, systemClock } from "../../support/clock.ts";
import { startDeadline } from "./deadline.ts";
import { NoAnswer } from "./no_answer.ts";

/** One reply of Redis. An error reply is a value here, because one inside an array can be nothing else. */
export type RespReply = string | number | null | Buffer | Error | readonly RespReply[];

export interface RespLinkOptions {
  /** `redis://` or `rediss://`, with an ACL user and a database number where there are any. */
  readonly url: string;
  /** How long one `send` may take, connecting included. */
  readonly deadlineMs: number;
  /** How bulk strings arrive: as strings (the default) or as the bytes that they are. */
  readonly bulk?: "text" | "bytes";
  /** The longest wait between two attempts to connect. With 0 every `send` may try. Default 1000. */
  readonly longestBackoffMs?: number;
  readonly clock?: Clock;
  /** Numbers in [0, 1), for the jitter. */
  readonly random?: () => number;
}

/** One connection to a Redis, made when it is needed. */
export interface RespLink {
  /**
   * Sends the commands one behind the other with nothing in between, and gives their replies in order.
   * Nothing is ever sent a second time.
   *
   * @throws NoAnswer when not all of them were answered
   */
  send(commands: readonly (readonly (string | Buffer)[])[]): Promise<readonly RespReply[]>;
  /** Ends the connection and what is under way on it. Safe to call twice. */
  close(): Promise<void>;
}

const FIRST_BACKOFF_MS = 50;

/**
 * A link over the `redis` package, whose own reconnecting is switched off: it sleeps in a timer that nothing can
 * cancel, so that a closed program lives on until it has fired, and it would knock at an absent Redis all the time.
 * Here a command that finds no connection makes one, at most one at a time, and after a failure not before a short,
 * random wait is over, so that many instances do not return to a restarted Redis at the same moment.
 */
export function createRespLink(options: RespLinkOptions): RespLink {
  const { deadlineMs, longestBackoffMs = 1000, clock = systemClock, random = Math.random } =
    options;
  const backOff = { firstMs: FIRST_BACKOFF_MS, longestMs: longestBackoffMs };
  let connection: Connection | null = null;
  let connecting: Promise<Connection> | null = null;
  let failures = 0;
  let notBeforeMs = 0;
  let closed = false;

  async function open(): Promise<Connection> {
    const fresh = await newClient(options);
    fresh.client.on("error", () => {
      if (connection === fresh) connection = null;
    });
    // `connectTimeout` ends with the TCP or TLS handshake; AUTH and SELECT that follow need a limit too.
    const limit = clock.after(2 * deadlineMs, () => fresh.client.destroy());
    try {
      await fresh.client.connect();
    } finally {
      limit.cancel();
    }
    if (closed) fresh.client.destroy();
    return fresh;
  }

  function connect(): Promise<Connection> {
    if (connecting !== null) return connecting;
    if (clock.now() < notBeforeMs) {
      return Promise.reject(new NoAnswer("connecting failed a moment ago"));
    }
    connecting = open().then((fresh) => {
      failures = 0;
      connection = fresh;
      return fresh;
    }, (error) => {
      failures++;
      notBeforeMs = clock.now() + backOffMs(failures, backOff, random);
      throw error;
    }).finally(() => {
      connecting = null;
    });
    return connecting;
  }

  /**
   * The next command makes a new one. So it goes with a connection on which nothing came back in time, and with one to a
   * server that has become a replica: the name in the address may stand for the new master by now.
   */
  function drop(suspect: Connection): void {
    if (connection === suspect) connection = null;
    suspect.client.destroy();
  }

  return {
    async send(commands) {
      if (library === null) await loadRespClient();
      if (closed) throw new NoAnswer("the connection was closed");
      const deadline = startDeadline(clock, deadlineMs);
      let live: Connection | null = null;
      try {
        live = connection ?? await Promise.race([connect(), deadline.passed]);
        const replies = await Promise.race([exchange(live, commands), deadline.passed]);
        if (replies.some(isReadOnly)) drop(live);
        return replies;
      } catch (error) {
        if (live !== null && deadline.isMissed()) drop(live);
        throw error instanceof NoAnswer ? error : new NoAnswer(safeReason(error));
      } finally {
        deadline.cancel();
      }
    },

    async close() {
      closed = true;
      // Destroying a client while its socket connects would leave the socket behind.
      await connecting?.catch(() => {});
      connection?.client.destroy();
      connection = null;
    },
  };
}

/** The client's package, and one of its clients, which never connects. */
interface Library extends Pick<typeof import("redis"), "ErrorReply" | "RESP_TYPES"> {
  readonly model: ReturnType<typeof newModel>;
}

let library: Library | null = null;

/**
 * Loads the client's package. Meanwhile the process has no ear for answers, so no deadline runs while it does; whoever can
 * does it before somebody waits for the first command.
 */
export async function loadRespClient(): Promise<Library> {
  if (library === null) {
    const { createClient, ErrorReply, RESP_TYPES } = await import("redis");
    library = { model: newModel(createClient), ErrorReply, RESP_TYPES };
  }
  return library;
}

/**
 * What all clients are copies of. For each other address the package would build its class of hundreds of commands anew,
 * which takes a tenth of a second (`createClient` in 6.3.1); `duplicate` takes the class that there is.
 */
function newModel(createClient: typeof import("redis").createClient) {
  return createClient({
    // The shapes of RESP 2 are those that Upstash answers with; RESP 3 has maps, booleans and doubles.
    RESP: 2,
    disableOfflineQueue: true,
    // Saves two commands on every new connection, which Redis before 7.2 does not know anyway.
    disableClientInfo: true,
  });
}

async function newClient({ url, deadlineMs, bulk }: RespLinkOptions) {
  const { model, ErrorReply, RESP_TYPES } = await loadRespClient();
  const { Buffer } = await import("node:buffer");
  const client = model.duplicate({
    url,
    socket: { connectTimeout: deadlineMs, reconnectStrategy: false },
    commandOptions: {
      typeMapping: bulk === "bytes" ? { [RESP_TYPES.BLOB_STRING]: Buffer } : {},
    },
  });
  return { client, isReply: (error: unknown): error is Error => error instanceof ErrorReply };
}

/** A connection, and what tells the server's error replies from failures of the connection. */
type Connection = Awaited<ReturnType<typeof newClient>>;

async function exchange(
  { client, isReply }: Connection,
  commands: readonly (readonly (string | Buffer)[])[],
): Promise<readonly RespReply[]> {
  return await Promise.all(commands.map(async (command): Promise<RespReply> => {
    try {
      return await client.sendCommand<RespReply>([...command]);
    } catch (error) {
      if (isReply(error)) return error;
      throw error;
    }
  }));
}

function isReadOnly(reply: RespReply): boolean {
  return reply instanceof Error && reply.message.startsWith("READONLY ");
}

/** What may be told of a failure: an error code of the system (`ECONNREFUSED`), the code of a refused AUTH, or its kind. */
function safeReason(error: unknown): string {
  if (!(error instanceof Error)) return "the connection failed";
  const code = "code" in error && typeof error.code === "string"
    ? error.code
    : /^(?:WRONGPASS|NOAUTH|NOPERM|LOADING|ERR)(?= )/.exec(error.message)?.[0] ?? error.name;
  return `the connection failed: ${code}`;
}
