/**
 * JSON kept as it was spelled. `JSON.parse` keeps the last of two members of one name, puts names like `10` in front of
 * all others, and cannot hold every number that a text can spell (`1.0`, `12345678901234567890`). So what is judged by
 * Patchbay and read by somebody else too, and what is handed on verbatim, is read from its text.
 */

import { hashedAsText } from "./hashed_as_text.ts";
import { eachToken, endOfString, isDeeperThan, TOKEN } from "./json_tokens.ts";
import { shownId } from "./log.ts";

declare const IS_JSON: unique symbol;

/** A text that `JSON.parse` accepts, without white space between its tokens. */
export type JsonText = string & { readonly [IS_JSON]: true };

/** A JSON value and how it was spelled. */
export interface SpelledJson {
  /** As `JSON.parse` reads it. */
  readonly json: unknown;
  readonly text: JsonText;
}

/** A member of an object. */
export interface SpelledMember {
  readonly name: string;
  /** Its name as it was spelled, quotes and all. */
  readonly nameText: JsonText;
  readonly text: JsonText;
}

/** Arrays and objects may be nested in so many levels; the contact centre's own texts have four. */
export const MAX_DEPTH = 64;

/** What was read; `expected` completes "Cannot read the body: expected …". */
export type ReadJson =
  | { readonly ok: true; readonly value: SpelledJson }
  | { readonly ok: false; readonly expected: string };

/** Reads a text that has to be understood alike by all who read it: each member once, and no deeper than {@link MAX_DEPTH}. */
export function readJson(untrustedText: string): ReadJson {
  // Before it is parsed: what is refused should cost less than what is taken.
  if (isDeeperThan(MAX_DEPTH, untrustedText)) return { ok: false, expected: SHALLOWER };
  const value = parseSpelled(untrustedText);
  if (value === null) return { ok: false, expected: "JSON, but it does not parse" };
  const expected = expectedInsteadOf(value.text);
  return expected === null ? { ok: true, value } : { ok: false, expected };
}

/** Reads a text as `JSON.parse` does; null for what is no JSON. */
export function parseSpelled(untrustedText: string): SpelledJson | null {
  try {
    const json: unknown = JSON.parse(untrustedText);
    return { json, text: withoutWhiteSpace(untrustedText) };
  } catch {
    return null;
  }
}

/**
 * What a text should have been for all who read it to understand the same; null: it is. Members are compared by what
 * their names say, not by how they are spelled (`"\u0061"` is `"a"`).
 */
export function expectedInsteadOf(text: JsonText): string | null {
  if (isDeeperThan(MAX_DEPTH, text)) return SHALLOWER;
  // The names of each object that is open, null for an array.
  const open: (Set<string> | null)[] = [];
  let isName = false;
  let twice: string | null = null;
  eachToken(text, (first, from, to) => {
    if (twice !== null) return;
    if (first === TOKEN.quote && isName) {
      const name = unquoted(text.slice(from, to));
      const names = open.at(-1);
      if (names?.has(hashedAsText(name))) twice = name;
      names?.add(hashedAsText(name));
    }
    isName = false;
    if (first === TOKEN.openBrace || first === TOKEN.openBracket) {
      isName = first === TOKEN.openBrace;
      open.push(isName ? new Set() : null);
    } else if (first === TOKEN.closeBrace || first === TOKEN.closeBracket) open.pop();
    else if (first === TOKEN.comma) isName = open.at(-1) !== null;
  });
  return twice === null ? null : `each member once, but ${shown(twice)} comes again`;
}

/** What is in an array, or a value of another kind as the only one. */
export function itemsOf(value: SpelledJson): readonly SpelledJson[] {
  const { json, text } = value;
  if (!Array.isArray(json)) return [value];
  const texts = partsOf(text);
  return json.map((item: unknown, at) => ({ json: item, text: texts[at] ?? NULL }));
}

/** The members of an object in the order of its text; of a value of another kind none. */
export function membersOf({ json, text }: SpelledJson): readonly SpelledMember[] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return [];
  return partsOf(text).map((part) => {
    const colon = endOfString(part, 0);
    const nameText = part.slice(0, colon) as JsonText;
    return { name: unquoted(nameText), nameText, text: part.slice(colon + 1) as JsonText };
  });
}

/** A member of an object, the last of that name as `JSON.parse` has it; null where there is none. */
export function memberOf(value: SpelledJson, name: string): SpelledJson | null {
  const member = membersOf(value).findLast((member) => member.name === name);
  if (member === undefined) return null;
  return { json: (value.json as Record<string, unknown>)[name], text: member.text };
}

/**
 * The text with the members of every object in a fixed order and its strings spelled in one way, so that texts which
 * differ only in these come out equal. Numbers are compared as spelled: `1` and `1.0` stay different.
 */
export function canonicalJson(text: JsonText): string {
  interface Open {
    /** Null in an array. */
    name: string | null;
    readonly parts: (readonly [name: string, text: string])[];
  }
  const whole: Open = { name: null, parts: [] };
  const open: Open[] = [];
  const inner = () => open.at(-1) ?? whole;
  eachToken(text, (first, from, to) => {
    const token = text.slice(from, to);
    if (first === TOKEN.comma) return;
    if (first === TOKEN.openBrace || first === TOKEN.openBracket) {
      open.push({ name: null, parts: [] });
    } else if (first === TOKEN.closeBrace || first === TOKEN.closeBracket) {
      const parts = open.pop()?.parts ?? [];
      add(
        first === TOKEN.closeBracket
          ? `[${parts.map(([, value]) => value).join(",")}]`
          : `{${parts.toSorted(byName).map(member).join(",")}}`,
      );
    } else if (first === TOKEN.colon) inner().name = inner().parts.pop()?.[1] ?? null;
    else add(first === TOKEN.quote ? JSON.stringify(JSON.parse(token)) : token);
  });
  return whole.parts[0]?.[1] ?? "";

  function add(value: string): void {
    const { name, parts } = inner();
    parts.push([name ?? "", value]);
    inner().name = null;
  }
}

const NULL = "null" as JsonText;
const SHALLOWER = `at most ${MAX_DEPTH} levels of nesting`;

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

function member([name, value]: readonly [string, string]): string {
  return `${name}:${value}`;
}

function withoutWhiteSpace(jsonText: string): JsonText {
  const pieces: string[] = [];
  let pieceFrom = 0;
  let end = 0;
  eachToken(jsonText, (_first, from, to) => {
    if (from !== end) {
      pieces.push(jsonText.slice(pieceFrom, end));
      pieceFrom = from;
    }
    end = to;
  });
  pieces.push(jsonText.slice(pieceFrom, end));
  return pieces.join("") as JsonText;
}

/** The items of an array's text, or the members of an object's with their names. */
function partsOf(text: JsonText): readonly JsonText[] {
  const parts: JsonText[] = [];
  let depth = 0;
  let partFrom = 1;
  eachToken(text, (first, from) => {
    const closes = first === TOKEN.closeBrace || first === TOKEN.closeBracket;
    if (depth === 1 && (closes || first === TOKEN.comma)) {
      if (from > partFrom) parts.push(text.slice(partFrom, from) as JsonText);
      partFrom = from + 1;
    }
    if (closes) depth--;
    else if (first === TOKEN.openBrace || first === TOKEN.openBracket) depth++;
  });
  return parts;
}

function unquoted(stringText: string): string {
  return stringText.includes("\\") ? JSON.parse(stringText) : stringText.slice(1, -1);
}

function shown(name: string): string {
  return JSON.stringify(shownId(name));
}
