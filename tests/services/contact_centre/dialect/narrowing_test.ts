import assert from "node:assert/strict";
import { readNarrowable } from "../../../../services/contact_centre/dialect/narrowing.ts";

const uri = (id: string) => `http://h:8090/api/v2/smssessions/${id}`;
const ROWS: readonly [says: string, text: string, narrowed: string | null][] = [
  [
    "a list of another name",
    '{"statusCode":0,"items":[{"id":"mine","state":"Active"},{"id":"other","state":"Active"}]}',
    '{"statusCode":0,"items":[{"id":"mine","state":"Active"}]}',
  ],
  [
    "sessions that are known by an address of another name alone",
    `{"page":[{"smssessionUri":"${uri("mine")}"},{"smssessionPath":"/smssessions/other"},{"link":"${
      uri("other")
    }"}]}`,
    `{"page":[{"smssessionUri":"${uri("mine")}"}]}`,
  ],
  [
    "resources",
    '{"statusCode":0,"smssessions":[{"id":"mine"},{"id":"yours"}]}',
    '{"statusCode":0,"smssessions":[{"id":"mine"}]}',
  ],
  ["the other spelling", '{"smsessions":[{"id":"yours"}]}', '{"smsessions":[]}'],
  ["addresses", `{"uris":["${uri("mine")}","${uri("yours")}"]}`, `{"uris":["${uri("mine")}"]}`],
  ["a bare array", '[{"id":"mine"},{"id":"yours"}]', '[{"id":"mine"}]'],
  ["one resource", '{"statusCode":0,"smssession":{"id":"yours"}}', '{"statusCode":0}'],
  ["one bare resource", '{"id":"yours","state":"Chatting"}', '{"statusCode":0}'],
  [
    "counts",
    '{"totalCount":2,"smssessions":[{"id":"mine"},{"id":"yours"}]}',
    '{"totalCount":1,"smssessions":[{"id":"mine"}]}',
  ],
  [
    "counts of pages",
    '{"smssessions":[{"id":"yours"}],"totalCount":9}',
    '{"smssessions":[],"totalCount":8}',
  ],
  [
    "subresources",
    '{"user":{"id":"u","smssessions":[{"id":"yours"}],"calls":[{"id":"c"}]}}',
    '{"user":{"id":"u","smssessions":[],"calls":[{"id":"c"}]}}',
  ],
  [
    "sessions under another name",
    `{"user":{"interactions":[{"id":"x","uri":"${uri("yours")}"}]}}`,
    '{"user":{"interactions":[]}}',
  ],
  ["what has no id", '{"smssessions":[{"state":"Chatting"},7]}', '{"smssessions":[7]}'],
  [
    "numbers that JavaScript cannot hold",
    '{"smssessions":[{"id":"mine","n":12345678901234567890},{"id":"yours"}]}',
    '{"smssessions":[{"id":"mine","n":12345678901234567890}]}',
  ],
  ["own sessions alone", '{"statusCode":0,"smssessions":[ {"id":"mine"} ]}', null],
  ["no sessions", '{"statusCode":0,"user":{"id":"u","state":{"displayName":"Ready"}}}', null],
  ["a refusal", '{"statusCode":2,"statusMessage":"no"}', null],
];

for (const [says, text, narrowed] of ROWS) {
  Deno.test(`of ${says} an agent's own are kept`, () => {
    const read = readNarrowable(new TextEncoder().encode(text));
    const kept = read?.keep(new Set(["mine"])) ?? null;
    assert.equal(kept === null ? null : new TextDecoder().decode(kept), narrowed);
  });
}

Deno.test("the ids are all that the answer shows", () => {
  const text = `{"smssessions":[{"id":"a"}],"uris":["${
    uri("b")
  }"],"deep":{"smsession":{"id":"c"}}}`;
  assert.deepEqual(readNarrowable(new TextEncoder().encode(text))?.ids, ["a", "b", "c"]);
});

Deno.test("what is no JSON, or too deep, is not read", () => {
  for (const text of ["<html>", "", '{"a":', `${"[".repeat(80)}${"]".repeat(80)}`]) {
    assert.equal(readNarrowable(new TextEncoder().encode(text)), null);
  }
});
