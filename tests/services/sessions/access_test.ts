import assert from "node:assert/strict";
import { InsufficientScope } from "../../../services/errors.ts";
import {
  listedAgentId,
  maySee,
  supervises,
  writesOnlyToVisible,
} from "../../../services/sessions/access.ts";
import type { SessionRecord } from "../../../services/store/port/sessions.ts";

const agent = (id: string, ...scopes: string[]) => ({ id, scopes: new Set(scopes) });

const SESSION: SessionRecord = {
  id: "s-1",
  agentId: "holder",
  nickname: "Holder",
  participants: [{ agentId: "participant", nickname: "Participant" }],
  state: "Chatting",
  acceptedAtMs: 1,
  acceptedUpstreamMs: 1,
  updatedAtMs: 1,
  sequence: 1,
  customer: null,
  seatsUntilMs: [],
};

for (
  const [who, expected] of [
    [agent("holder"), true],
    [agent("participant"), true],
    [agent("outsider"), false],
    [agent("outsider", "sms:operate"), false],
    [agent("outsider", "sms:supervise"), true],
  ] as const
) {
  const scopes = [...who.scopes].join(" ") || "no scope";
  Deno.test(`maySee() says ${expected} to the ${who.id} with ${scopes}`, () => {
    assert.equal(maySee(who, SESSION), expected);
  });
}

const LISTS: readonly (readonly [
  scopes: readonly string[],
  wanted: string | undefined,
  listed: string | null,
])[] = [
  [[], undefined, "me"],
  [[], "me", "me"],
  [["sms:supervise"], undefined, null],
  [["sms:supervise"], "other", "other"],
];

for (const [scopes, wanted, listed] of LISTS) {
  Deno.test(`listedAgentId() for [${scopes}] who ask for ${wanted ?? "nobody's"} is ${listed}`, () => {
    assert.equal(listedAgentId(agent("me", ...scopes), wanted), listed);
  });
}

Deno.test("listedAgentId() refuses another agent's sessions without sms:supervise", () => {
  assert.throws(() => listedAgentId(agent("me", "sms:operate"), "other"), InsufficientScope);
});

Deno.test("whoever operates sessions writes only to visible ones, an integration to any", () => {
  assert.equal(writesOnlyToVisible(agent("me", "sms:operate", "sms:supervise")), true);
  assert.equal(writesOnlyToVisible(agent("crm", "sessions:write")), false);
  assert.equal(supervises(agent("crm", "sessions:write")), false);
});
