import assert from "node:assert/strict";
import fc from "fast-check";
import {
  canonicalJson,
  expectedInsteadOf,
  itemsOf,
  type JsonText,
  MAX_DEPTH,
  memberOf,
  membersOf,
  parseSpelled,
  readJson,
  type SpelledJson,
} from "../../../services/support/spelled_json.ts";
import { spelled } from "../../support/spelled.ts";

/** A JSON value by its text's parts: an object may have a name twice, and a text may be spelled in many ways. */
type Part =
  | { readonly scalar: string }
  | { readonly items: readonly Part[] }
  | { readonly members: readonly (readonly [name: string, value: Part])[] };

// Few names, so that some come twice; `"\u0061"` is `"a"`, and the last ones are awkward for objects and for scanners.
const NAMES = [
  '"a"',
  '"\\u0061"',
  '"b"',
  '"10"',
  '"9"',
  '""',
  '"__proto__"',
  '"\\\\"',
  '"\\"a,:{"',
];
const STRINGS = [
  '""',
  '"\\\\"',
  '"\\\\\\""',
  '"{\\"a\\":1,"',
  '"]}"',
  '"é😀"',
  '"\\ud800"',
  '"\\u0000"',
];
const scalar = fc.oneof(
  fc.constantFrom("null", "true", "false", "0", "-0", "1.0", "1E+2", "12345678901234567890"),
  fc.constantFrom(...STRINGS),
  fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
).map((text): Part => ({ scalar: text }));
const name = fc.oneof(
  fc.constantFrom(...NAMES),
  fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
);
const { part } = fc.letrec<{ part: Part }>((tie) => ({
  part: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("part")).map((items): Part => ({ items })),
    fc.array(fc.tuple(name, tie("part"))).map((members): Part => ({ members })),
  ),
}));

/** The text, with what `between` gives between its tokens. */
function textOf(part: Part, between: () => string = () => ""): string {
  const inner = (part: Part): string => {
    if ("scalar" in part) return part.scalar;
    const list = "items" in part
      ? part.items.map(inner)
      : part.members.map(([name, value]) => [name, ":", inner(value)].join(between()));
    const joined = list.join(`${between()},${between()}`);
    const [open, close] = "items" in part ? "[]" : "{}";
    return `${open}${between()}${joined}${between()}${close}`;
  };
  return `${between()}${inner(part)}${between()}`;
}

function hasTwice(part: Part): boolean {
  if ("scalar" in part) return false;
  if ("items" in part) return part.items.some(hasTwice);
  const names = part.members.map(([name]): unknown => JSON.parse(name));
  return new Set(names).size < names.length || part.members.some(([, value]) => hasTwice(value));
}

const WHITE_SPACE = fc.array(fc.constantFrom(" ", "\t", "\n", "\r"), { maxLength: 2 });
const betweenTokens = fc.infiniteStream(WHITE_SPACE.map((units) => units.join("")))
  .map((stream) => () => stream.next().value ?? "");

Deno.test("every text is read as JSON.parse reads it, and kept without the white space alone", () => {
  fc.assert(fc.property(part, betweenTokens, (part, between) => {
    const text = textOf(part, between);
    const read = parseSpelled(text);
    assert.equal(read?.text, textOf(part));
    // Of a member that comes twice V8 gives one value the first time and may give the other one the next:
    // {"a":1,"\u0061":"","\\":1}
    if (!hasTwice(part)) assert.deepEqual(read?.json, JSON.parse(text));
  }));
});

Deno.test("whatever JSON.parse refuses is refused, and nothing else but members that come twice", () => {
  const almost = fc.tuple(
    part,
    fc.nat(),
    fc.constantFrom("", '"', "{", "]", ",", "\\", "\u0000", "\ufeff"),
  )
    .map(([part, at, instead]) => {
      const text = textOf(part);
      const cut = at % (text.length + 1);
      return text.slice(0, cut) + instead + text.slice(cut + 1);
    });
  const anything = fc.string({ unit: fc.constantFrom(...'{}[],:"\\ 1-.eu0atrue\n\u0000\ud800') });
  fc.assert(fc.property(fc.oneof(almost, anything), (text) => {
    let isJson = true;
    try {
      JSON.parse(text);
    } catch {
      isJson = false;
    }
    const read = readJson(text);
    assert.equal(read.ok || read.expected.startsWith("each member once"), isJson);
  }));
});

Deno.test("a member that comes twice is found at any depth, and nothing is found where there is none", () => {
  fc.assert(fc.property(part, betweenTokens, (part, between) => {
    assert.equal(readJson(textOf(part, between)).ok, !hasTwice(part));
  }));
});

const TWICE: readonly (readonly [text: string, shown: string])[] = [
  ['{"operationName":"Intrude","operationName":"SendMessage"}', '"operationName"'],
  ['{"operationName":"Intrude","operation\\u004eame":"SendMessage"}', '"operationName"'],
  ['[0,{"a":[{"b":{},"c":1,"b":{}}]}]', '"b"'],
  ['{"a":{"a":{"a":1}},"a":1}', '"a"'],
  ['{"a":"}","b":"{\\"a\\":","a":1}', '"a"'],
  ['{"__proto__":1,"__proto__":2}', '"__proto__"'],
  ['{"":1,"":2}', '""'],
  ['{"\\ud800":1,"\\uD800":2}', '"\\ud800"'],
  ['{"a\\nb":1,"a\\u000ab":2}', '"a\\nb"'],
  [`{"${"n".repeat(65)}":1,"${"n".repeat(65)}":2}`, `"${"n".repeat(64)}…"`],
];

for (const [text, shown] of TWICE) {
  Deno.test(`in ${text.slice(0, 60)} the member ${shown} comes twice`, () => {
    const expected = `each member once, but ${shown} comes again`;
    assert.deepEqual(readJson(text), { ok: false, expected });
  });
}

for (
  const text of [
    '{"a":1,"A":2}',
    '{"a":{"a":1},"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":"a"}',
    '["a","a"]',
    '{"a":["a","a",{"b":1},"b"],"b":1}',
  ]
) {
  Deno.test(`in ${text} no member comes twice`, () => {
    assert.equal(readJson(text).ok, true);
  });
}

Deno.test("a text is judged by its depth before it is parsed, whatever it is", () => {
  const tooDeep = { ok: false, expected: "at most 64 levels of nesting" };
  const noJson = { ok: false, expected: "JSON, but it does not parse" };
  assert.deepEqual(readJson("[".repeat(MAX_DEPTH + 1)), tooDeep);
  assert.deepEqual(readJson("[".repeat(MAX_DEPTH)), noJson);
  assert.deepEqual(readJson(`"${"[".repeat(MAX_DEPTH + 1)}`), noJson);
  assert.ok(readJson(JSON.stringify('"\\['.repeat(MAX_DEPTH + 1))).ok);
});

Deno.test("values are nested in so many levels and not one more, and no depth exhausts the stack", () => {
  const nested = (levels: number) => "[".repeat(levels) + "1.0" + "]".repeat(levels);
  assert.equal(spelled(nested(MAX_DEPTH)).text, nested(MAX_DEPTH));
  for (const levels of [MAX_DEPTH + 1, 200_000]) {
    assert.deepEqual(readJson(nested(levels)), {
      ok: false,
      expected: "at most 64 levels of nesting",
    });
  }
  const objects = `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`;
  assert.equal(readJson(objects).ok, false);
  assert.equal(parseSpelled(objects)?.text, objects);
});

Deno.test("the items and members of a value together say what the value says, each as it was spelled", () => {
  function together(value: SpelledJson): string {
    const { json } = value;
    if (Array.isArray(json)) return `[${itemsOf(value).map(together).join(",")}]`;
    if (typeof json !== "object" || json === null) return value.text;
    const members = membersOf(value).map(({ name, nameText }) => {
      const member = memberOf(value, name);
      assert.ok(member !== null);
      assert.deepEqual(member.json, Object.getOwnPropertyDescriptor(json, name)?.value);
      return `${nameText}:${together(member)}`;
    });
    return `{${members.join(",")}}`;
  }
  const once = part.filter((part) => !hasTwice(part));
  fc.assert(fc.property(once, betweenTokens, (part, between) => {
    assert.equal(together(spelled(textOf(part, between))), textOf(part));
  }));
});

Deno.test("of a member that comes twice the last one counts, as it does for JSON.parse", () => {
  const value = parseSpelled('{"a":1.0,"b":2,"a":3.0}');
  assert.ok(value !== null);
  assert.deepEqual(memberOf(value, "a"), { json: 3, text: "3.0" });
  assert.equal(memberOf(value, "c"), null);
});

Deno.test("what is no array is its own only item, and what is no object has no members", () => {
  const text = spelled('"x"');
  assert.deepEqual(itemsOf(text), [text]);
  assert.deepEqual(membersOf(text), []);
  assert.deepEqual(membersOf(spelled("[1]")), []);
  assert.deepEqual(itemsOf(spelled("[]")), []);
  assert.deepEqual(membersOf(spelled("{}")), []);
});

const canonical = (text: string) => canonicalJson(spelled(text).text);

Deno.test("canonicalJson() is the same for every order of members, all white space and all escapes", () => {
  const one = canonical('{"b":[1,{"y":null,"x":"ü"}],"a":true,"10":{},"9":[]}');
  const other = canonical(
    '{ "9":[ ], "a" : true, "b" : [ 1, { "x": "\\u00fc", "y": null } ] ,"1\\u0030":{ } }',
  );
  assert.equal(other, one);
  assert.deepEqual(JSON.parse(one), { a: true, b: [1, { x: "ü", y: null }], 10: {}, 9: [] });
});

Deno.test("canonicalJson() tells arrays in another order, other values and other spellings of numbers apart", () => {
  const texts = ["[1,2]", "[2,1]", '["1",2]', '{"0":1,"1":2}', "[1,2.0]", "[1,[2]]", "[1,2,null]"];
  const more = [
    '{"a":{"b":1}}',
    '{"a":{},"b":1}',
    '{"__proto__":{"a":1}}',
    '{"__proto__":{"a":2}}',
  ];
  const all = [...texts, ...more, "[[],{}]", "[{},[]]", "1", '"1"', "[]", "{}"];
  assert.equal(new Set(all.map(canonical)).size, all.length);
});

Deno.test("canonicalJson() says what the text says, whatever the order of its members", () => {
  const shuffled = (part: Part): Part =>
    "scalar" in part ? part : "items" in part ? { items: part.items.map(shuffled) } : {
      members: part.members.map(([name, value]) => [name, shuffled(value)] as const).toReversed(),
    };
  const once = part.filter((part) => !hasTwice(part));
  fc.assert(fc.property(once, (part) => {
    const text = canonical(textOf(part));
    assert.deepEqual(JSON.parse(text), JSON.parse(textOf(part)));
    assert.equal(canonical(textOf(shuffled(part))), text);
  }));
});

/** A text that counts how many of its code units are looked at. */
class CountedText {
  lookedAt = 0;
  constructor(readonly text: string) {}
  get length(): number {
    return this.text.length;
  }
  charCodeAt(at: number): number {
    this.lookedAt++;
    return this.text.charCodeAt(at);
  }
  indexOf(wanted: string, from: number): number {
    const at = this.text.indexOf(wanted, from);
    this.lookedAt += (at === -1 ? this.text.length : at) - from;
    return at;
  }
  slice(from: number, to: number): string {
    this.lookedAt += to - from;
    return this.text.slice(from, to);
  }
}

const LONG: readonly (readonly [what: string, text: (size: number) => string])[] = [
  ["numbers", (size) => `[${"1,".repeat(size)}1]`],
  ["one long number", (size) => `[${"1".repeat(size)}]`],
  ["white space", (size) => `[${" \n".repeat(size)}]`],
  ["strings without a backslash", (size) => `[${'"a",'.repeat(size)}1]`],
  ["one string of backslashes", (size) => `["${"\\\\".repeat(size)}"]`],
  ["one string of quotes", (size) => `["${'\\"'.repeat(size)}"]`],
  ["members", (size) => `{${Array.from({ length: size }, (_, at) => `"${at}":0`).join(",")}}`],
  ["one long name", (size) => `{"${"n".repeat(size)}":0}`],
  ["objects in objects", (size) => `${'{"a":'.repeat(size)}0${"}".repeat(size)}`],
];

for (const [what, textOfSize] of LONG) {
  Deno.test(`the time for ${what} grows with their number and no faster`, () => {
    const cost = (size: number) => {
      const text = textOfSize(size);
      JSON.parse(text);
      const counted = new CountedText(text);
      // It stands in for a text: whatever else of a text the code comes to use is missed here, and fails.
      expectedInsteadOf(counted as unknown as JsonText);
      return counted.lookedAt / text.length;
    };
    assert.ok(cost(1_000) <= 4, `${cost(1_000)} looks at each code unit`);
    assert.ok(cost(32_000) <= cost(1_000) * 1.1, `${cost(1_000)} became ${cost(32_000)}`);
  });
}
