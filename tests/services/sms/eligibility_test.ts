import assert from "node:assert/strict";
import fc from "fast-check";
import { smsCandidates, smsPicture, smsText } from "../../../services/sms/eligibility.ts";
import seed from "../../../simulator/contact_centre/samples/notification_3_new_messages.json" with {
  type: "json",
};

const SENT_AT = "2026-11-22T10:00:00.000+0000";
const SENT_AT_MS = Date.UTC(2026, 10, 22, 10);

const agentText = {
  index: 7,
  type: "Text",
  from: { type: "Agent", nickname: "Marat", participantId: "009052C5E743004C" },
  text: "Hello",
  visibility: "All",
  timestamp: SENT_AT,
};
const { text: _, ...withoutText } = agentText;
const agentUrl = { ...withoutText, type: "PushUrl", url: "https://example.com/offer?a=b#c" };

Deno.test("smsCandidates() takes an agent's Text to all, with its index and time", () => {
  assert.deepEqual(smsCandidates([agentText]), [{ index: 7, sentAtMs: SENT_AT_MS }]);
});

Deno.test("smsCandidates() takes an agent's PushUrl to all", () => {
  assert.deepEqual(smsCandidates([agentUrl]), [{ index: 7, sentAtMs: SENT_AT_MS }]);
});

Deno.test("smsCandidates() takes the time from timestampSeconds where that is given", () => {
  const timed = { ...agentText, timestampSeconds: SENT_AT_MS + 5 };
  assert.deepEqual(smsCandidates([timed]), [{ index: 7, sentAtMs: SENT_AT_MS + 5 }]);
});

Deno.test("smsCandidates() finds nothing in the published history: there only the customer writes", () => {
  assert.deepEqual(smsCandidates(seed.messages), []);
});

Deno.test("smsCandidates() judges only the first of two messages under one index", () => {
  const note = { ...agentText, visibility: "Agents" };
  assert.deepEqual(smsCandidates([note, agentText]), []);
  assert.deepEqual(smsCandidates([agentText, note]), [{ index: 7, sentAtMs: SENT_AT_MS }]);
});

Deno.test("smsText() gives a text as it was written, spaces and all", () => {
  assert.equal(smsText({ ...agentText, text: "  two\nlines " }), "  two\nlines ");
});

Deno.test("smsText() gives a blank text too, so that it can be told that it is not sent", () => {
  for (const text of ["", " \n\t "]) {
    assert.equal(smsText({ ...agentText, text }), text);
    assert.deepEqual(smsCandidates([{ ...agentText, text }]).length, 1);
  }
});

Deno.test("smsText() gives a PushUrl's address as it was written", () => {
  assert.equal(smsText(agentUrl), "https://example.com/offer?a=b#c");
  assert.equal(smsText({ ...agentUrl, url: " https://example.com " }), "https://example.com");
});

const agent = agentText.from;
const NEVER: readonly (readonly [why: string, message: unknown])[] = [
  ["a note to agents", { ...agentText, visibility: "Agents" }],
  ["a visibility in other letters", { ...agentText, visibility: "all" }],
  ["no visibility", { ...agentText, visibility: undefined }],
  ["the customer's own text", { ...agentText, from: { ...agent, type: "Customer" } }],
  ["a bot's text", { ...agentText, from: { ...agent, type: "External" } }],
  ["a supervisor's text", { ...agentText, from: { ...agent, type: "Supervisor" } }],
  ["a hidden agent's text", { ...agentText, from: { ...agent, visibility: "Agents" } }],
  ["no author", { ...agentText, from: null }],
  ["an author who is only a name", { ...agentText, from: "Agent" }],
  ["typing with a preview", { ...agentText, type: "TypingStarted" }],
  ["a notice", { ...agentText, type: "Notice" }],
  ["a custom notice", { ...agentText, type: "CustomNotice", noticeText: "hi" }],
  ["a type nobody knows", { ...agentText, type: "toString" }],
  ["a type with a space", { ...agentText, type: "Text " }],
  ["a text that is a number", { ...agentText, text: 5 }],
  ["a Text with a url instead", { ...agentUrl, type: "Text" }],
  ["a PushUrl with a text instead", { ...agentText, type: "PushUrl" }],
  ["http", { ...agentUrl, url: "http://example.com/" }],
  ["a script", { ...agentUrl, url: "javascript:alert(1)" }],
  ["credentials", { ...agentUrl, url: "https://user:secret@example.com/" }],
  ["an empty user", { ...agentUrl, url: "https://@example.com/" }],
  ["no host", { ...agentUrl, url: "https:///offer" }],
  ["backslashes", { ...agentUrl, url: "https:\\\\example.com" }],
  ["an address and a sentence", { ...agentUrl, url: "https://example.com/ and more" }],
  ["a hidden change of direction", { ...agentUrl, url: "https://example.com/\u202egnp.exe" }],
  ["a host that is none", { ...agentUrl, url: "https://exa[mple/" }],
  ["an array", [agentText]],
  ["null", null],
  ["a text", "Text"],
];

for (const [why, message] of NEVER) {
  Deno.test(`neither smsCandidates() nor smsText() lets out: ${why}`, () => {
    assert.deepEqual(smsCandidates([message]), []);
    assert.equal(smsText(message), null);
  });
}

for (const index of [0, -1, 1.5, 2 ** 53, NaN, "7", null, undefined]) {
  Deno.test(`smsCandidates() passes over the index ${String(index)} (${typeof index})`, () => {
    assert.deepEqual(smsCandidates([{ ...agentText, index }]), []);
  });
}

Deno.test("smsCandidates() passes over a message whose time is not known", () => {
  assert.deepEqual(smsCandidates([{ ...agentText, timestamp: "yesterday" }]), []);
});

// Every message is built from good and bad parts; `bad` counts those that must keep it inside.
const part = <T>(good: T, bad: fc.Arbitrary<unknown>) =>
  fc.oneof(fc.record({ value: fc.constant<unknown>(good), bad: fc.constant(0) }), {
    weight: 1,
    arbitrary: fc.record({ value: bad, bad: fc.constant(1) }),
  });
const otherThan = (...good: unknown[]) => fc.anything().filter((value) => !good.includes(value));
const generatedMessage = fc.record({
  index: fc.integer({ min: 1, max: 1e9 }),
  type: part(
    "Text",
    fc.oneof(
      fc.constantFrom(
        "ParticipantJoined",
        "ParticipantLeft",
        "TypingStarted",
        "TypingStopped",
        "Notice",
        "CustomNotice",
        "text",
      ),
      otherThan("Text", "PushUrl"),
    ),
  ),
  visibility: part("All", fc.oneof(fc.constantFrom("Agents", "Supervisors"), otherThan("All"))),
  author: part(
    "Agent",
    fc.oneof(fc.constantFrom("Customer", "External", "Supervisor"), otherThan("Agent")),
  ),
  text: part("Hello", otherThan().filter((value) => typeof value !== "string")),
});

Deno.test("over generated messages, exactly those leave that are a text, to all, of an agent", () => {
  fc.assert(
    fc.property(generatedMessage, ({ index, type, visibility, author, text }) => {
      const message = {
        index,
        type: type.value,
        visibility: visibility.value,
        from: { type: author.value, nickname: "n", participantId: "p" },
        text: text.value,
        url: "https://example.com/",
        timestamp: SENT_AT,
      };
      const mayLeave = type.bad + visibility.bad + author.bad + text.bad === 0;
      assert.equal(smsCandidates([message]).length, mayLeave ? 1 : 0);
      assert.equal(smsText(message), mayLeave ? "Hello" : null);
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("over generated values of any shape, nothing throws and nothing leaves", () => {
  fc.assert(
    fc.property(fc.array(fc.anything()), (messages) => {
      assert.deepEqual(smsCandidates(messages), []);
    }),
    { numRuns: 500 },
  );
});

Deno.test("an address leads to a picture if its path ends like one, and may be shared", () => {
  const pushed = (url: unknown, type = "PushUrl") => smsPicture({ type, url, text: url });
  for (const path of ["a.jpg", "a.JPEG", "a/b.png?x=1", "a.gif#top", "%20.png"]) {
    const url = `https://shop.example/${path}`;
    assert.equal(pushed(url), url);
  }
  const others = [
    ...["https://shop.example/", "https://a.jpg", "https://shop.example/?a.jpg", "a.jpg", 1, null],
    ...["https://shop.example/a.jpg/b", "https://shop.example/a.svg", "https://shop.example/ajpg"],
    ...["http://shop.example/a.jpg", "https://user:x@shop.example/a.jpg", "data:image/png,a.png"],
  ];
  for (const url of others) assert.equal(pushed(url), null, String(url));
  assert.equal(pushed("https://shop.example/a.jpg", "Text"), null);
});
