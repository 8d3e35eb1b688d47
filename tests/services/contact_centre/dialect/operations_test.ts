import assert from "node:assert/strict";
import {
  type MappingEffect,
  meOperation,
  OPERATIONS,
  readOperation,
  readOperationName,
} from "../../../../services/contact_centre/dialect/operations.ts";

// Every operation, the least that its body needs, and what its success means.
const GOOD: readonly (readonly [string, Record<string, unknown>, MappingEffect])[] = [
  ["Accept", { nickname: "Ada" }, "accept"],
  ["Reject", {}, "reject"],
  ["Leave", {}, "leave"],
  ["Complete", {}, "end"],
  ["LeaveAndComplete", {}, "leave"],
  ["Transfer", { targetUri: "http://x/api/v2/users/1" }, "hand-over"],
  ["Invite", { targetUri: "http://x/api/v2/users/1" }, "open-seat"],
  ["Consult", { targetUri: "http://x/api/v2/users/1" }, "open-seat"],
  ["Intrude", {}, "join"],
  ["SendMessage", { text: "hello" }, "none"],
  ["SendUrl", { url: "https://x" }, "none"],
  ["SendToAgents", { text: "hello" }, "none"],
  ["SendCustomNotice", { noticeText: "n" }, "none"],
  ["SendCustomNoticeToAgents", { noticeText: "n" }, "none"],
  ["SendStartTypingNotification", {}, "none"],
  ["SendStopTypingNotification", {}, "none"],
  ["SendStartTypingToAgentNotification", {}, "none"],
  ["SendStartTypingToAgentsNotification", {}, "none"],
  ["SendStopTypingToAgentNotification", {}, "none"],
  ["SendStopTypingToAgentsNotification", {}, "none"],
  ["AttachUserData", { userData: { a: 1 } }, "none"],
  ["UpdateUserData", { userData: {} }, "none"],
  ["DeleteUserData", { keys: ["a"] }, "none"],
  ["SetDisposition", { disposition: "done" }, "none"],
  ["SetInFocus", {}, "none"],
  ["InFocus", {}, "none"],
];

for (const [operationName, parameters, effect] of GOOD) {
  Deno.test(`readOperation() reads ${operationName}, whose effect is ${effect}`, () => {
    const read = readOperation({ operationName, ...parameters, further: { members: "pass" } });
    assert.ok(read.ok, JSON.stringify(read));
    assert.deepEqual(
      { name: read.name, known: read.known, effect: read.effect },
      { name: operationName, known: true, effect },
    );
  });
}

Deno.test("OPERATIONS holds no operation that the table above has not", () => {
  assert.deepEqual([...OPERATIONS.keys()].toSorted(), GOOD.map(([name]) => name).toSorted());
});

const ALSO_GOOD: readonly (readonly [string, Record<string, unknown>])[] = [
  ["Accept", { nickname: "Ada", saveLAR: true }],
  ["Accept", { nickname: "Ada", saveLAR: false }],
  ["Accept", { nickname: "Ada", saveLAR: "true" }],
  ["Accept", { nickname: "Ada", saveLAR: "false" }],
  ["Complete", { queueName: "q", saveLAR: "true" }],
  ["Transfer", { targetPath: "/users/1" }],
  ["Transfer", { queueName: "q" }],
  ["Transfer", { targetUri: "u", text: "over to you", messageType: "Text", treatAs: "System" }],
  ["Invite", { targetPath: "/users/1" }],
  ["Invite", { userUri: "http://x/api/v2/contacts/1" }],
  ["Consult", { userUri: "http://x/api/v2/contacts/1" }],
  ["Intrude", { supervisorVisibilityMode: "Coach" }],
  ["SetDisposition", { disposition: "done", dispositionKey: "K" }],
  ["DeleteUserData", { keys: [] }],
  ["SendMessage", { text: "" }],
];

for (const [operationName, parameters] of ALSO_GOOD) {
  Deno.test(`readOperation() takes ${operationName} with ${JSON.stringify(parameters)}`, () => {
    assert.equal(readOperation({ operationName, ...parameters }).ok, true);
  });
}

const BAD: readonly (readonly [string, Record<string, unknown>, string])[] = [
  ["Accept", {}, "nickname to be a non-empty string"],
  ["Accept", { nickname: "" }, "nickname to be a non-empty string"],
  ["Accept", { nickname: 7 }, "nickname to be a non-empty string"],
  ["Accept", { nickname: null }, "nickname to be a non-empty string"],
  ["Accept", { nickname: "Ada", saveLAR: "yes" }, "saveLAR to be true or false, or absent"],
  ["Accept", { nickname: "Ada", saveLAR: 1 }, "saveLAR to be true or false, or absent"],
  ["Complete", { queueName: 1 }, "queueName to be a string, or absent"],
  ["Complete", { saveLAR: "TRUE" }, "saveLAR to be true or false, or absent"],
  ["Transfer", {}, "targetUri, targetPath or queueName to be a string"],
  ["Transfer", { userUri: "u" }, "targetUri, targetPath or queueName to be a string"],
  ["Transfer", { queueName: ["q"] }, "queueName to be a string, or absent"],
  ["Transfer", { queueName: "q", text: 1 }, "text to be a string, or absent"],
  ["Transfer", { queueName: "q", messageType: {} }, "messageType to be a string, or absent"],
  [
    "Transfer",
    { queueName: "q", treatAs: "Loud" },
    "treatAs to be Normal or System, or absent",
  ],
  ["Invite", {}, "targetUri, targetPath or userUri to be a string"],
  ["Consult", { queueName: "q" }, "targetUri, targetPath or userUri to be a string"],
  ["Consult", { targetPath: {} }, "targetPath to be a string, or absent"],
  [
    "Intrude",
    { supervisorVisibilityMode: "Whisper" },
    "supervisorVisibilityMode to be Monitor, Coach or BargeIn, or absent",
  ],
  ["SendMessage", {}, "text to be a string"],
  ["SendMessage", { text: ["a"] }, "text to be a string"],
  ["SendToAgents", {}, "text to be a string"],
  ["SendUrl", { uri: "x" }, "url to be a string"],
  ["SendCustomNotice", { text: "x" }, "noticeText to be a string"],
  ["SendCustomNoticeToAgents", {}, "noticeText to be a string"],
  ["AttachUserData", { userData: [] }, "userData to be an object"],
  ["UpdateUserData", { userData: "a=1" }, "userData to be an object"],
  ["DeleteUserData", { keys: "a" }, "keys to be an array of strings"],
  ["DeleteUserData", { keys: ["a", 1] }, "keys to be an array of strings"],
  ["SetDisposition", {}, "disposition to be a string"],
  [
    "SetDisposition",
    { disposition: "d", dispositionKey: 1 },
    "dispositionKey to be a string, or absent",
  ],
];

for (const [operationName, parameters, expected] of BAD) {
  Deno.test(`readOperation() refuses ${operationName} with ${JSON.stringify(parameters)}`, () => {
    assert.deepEqual(readOperation({ operationName, ...parameters }), {
      ok: false,
      code: "invalid-parameter",
      message: `Cannot do ${operationName}: expected ${expected}`,
    });
  });
}

for (const untrustedJson of [null, 1, "Accept", [], [{ operationName: "Accept" }]]) {
  Deno.test(`readOperation() takes the body ${JSON.stringify(untrustedJson)} for invalid`, () => {
    assert.deepEqual(readOperation(untrustedJson), {
      ok: false,
      code: "invalid-body",
      message: "Cannot read the body: expected a JSON object",
    });
  });
}

for (const untrustedJson of [{}, { operationName: null }, { operationName: ["Accept"] }]) {
  Deno.test(`readOperation() misses the name in ${JSON.stringify(untrustedJson)}`, () => {
    const fault = {
      ok: false,
      code: "invalid-body",
      message: "Cannot read the body: expected operationName to be a string",
    };
    assert.deepEqual(readOperation(untrustedJson), fault);
    assert.deepEqual(readOperationName(untrustedJson), fault);
  });
}

for (
  const operationName of [
    "AddAttachment",
    "Accepted",
    "Send-Message",
    "",
    "constructor",
    "__proto__",
  ]
) {
  Deno.test(`readOperation() does not know ${JSON.stringify(operationName)} and lets it be`, () => {
    assert.deepEqual(readOperation({ operationName, nickname: 1 }), {
      ok: true,
      name: operationName,
      known: false,
      effect: "none",
      nickname: null,
    });
  });
}

Deno.test("readOperation() tells the nickname that Accept gives", () => {
  const read = readOperation({ operationName: "Accept", nickname: "Ada 😀" });
  assert.ok(read.ok);
  assert.equal(read.nickname, "Ada 😀");
});

for (const operationName of ["accept", "ACCEPT", " Accept ", "Accept\n", "accept\u200b"]) {
  Deno.test(`readOperation() judges ${JSON.stringify(operationName)} as Accept`, () => {
    const read = readOperation({ operationName, nickname: "Ada" });
    assert.ok(read.ok);
    assert.deepEqual([read.name, read.known, read.effect], ["Accept", true, "accept"]);
    const without = readOperation({ operationName });
    assert.equal(without.ok ? null : without.code, "invalid-parameter");
  });
}

Deno.test("no two operations could be taken for one another", () => {
  const names = [...OPERATIONS.keys()];
  for (const name of names) {
    const read = readOperation({ operationName: name.toUpperCase(), ...parametersOf(name) });
    assert.equal(read.ok && read.name, name);
  }
});

function parametersOf(name: string) {
  return GOOD.find(([operationName]) => operationName === name)?.[1];
}

const MISSPELT: readonly (readonly [body: Record<string, unknown>, member: string])[] = [
  [{ OperationName: "Intrude", operationName: "SendMessage", text: "x" }, "operationName"],
  [{ operationName: "SendMessage", text: "x", operationname: "Intrude" }, "operationName"],
  [{ operationName: "SendMessage", text: "x", "operationName ": "Intrude" }, "operationName"],
  [{ operationname: "Intrude" }, "operationName"],
  [{ operationName: "Accept", nickname: "Ada", NickName: "Eve" }, "nickname"],
  [{ operationName: "Unknown", Nickname: "Eve" }, "nickname"],
  [{ operationName: "SendMessage", text: "x", Text: ["y"] }, "text"],
  [{ operationName: "Transfer", queueName: "q", TargetUri: "u" }, "targetUri"],
  [{ operationName: "intrude ", SupervisorVisibilityMode: "x" }, "supervisorVisibilityMode"],
];

for (const [body, member] of MISSPELT) {
  Deno.test(`readOperation() refuses ${JSON.stringify(body)}, which upstream may read otherwise`, () => {
    assert.deepEqual(readOperation(body), {
      ok: false,
      code: "invalid-body",
      message: `Cannot read the body: expected ${member} to be spelled just so`,
    });
  });
}

Deno.test("readOperation() lets members be that only count for other operations", () => {
  assert.equal(readOperation({ operationName: "Leave", Text: "x", userdata: {} }).ok, true);
});

for (
  const operationName of ["Send\u0000Message", "Intrude\u0000.x", "In\ntrude", "Intrude\ud800"]
) {
  Deno.test(`readOperation() refuses the name ${JSON.stringify(operationName)}, whatever it is for`, () => {
    const fault = {
      ok: false,
      code: "invalid-parameter",
      message: "Cannot do this operation: expected operationName without control characters",
    };
    assert.deepEqual(readOperation({ operationName }), fault);
    assert.deepEqual(readOperationName({ operationName }), fault);
  });
}

for (
  const [name, effect] of [
    ["StartContactCenterSession", "sign-in"],
    [" startcontactcentersession", "sign-in"],
    ["ENDCONTACTCENTERSESSION", "sign-off"],
    ["Ready", undefined],
  ] as const
) {
  Deno.test(`${JSON.stringify(name)} on /me means ${effect ?? "nothing"} here`, () => {
    assert.equal(meOperation(name)?.effect, effect);
  });
}
