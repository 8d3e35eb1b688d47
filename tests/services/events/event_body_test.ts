import assert from "node:assert/strict";
import { renderEvent } from "../../../services/events/event_body.ts";
import type { EventRecord } from "../../../services/store/port/events.ts";

const EVENT: EventRecord = {
  id: "evt_01",
  type: "session.messages_added",
  sessionId: "0000Na9B26EF002X",
  sequence: 7,
  agentId: "agent-1",
  occurredAtMs: Date.parse("2026-11-22T10:00:00.000Z"),
  dataJson: '{"notification":{"b":1.0,"a":1e3,"b2":"\\u00e9 é 🛎️", "big":12345678901234567890}}',
};
const IDS = '"eventId":"evt_01","sessionId":"0000Na9B26EF002X","sequence":7,"agentId":"agent-1"';
const HEAD = '{"type":"session.messages_added","timestamp":"2026-11-22T10:00:00.000Z","data":{';

Deno.test("a full body is the contract's, with the notification as the very text that was kept", () => {
  const notification =
    '"notification":{"b":1.0,"a":1e3,"b2":"\\u00e9 é 🛎️", "big":12345678901234567890}';
  assert.equal(renderEvent(EVENT, "full"), `${HEAD}${IDS},${notification}}}`);
});

Deno.test("a thin body has the ids and nothing of the event's own", () => {
  assert.equal(renderEvent(EVENT, "thin"), `${HEAD}${IDS}}}`);
});

for (const dataJson of ["{}", " { } ", "{\n}"]) {
  Deno.test(`empty own data (${JSON.stringify(dataJson)}) leaves no stray comma`, () => {
    assert.equal(renderEvent({ ...EVENT, dataJson }, "full"), `${HEAD}${IDS}}}`);
  });
}

Deno.test("an event without a session says null, and quotes in ids are escaped", () => {
  const event: EventRecord = {
    ...EVENT,
    type: 'a"b',
    sessionId: null,
    sequence: null,
    agentId: 'agent "x"',
    dataJson: ' {"webhookId": "wh_1"} ',
  };
  assert.deepEqual(JSON.parse(renderEvent(event, "full")), {
    type: 'a"b',
    timestamp: "2026-11-22T10:00:00.000Z",
    data: {
      eventId: "evt_01",
      sessionId: null,
      sequence: null,
      agentId: 'agent "x"',
      webhookId: "wh_1",
    },
  });
});

for (const dataJson of ["", "[]", '"text"', "null", '{"a":1']) {
  Deno.test(`data that is no object (${dataJson || "nothing"}) is a fault of ours, and thrown`, () => {
    assert.throws(() => renderEvent({ ...EVENT, dataJson }, "full"), /Cannot render event evt_01/);
  });
}
