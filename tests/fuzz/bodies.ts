import fc from "fast-check";
import { ACCOUNT_SID, inboundFields, statusFields } from "../support/twilio_requests.ts";
import { NUMBERS, SECRETS } from "./canaries.ts";
import { anyText, anyValue } from "./texts.ts";

/** What a request brings along. */
export type Body =
  | { readonly kind: "none" }
  | { readonly kind: "bytes"; readonly type: string | null; readonly bytes: Uint8Array }
  /** `signed`: as the SMS provider signs it. */
  | {
    readonly kind: "form";
    readonly fields: readonly (readonly [string, string])[];
    readonly signed: boolean;
  };

type Json = Readonly<Record<string, unknown>>;

const SESSION = {
  id: "s1",
  state: "Chat",
  participants: [],
  userData: { PhoneNumber: NUMBERS[0] },
};
const MESSAGE = {
  index: 1,
  type: "Text",
  text: SECRETS.text,
  visibility: "All",
  from: { type: "Agent", nickname: "Marat" },
  timestampSeconds: 1_400_000_000_000,
};

/** Good bodies, by what they are for. What is drawn is one of them with changes. */
export const TEMPLATES = {
  operation: [
    { operationName: "Accept", nickname: "John" },
    { operationName: "Accept", nickname: "John", saveLAR: true },
    { operationName: "SendMessage", text: SECRETS.text },
    { operationName: "SendUrl", url: "https://shop.example/a.png" },
    { operationName: "Transfer", agentUserName: "agent-2" },
    { operationName: "Invite", agentUserName: "agent-2" },
    { operationName: "Consult", queueName: "q" },
    { operationName: "Leave" },
    { operationName: "Complete" },
    { operationName: "Reject" },
    { operationName: "AttachUserData", userData: { PhoneNumber: NUMBERS[1] } },
    { operationName: "DeleteUserData", keys: ["a"] },
    { operationName: "SetDisposition", disposition: "x" },
    { operationName: "Tomorrow" },
    { operationName: "StartContactCenterSession", channels: ["sms"] },
    { operationName: "EndContactCenterSession" },
  ],
  intrusion: [{ operationName: "Intrude", supervisorVisibilityMode: "None" }],
  notification: [
    { notificationType: "StatusChange", smssession: SESSION },
    { notificationType: "StatusChange", smssession: { ...SESSION, state: "Completed" } },
    { notificationType: "ParticipantsUpdated", smssession: SESSION },
    { notificationType: "PropertiesUpdated", smsSession: SESSION },
    { notificationType: "NewMessages", smssessionPath: "/smssessions/s1", messages: [MESSAGE] },
    {
      notificationType: "NewMessages",
      smssessionUri: "http://centre/api/v2/smssessions/s2",
      messages: [MESSAGE, { ...MESSAGE, index: 2, type: "ParticipantJoined" }],
    },
    { notificationType: "Error", smssessionPath: "/smssessions/s1", errorCode: 1 },
    { channel: "/v2/me/sms", data: { notificationType: "StatusChange", smssession: SESSION } },
    { channel: "/meta/connect", successful: true },
  ],
  webhook: [
    { url: "CONSUMER", headers: { "x-password": SECRETS.webhookHeader } },
    { url: "CONSUMER", eventTypes: ["session.*"], agentIds: ["agent-1"], ordering: "none" },
    { url: "CONSUMER", payload: "thin", signing: ["v1", "v1a"], rateLimit: "5/s", concurrency: 2 },
    { url: "http://10.0.0.1/", description: "d" },
    { eventTypes: ["*"], headers: {} },
  ],
  recovery: [
    { since: new Date(Date.now() - 3_600_000).toISOString() },
    { since: "2030-01-01T00:00:00Z", until: "2031-01-01T00:00:00Z", dryRun: true },
  ],
  customer: [{ phone: NUMBERS[0], sender: "+15550100000" }, { phone: NUMBERS[1], sender: null }],
  credentials: [{ username: "agent-1", password: SECRETS.password }],
  revocation: [{ exp: 4_000_000_000, reason: "lost" }, {}],
  reason: [{ reason: "asked for it" }, {}],
  resolution: [{ outcome: "delivered" }, { outcome: "send-again" }, { outcome: "not-sent" }],
} satisfies Readonly<Record<string, readonly Json[]>>;

export type TemplateName = keyof typeof TEMPLATES;

type Change =
  | { readonly kind: "set"; readonly at: number; readonly value: unknown }
  | { readonly kind: "drop"; readonly at: number }
  | { readonly kind: "add"; readonly name: string; readonly value: unknown };

const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), at: fc.nat(12), value: anyValue }),
  fc.record({ kind: fc.constant("drop" as const), at: fc.nat(12) }),
  fc.record({ kind: fc.constant("add" as const), name: anyText, value: anyValue }),
);

/** One of the templates of that name with up to three changes, as JSON. */
function templateText(name: TemplateName): fc.Arbitrary<string> {
  return fc.tuple(
    fc.constantFrom<Json>(...TEMPLATES[name]),
    fc.oneof(fc.constant([]), fc.array(anyChange, { maxLength: 3 })),
    fc.option(fc.tuple(anyText, anyValue), { freq: 12 }),
    fc.nat(9),
  ).map(([template, changes, twice, listed]) => {
    const copy = structuredClone(template) as Record<string, unknown>;
    for (const change of changes) apply(copy, change);
    const text = JSON.stringify(copy);
    const again = twice === null
      ? text
      : text.replace(/\}$/, `,${JSON.stringify(twice[0])}:${JSON.stringify(twice[1])}}`);
    return name === "notification" && listed === 0 ? `[${again},${again}]` : again;
  });
}

/** Changes the member with that number, counted through all depths. */
function apply(root: Record<string, unknown>, change: Change): void {
  if (change.kind === "add") {
    Object.defineProperty(root, change.name, {
      value: structuredClone(change.value),
      enumerable: true,
      writable: true,
      configurable: true,
    });
    return;
  }
  const places: (readonly [Record<string, unknown>, string])[] = [];
  (function collect(value: unknown): void {
    if (typeof value !== "object" || value === null) return;
    const members = value as Record<string, unknown>;
    for (const name of Object.keys(members)) {
      places.push([members, name]);
      collect(members[name]);
    }
  })(root);
  const [holder, name] = places[change.at % Math.max(1, places.length)] ?? [];
  if (holder === undefined || name === undefined) return;
  if (change.kind === "drop") delete holder[name];
  else holder[name] = structuredClone(change.value);
}

const RAW: readonly string[] = [
  ...[
    "",
    " ",
    "{",
    "}",
    "[]",
    "null",
    "0",
    '""',
    "[[]]",
    "{}{}",
    "{'a':1}",
    '{"a":1,}',
    "\ufeff{}",
  ],
  ...['{"__proto__":{"x":1}}', '{"a":1e999}', '{"operationName":"Accept","operationName":"Leave"}'],
  ...['{"\\u006fperationName":"Accept","nickname":"x"}', "<xml/>", "a=b", "[".repeat(70_000)],
  ...[`${"[".repeat(65)}${"]".repeat(65)}`, `{"a":"${"x".repeat(70_000)}"}`],
];

const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.constantFrom(...RAW).map((text) => new TextEncoder().encode(text)),
  fc.json({ depthSize: "small" }).map((text) => new TextEncoder().encode(text)),
  fc.uint8Array({ maxLength: 60 }),
);

const CONTENT_TYPES: readonly (string | null)[] = [
  ...[
    "application/json",
    "application/json; charset=utf-8",
    "application/vnd.x+json",
    "text/plain",
  ],
  ...["application/json; charset=utf-16", "application/x-www-form-urlencoded", "a/b", "", null],
];

const MEDIA = `https://api.twilio.com/2010-04-01/Accounts/${ACCOUNT_SID}/Messages/MM1/Media/ME${
  "0".repeat(32)
}`;

const anyFields: fc.Arbitrary<readonly (readonly [string, string])[]> = fc.tuple(
  fc.constantFrom(
    inboundFields({ Body: SECRETS.text, From: NUMBERS[2] }),
    inboundFields({ Body: "", NumMedia: "1", MediaUrl0: MEDIA, MediaContentType0: "image/png" }),
    statusFields(),
  ),
  fc.oneof(fc.constant([]), fc.array(fc.tuple(fc.nat(20), anyText), { maxLength: 3 })),
  fc.oneof(fc.constant([]), fc.array(fc.tuple(anyText, anyText), { maxLength: 2 })),
).map(([fields, changes, added]) => {
  const entries: [string, string][] = Object.entries(fields);
  for (const [at, value] of changes) {
    const entry = entries[at % entries.length];
    if (entry !== undefined) entry[1] = value;
  }
  return [...entries, ...added];
});

/** A body for a route that takes such a one; mostly one that it takes. */
export function bodyFor(template: TemplateName | "form" | null): fc.Arbitrary<Body> {
  const none: fc.Arbitrary<Body> = fc.constant({ kind: "none" });
  const form: fc.Arbitrary<Body> = fc.record({
    kind: fc.constant("form" as const),
    fields: anyFields,
    signed: fc.integer({ min: 0, max: 4 }).map((n) => n < 4),
  });
  const bytes: fc.Arbitrary<Body> = fc.record({
    kind: fc.constant("bytes" as const),
    type: fc.constantFrom(...CONTENT_TYPES),
    bytes: anyBytes,
  });
  if (template === null) {
    return fc.oneof({ weight: 8, arbitrary: none }, { weight: 1, arbitrary: bytes });
  }
  if (template === "form") {
    return fc.oneof({ weight: 8, arbitrary: form }, { weight: 1, arbitrary: bytes });
  }
  const json: fc.Arbitrary<Body> = templateText(template).map((text) => ({
    kind: "bytes",
    type: "application/json",
    bytes: new TextEncoder().encode(text),
  }));
  return fc.oneof(
    { weight: 24, arbitrary: json },
    { weight: 3, arbitrary: bytes },
    { weight: 1, arbitrary: none },
    { weight: 1, arbitrary: form },
  );
}
