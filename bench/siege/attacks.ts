/** What strangers, and those who have stolen a token, can do to a Patchbay from one machine. */

/** Where it is aimed, and what is known of it. */
export interface Aim {
  readonly port: number;
  readonly notificationsToken: string;
  readonly agentToken: string;
}

/** Goes on until it is told to stop. */
export type Attack = (aim: Aim, stop: AbortSignal) => Promise<void>;

/** Connections of strangers, and of whoever has a token. */
const LOOPS = 8;
const KNOWN_LOOPS = 4;
const IDLE = 10_000;
const SLOW = 500;
const OPENED_AT_ONCE = 50;
const MIB = 1024 * 1024;
const encoder = new TextEncoder();

/** What strangers do, by its name, in the order in which it is measured; and a body that needs a token to be waited for. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  "forged forms of 48 KiB": again((aim) =>
    post("/ingress/twilio/sms", "a&".repeat(24 * 1024), {
      "content-type": "application/x-www-form-urlencoded",
      "x-twilio-signature": "Zm9yZ2VkZm9yZ2VkZm9yZ2Vk",
    }, aim)
  ),
  "paths of 60 KiB of broken escapes": again((aim) => get(`/${"%C3%".repeat(15 * 1024)}`, {}, aim)),
  "tokens of 60 KiB": again((aim) =>
    get("/v1/sessions", { authorization: `Bearer ${"a.".repeat(30 * 1024)}` }, aim)
  ),
  "1 MiB of opening brackets": again((aim) =>
    notify("[".repeat(MIB), { ...aim, notificationsToken: "forged" })
  ),
  "500 bodies that drip": (aim, stop) =>
    hold(SLOW, slowBody(aim), aim, stop, { everyMs: 1_000, drip: "x" }),
  "10,000 idle connections": (aim, stop) => hold(IDLE, "", aim, stop, { everyMs: 0, drip: "" }),
  "10,000 connections with half a head, each a byte in ten seconds": (aim, stop) =>
    hold(IDLE, "POST /ingress/notifications HTTP/1.1\r\nhost: x\r\nx-a: ", aim, stop, {
      everyMs: 10_000,
      drip: "x",
    }),
};

/** The same by somebody who has the token of notifications: these are measured and promised nothing. */
export const KNOWN_ATTACKS: Readonly<Record<string, Attack>> = {
  "1 MiB of opening brackets, with the token": again(
    (aim) => notify("[".repeat(MIB), aim),
    KNOWN_LOOPS,
  ),
  "360 KB of names that a hash table takes for one, with the token": again(
    (aim) => notify(collidingNames(), aim),
    KNOWN_LOOPS,
  ),
};

/** Sends it from several connections, each as soon as the answer before is there. */
function again(send: (aim: Aim) => Promise<unknown>, loops = LOOPS): Attack {
  return async (aim, stop) => {
    await Promise.all(Array.from({ length: loops }, async () => {
      while (!stop.aborted) await send(aim).catch(() => {});
    }));
  };
}

/** Opens so many connections, says `head` on each, and now and then a byte more; opens those again that were closed. */
async function hold(
  count: number,
  head: string,
  { port }: Aim,
  stop: AbortSignal,
  { everyMs, drip }: { readonly everyMs: number; readonly drip: string },
): Promise<void> {
  const held = new Set<Deno.Conn>();

  async function open(): Promise<void> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    if (head !== "") await connection.write(encoder.encode(head));
    held.add(connection);
  }

  while (!stop.aborted) {
    const startMs = performance.now();
    while (held.size < count && !stop.aborted) {
      const missing = Math.min(OPENED_AT_ONCE, count - held.size);
      await Promise.allSettled(Array.from({ length: missing }, open));
    }
    // Spread over the time, as they would come from many machines.
    const share = Math.max(1, Math.ceil(held.size / 100));
    let dripped = 0;
    for (const connection of drip === "" ? [] : [...held]) {
      if (stop.aborted) break;
      await connection.write(encoder.encode(drip)).catch(() => {
        held.delete(connection);
        connection.close();
      });
      if (++dripped % share === 0) await pauseFor(everyMs / 100);
    }
    await pauseFor(Math.max(10, everyMs - (performance.now() - startMs)));
  }
  for (const connection of held) connection.close();
}

function slowBody({ notificationsToken }: Aim): string {
  return [
    "POST /ingress/notifications HTTP/1.1",
    "host: x",
    `authorization: Bearer ${notificationsToken}`,
    "content-type: application/json",
    "content-length: 100000",
    "",
    "[",
  ].join("\r\n");
}

function notify(body: string, aim: Aim): Promise<void> {
  return post("/ingress/notifications", body, {
    "authorization": `Bearer ${aim.notificationsToken}`,
    "content-type": "application/json",
  }, aim);
}

async function post(
  path: string,
  body: string,
  headers: Record<string, string>,
  { port }: Aim,
): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers, body });
  await answer.body?.cancel();
}

async function get(path: string, headers: Record<string, string>, { port }: Aim): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = encoder.encode(
    `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${lines}\r\n`,
  );
  for (let sent = 0; sent < head.length;) sent += await connection.write(head.subarray(sent));
  const buffer = new Uint8Array(4_096);
  while (await connection.read(buffer) !== null);
}

let names: string | null = null;

/** V8 hashes names of ten digits by 24 bits of their number; these have the last 17 of them in common. */
function collidingNames(): string {
  names ??= `{${
    Array.from(
      { length: 24_000 },
      (_, at) => `"${(64 + Math.floor(at / 128) % 190) * 2 ** 24 + (at % 128) * 2 ** 17}":0`,
    ).join()
  }}`;
  return names;
}

function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
