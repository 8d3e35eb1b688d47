import { noNetwork } from "../support/no_network.ts";
import assert from "node:assert/strict";
import { composePatchbay } from "../../composition/patchbay.ts";
import { readConfig } from "../../services/config/config.ts";
import { systemClock } from "../../services/support/clock.ts";
import { createTestKey } from "../../simulator/kit/tokens.ts";
import { assertLinear } from "../support/linear_time.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { patchbayEnv } from "../support/patchbay_for_load.ts";
import { ACCOUNT_SID, OWN_NUMBER } from "../support/twilio_requests.ts";
import { collidingName, filled, listed } from "./long_texts.ts";

/**
 * What a single request without a body may cost, however long its head is and whoever sent it. It takes a few milliseconds: the
 * rest is for slow machines.
 */
const CHEAP = { mostMs: 25 };

/** The longest headers, paths and queries that come as far as a route. */
const HEADERS = 30 * 1024;
const TARGET = 60 * 1024;

const SCOPES = [
  ...["sms:operate", "sms:supervise", "credentials:write", "opt-outs:read", "opt-outs:write"],
  ...["sessions:read", "sessions:write", "webhooks:read", "webhooks:write"],
].join(" ");

const INFO: Deno.ServeHandlerInfo<Deno.NetAddr> = {
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
  completed: Promise.resolve(),
};

interface World {
  readonly authorization: string;
  readonly notifications: string;
  /** Sends a request and reads the answer; resolves with its status. */
  send(target: string, init?: RequestInit): Promise<number>;
  stop(): Promise<void>;
}

/** A whole Patchbay without a network: upstream is somebody who says yes. */
async function startWorld(): Promise<World> {
  const key = await createTestKey();
  const env = await patchbayEnv(0);
  const reading = readConfig({
    ...env,
    JWT_PUBLIC_KEY: JSON.stringify(key.publicJwk),
    SQLITE_PATH: ":memory:",
    PUBLIC_URL: "https://edge.example",
    TWILIO_ACCOUNT_SID: ACCOUNT_SID,
    TWILIO_AUTH_TOKEN: "a-token-of-the-account",
    TWILIO_FROM: OWN_NUMBER,
    TRUST_PROXY_HOPS: "2",
  });
  if (!reading.ok) throw new Error(reading.faults.join("\n"));
  const patchbay = await composePatchbay(reading.config, {
    log: createMemoryLog(),
    clock: systemClock,
    random: Math.random,
    fetch: () => Promise.resolve(Response.json({ statusCode: 0 })),
    network: noNetwork,
  });
  const token = await key.sign({ scope: SCOPES }, { lifetimeS: 3_600 });
  return {
    authorization: `Bearer ${token}`,
    notifications: `Bearer ${env["NOTIFICATIONS_TOKEN"]}`,
    async send(target, init) {
      const answer = await patchbay.fetch(new Request(`http://edge.example${target}`, init), INFO);
      await answer.body?.cancel();
      return answer.status;
    },
    stop: () => patchbay.drain(() => Promise.resolve()),
  };
}

let world: World;
Deno.test.beforeAll(async () => void (world = await startWorld()));
Deno.test.afterAll(() => world.stop());

const HEADER_NAMES = [
  ...["authorization", "accept-language", "connection", "content-encoding", "content-type"],
  ...["cookie", "idempotency-key", "if-range", "last-event-id", "origin", "range", "traceparent"],
  ...["tracestate", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"],
  ...["x-twilio-signature", "access-control-request-headers"],
];
const HEADER_UNITS = ["a", ", ", "; =", "Bearer ", "a.", "1, ", '\\"', "%41"];

/** A route of each kind: what stands before the routes is the same for all, and these look at headers of their own. */
const HEADED: readonly (readonly [string, string])[] = [
  ["GET", "/healthz"],
  ["GET", "/api/v2/me"],
  ["POST", "/api/v2/me/smssessions/0071023821aec011"],
  ["POST", "/ingress/twilio/sms"],
  ["OPTIONS", "/api/v2/me"],
];

for (const [method, target] of HEADED) {
  Deno.test(`${method} ${target} takes time in proportion to any of its headers`, async () => {
    const { authorization, send } = world;
    const body = method === "POST" ? '{"operationName":"Ping"}' : null;
    for (const name of HEADER_NAMES) {
      for (const unit of HEADER_UNITS) {
        await assertLinear(HEADERS, (size) => {
          const value = filled(unit, size).trim();
          const headers = { authorization, "content-type": "application/json", [name]: value };
          return () => send(target, { method, headers, body });
        }, CHEAP).catch((cause) => {
          throw new Error(`${name} of ${JSON.stringify(unit)}`, { cause });
        });
      }
    }
  });
}

const LISTS = ["sessions", "webhooks", "events", "deliveries", "opt-outs"];
const QUERIES: readonly (readonly [string, (size: number) => string])[] = [
  ["parameters", (size) => listed((at) => `p${at}=v`, { size, between: "&" })],
  ["parameters whose names meet", (size) => listed(collidingName, { size, between: "&" })],
  ["one parameter again and again", (size) => filled("limit=1&", size)],
  ["a cursor", (size) => `cursor=${filled("AAAA", size)}`],
  ["ampersands", (size) => filled("&", size)],
  ["escapes", (size) => `session=${filled("%41", size)}`],
  ["broken escapes", (size) => `session=${filled("%C3%", size)}`],
  ["blanks", (size) => `phone=${filled("+", size)}`],
];

for (const list of LISTS) {
  Deno.test(`GET /v1/${list} takes time in proportion to its query`, async () => {
    const { authorization, send } = world;
    for (const [what, queryOf] of QUERIES) {
      await assertLinear(TARGET, (size) => {
        const target = `/v1/${list}?${queryOf(size)}`;
        return () => send(target, { headers: { authorization } });
      }, CHEAP).catch((cause) => {
        throw new Error(`of ${what}`, { cause });
      });
    }
  });
}

const PATHS = [
  ...["/", "/api/v2/", "/api/v2/me/smssessions/", "/api/v2/users/x/smssessions/", "/v1/sessions/"],
  ...["/v1/events/", "/v1/deliveries/", "/v1/webhooks/", "/v1/opt-outs/", "/v1/media/"],
  ...["/problems/", "/ingress/"],
];
const PATH_UNITS = ["a", "/", "a/", "%41", "%C3%", "../", ":", "+1", "//"];

for (const path of PATHS) {
  Deno.test(`GET ${path}… takes time in proportion to its path`, async () => {
    const { authorization, send } = world;
    for (const unit of PATH_UNITS) {
      await assertLinear(TARGET, (size) => {
        const target = path + filled(unit, size);
        return () => send(target, { headers: { authorization } });
      }, CHEAP).catch((cause) => {
        throw new Error(`of ${JSON.stringify(unit)}`, { cause });
      });
    }
  });
}

/** How many notifications or messages, of which sessions. */
const INGESTED: readonly (readonly [string, number, (session: string, count: number) => string])[] =
  [
    [
      "notifications of one session",
      1_000,
      (session, count) =>
        `[${Array.from({ length: count }, (_, at) => state(session, at)).join()}]`,
    ],
    [
      "notifications of as many sessions",
      1_000,
      (session, count) =>
        `[${Array.from({ length: count }, (_, at) => state(`${session}-${at}`, at)).join()}]`,
    ],
    [
      "messages",
      10_000,
      (session, count) =>
        `{"notificationType":"NewMessages","smssessionPath":"/smssessions/${session}","messages":[${
          Array.from({ length: count }, (_, at) => `{"index":${at + 1},"type":"Text","text":"t"}`)
            .join()
        }]}`,
    ],
  ];

function state(session: string, at: number): string {
  return `{"notificationType":"StatusChange","smssession":{"id":"${session}","state":"State ${at}"}}`;
}

for (const [what, most, textOf] of INGESTED) {
  Deno.test(`POST /ingress/notifications takes time in proportion to its ${what}`, async () => {
    const { notifications, send } = world;
    let session = 0;
    const headers = { authorization: notifications, "content-type": "application/json" };
    await assertLinear(most, (count) => async () => {
      const body = textOf(`s${session++}`, count);
      const status = await send("/ingress/notifications", { method: "POST", headers, body });
      assert.equal(status, 202);
    });
  });
}
