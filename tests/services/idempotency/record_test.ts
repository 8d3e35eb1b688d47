import assert from "node:assert/strict";
import {
  decodeIdempotencyRecord,
  encodeIdempotencyRecord,
  fingerprintOf,
  type IdempotencyRecord,
  type IdempotentRequest,
  recordNameOf,
} from "../../../services/idempotency/record.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const REQUEST: IdempotentRequest = {
  agentId: "agent-1",
  sessionId: "S1",
  path: "/api/v2/me/smssessions/S1",
  search: "",
  key: "order-17",
  body: bytes('{"operationName":"SendMessage","text":"zebra"}'),
};

const OTHER_SCOPES: Partial<IdempotentRequest>[] = [
  { agentId: "agent-2" },
  { sessionId: "S2" },
  { path: "/api/v2/users/1/smssessions/S1" },
  { key: "order-18" },
  // What separates the parts is no part of any.
  { agentId: 'agent-1","S1', sessionId: "" },
];

for (const change of OTHER_SCOPES) {
  Deno.test(`recordNameOf() tells ${JSON.stringify(change)} apart`, () => {
    assert.notEqual(recordNameOf({ ...REQUEST, ...change }).key, recordNameOf(REQUEST).key);
  });
}

Deno.test("recordNameOf() stays the same for another body, and names nothing", () => {
  const name = recordNameOf(REQUEST);
  assert.deepEqual(recordNameOf({ ...REQUEST, body: bytes("{}"), search: "?a" }), name);
  assert.equal(name.kind, "idempotency");
  assert.equal(name.near, "S1");
  assert.match(name.key, /^[0-9a-f]{64}$/);
});

const OTHER_REQUESTS: readonly (readonly [string, Partial<IdempotentRequest>])[] = [
  ["a blank more", { body: bytes('{"operationName":"SendMessage", "text":"zebra"}') }],
  ["no body", { body: new Uint8Array() }],
  ["another query", { search: "?a=1" }],
  // Of equal requests of two agents the hashes differ, so that none can be looked up in a list of usual texts.
  ["another agent", { agentId: "agent-2" }],
  ["another key", { key: "order-18" }],
];

for (const [what, change] of OTHER_REQUESTS) {
  Deno.test(`fingerprintOf() differs with ${what}`, () => {
    assert.notEqual(fingerprintOf({ ...REQUEST, ...change }), fingerprintOf(REQUEST));
  });
}

Deno.test("fingerprintOf() knows the same request again", () => {
  assert.equal(
    fingerprintOf({ ...REQUEST, body: REQUEST.body.slice() }),
    fingerprintOf({ ...REQUEST }),
  );
});

const RECORDS: IdempotencyRecord[] = [
  { state: "under-way", fingerprint: "f", token: "t" },
  { state: "answered", fingerprint: "f", token: "t", sealedAnswer: "s" },
  { state: "too-long", fingerprint: "f" },
];

for (const record of RECORDS) {
  Deno.test(`A record that is ${record.state} comes back from its text`, () => {
    assert.deepEqual(decodeIdempotencyRecord(encodeIdempotencyRecord(record)), record);
  });
}

for (const text of ["", "{}", '{"state":"answered"}', '{"state":"other","fingerprint":"f"}']) {
  Deno.test(`decodeIdempotencyRecord() throws for ${JSON.stringify(text)}`, () => {
    assert.throws(() => decodeIdempotencyRecord(text));
  });
}
