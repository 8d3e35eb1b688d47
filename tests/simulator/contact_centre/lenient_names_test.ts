import assert from "node:assert/strict";
import { readLeniently } from "../../../simulator/contact_centre/lenient_reading.ts";
import { startContactCentre } from "../../../simulator/contact_centre/server.ts";

const ROWS: readonly (readonly [text: string, read: unknown])[] = [
  ['{"OPERATIONNAME":"accept ","NickName":"Ada"}', { operationName: "Accept", nickname: "Ada" }],
  ['{"operationName":"SendMessage","OperationName":" intrude"}', { operationName: "Intrude" }],
  ['{"operationName":"Unheard","Odd":1}', { operationName: "Unheard", Odd: 1 }],
  ['{"operationName":7}', { operationName: 7 }],
  ["[1]", [1]],
  ["nonsense", undefined],
];

for (const [text, read] of ROWS) {
  Deno.test(`a lenient contact centre reads ${text} as ${JSON.stringify(read)}`, () => {
    assert.deepEqual(readLeniently(text), read);
  });
}

for (const lenientNames of [true, false]) {
  Deno.test(`an accept in another case is ${lenientNames ? "done" : "refused"} ${lenientNames ? "with" : "without"} lenient names`, async () => {
    await using centre = await startContactCentre({ lenientNames });
    const { id } = centre.addSession({ customer: { nickname: "P" }, agentId: "agent-1" });
    const answer = await fetch(`${centre.url}/api/v2/me/smssessions/${id}`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa("agent-1:simulated")}` },
      body: '{"OperationName":"accept ","nickname":"Ada"}',
    });
    const { statusCode } = await answer.json();
    assert.equal(statusCode, lenientNames ? 0 : 1);
  });
}
