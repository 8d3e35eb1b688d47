import assert from "node:assert/strict";
import fc from "fast-check";
import {
  canonicalJson,
  isDeeperThan,
  mayHoldInexactNumbers,
  parseExactly,
} from "../../../services/support/exact_json.ts";

const INEXACT = [
  "1.0",
  "-0",
  "-0.0",
  "1e3",
  "1E+2",
  "9007199254740993",
  "12345678901234567890",
  "1e999",
  "0.10",
];
const EXACT = ["0", "7", "-7", "1389261492035", "900719925474099"];

for (const spelling of INEXACT) {
  Deno.test(`parseExactly() keeps the number ${spelling} as it is spelled`, () => {
    for (const text of [`{"n":${spelling}}`, `[1,${spelling}]`, `{"deep":[[${spelling}]]}`]) {
      assert.equal(mayHoldInexactNumbers(text), true, text);
      assert.equal(JSON.stringify(parseExactly(text)), text);
    }
  });
}

for (const spelling of EXACT) {
  Deno.test(`the number ${spelling} needs no exact parse`, () => {
    for (const text of [`{"n":${spelling}}`, `{"n": ${spelling}}`, `[1,\n\t${spelling}]`]) {
      assert.equal(mayHoldInexactNumbers(text), false, text);
    }
  });
}

Deno.test("an inexact number is noticed behind white space of every kind", () => {
  assert.equal(mayHoldInexactNumbers('{"n": \t\r\n1.5}'), true);
  assert.equal(mayHoldInexactNumbers("[ -0 ]"), true);
});

Deno.test("no number is noticed that is not one: digits inside strings alone stay fast", () => {
  assert.equal(mayHoldInexactNumbers('{"at":"2014-01-02T14:23:18.000-0800"}'), false);
  assert.equal(mayHoldInexactNumbers('{"id":"12345678901234567890"}'), false);
});

Deno.test("parseExactly() leaves numbers that need nothing as plain numbers", () => {
  assert.deepEqual(parseExactly('{"a":1.5,"b":[2,1e2]}'), {
    a: 1.5,
    b: [2, JSON.rawJSON("1e2")],
  });
});

Deno.test("parseExactly() keeps a member named __proto__ as a member and pollutes nothing", () => {
  const text = '{"__proto__":{"polluted":1.0},"n":1.0}';
  assert.equal(JSON.stringify(parseExactly(text)), text);
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

Deno.test("mayHoldInexactNumbers() reads hostile text in linear time", () => {
  const hostile = [
    `[${" ".repeat(500_000)}`,
    `[${",".repeat(500_000)}`,
    `[${"1".repeat(500_000)}`,
    `["${", 1".repeat(200_000)}"]`,
    `["${'" '.repeat(200_000)}`,
    `"${" ".repeat(500_000)}:`,
  ];
  const startedAt = performance.now();
  hostile.forEach(mayHoldInexactNumbers);
  assert.ok(performance.now() - startedAt < 1_000);
});

Deno.test("canonicalJson() is the same for every order of members and for all white space", () => {
  const one = JSON.parse('{"b":[1,{"y":null,"x":"ü"}],"a":true}');
  const other = JSON.parse('{ "a" : true, "b" : [ 1, { "x": "\\u00fc", "y": null } ] }');
  assert.equal(canonicalJson(one), '{"a":true,"b":[1,{"x":"ü","y":null}]}');
  assert.equal(canonicalJson(other), canonicalJson(one));
});

Deno.test("canonicalJson() tells arrays in another order, other values and other spellings apart", () => {
  const texts = ["[1,2]", "[2,1]", '["1",2]', '{"0":1,"1":2}', "[1,2.0]", "[1,[2]]", "[1,2,null]"];
  assert.equal(new Set(texts.map((text) => canonicalJson(parseExactly(text)))).size, texts.length);
});

Deno.test("canonicalJson() takes in a member named __proto__", () => {
  const one: unknown = JSON.parse('{"__proto__":{"a":1}}');
  const other: unknown = JSON.parse('{"__proto__":{"a":2}}');
  assert.notEqual(canonicalJson(one), canonicalJson(other));
});

Deno.test("isDeeperThan() counts the levels of arrays and objects", () => {
  assert.equal(isDeeperThan(1, 0), false);
  assert.equal(isDeeperThan({}, 0), true);
  assert.equal(isDeeperThan({ a: [1] }, 2), false);
  assert.equal(isDeeperThan({ a: [{}] }, 2), true);
});

Deno.test("isDeeperThan() survives nesting that would exhaust the stack", () => {
  const levels = 200_000;
  assert.equal(isDeeperThan(JSON.parse("[".repeat(levels) + "]".repeat(levels)), 64), true);
});

Deno.test("whatever way a number is spelled, it is written as it was read", () => {
  const spelling = fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,3})?([eE][+-]?\d{1,3})?$/);
  fc.assert(fc.property(spelling, (number) => {
    const text = `{"a":[0,${number}],"b":${number}}`;
    const json: unknown = mayHoldInexactNumbers(text) ? parseExactly(text) : JSON.parse(text);
    assert.equal(JSON.stringify(json), text);
  }));
});
