import { isJsonObject, type JsonObject } from "../../support/json_object.ts";
import { itemsOf, membersOf, readJson, type SpelledJson } from "../../support/spelled_json.ts";
import { COLLECTION_SPELLINGS, SESSION_SPELLINGS } from "./paths.ts";
import { sessionIdOf } from "./session_id.ts";

/**
 * An answer that shows sessions, narrowed to some of them. `ids`: all that it shows. `keep` gives the body with those alone, as
 * upstream spelled it, or null where nothing has to go.
 */
export interface Narrowable {
  readonly ids: readonly string[];
  keep(ids: ReadonlySet<string>): Uint8Array<ArrayBuffer> | null;
}

const COLLECTIONS: ReadonlySet<string> = new Set(COLLECTION_SPELLINGS);
const SINGLES: ReadonlySet<string> = new Set(SESSION_SPELLINGS);
const NAMES_SESSION = new RegExp(`/(?:${COLLECTION_SPELLINGS.join("|")})/[^/]`, "i");

/** How a list says how long it is (`totalCount`, ReturnValues). */
const COUNTS: ReadonlySet<string> = new Set(["totalCount", "count", "total"]);

/**
 * Reads the sessions in the answer to `GET /me/smssessions` or `GET /me`, wherever they stand in it: resources under either
 * spelling, in a list or alone, and addresses. A session whose id cannot be read is shown to nobody. Null: this is no JSON that
 * all would understand alike.
 */
export function readNarrowable(untrustedBody: Uint8Array): Narrowable | null {
  const read = readJson(new TextDecoder().decode(untrustedBody));
  if (!read.ok) return null;
  const ids = new Set<string>();
  narrowRoot(read.value, (id) => {
    if (id !== null) ids.add(id);
    return true;
  });
  return {
    ids: [...ids],
    keep(kept) {
      let isWhole = true;
      const text = narrowRoot(read.value, (id) => {
        const isKept = id !== null && kept.has(id);
        isWhole &&= isKept;
        return isKept;
      });
      return isWhole ? null : new TextEncoder().encode(text);
    },
  };
}

/** Null: which session it is cannot be read. */
type IsKept = (sessionId: string | null) => boolean;

function narrowRoot(value: SpelledJson, isKept: IsKept): string {
  const { json, text } = value;
  if (Array.isArray(json)) return arrayText(narrowList(value, true, isKept));
  // The published sample of a list is one bare resource (SMSResources).
  if (isJsonObject(json) && isBareResource(json)) {
    return keeps(json, isKept) ? text : '{"statusCode":0}';
  }
  return narrow(value, isKept);
}

/** A value that is no session by itself. */
function narrow(value: SpelledJson, isKept: IsKept): string {
  const { json, text } = value;
  if (Array.isArray(json)) return arrayText(narrowList(value, false, isKept));
  if (!isJsonObject(json)) return text;
  const members: { readonly name: string; readonly nameText: string; text: string }[] = [];
  let cut: { readonly from: number; readonly to: number } | null = null;
  for (const { name, nameText, text } of membersOf(value)) {
    const member = { json: json[name], text };
    const isCollection = COLLECTIONS.has(name.toLowerCase());
    if (Array.isArray(member.json)) {
      const list = narrowList(member, isCollection, isKept);
      const { length } = member.json;
      if (list.length < length) cut = { from: length, to: list.length };
      members.push({ name, nameText, text: arrayText(list) });
    } else if (isJsonObject(member.json)) {
      const isSession = isCollection || SINGLES.has(name.toLowerCase()) || isResource(member.json);
      if (!isSession) members.push({ name, nameText, text: narrow(member, isKept) });
      else if (keeps(member.json, isKept)) members.push({ name, nameText, text });
    } else members.push({ name, nameText, text });
  }
  for (const member of cut === null ? [] : members) {
    const count = json[member.name];
    // A count of more than the list holds is one of all pages.
    if (cut !== null && COUNTS.has(member.name) && Number.isInteger(count)) {
      member.text = String(Math.max(cut.to, Number(count) - (cut.from - cut.to)));
    }
  }
  return `{${members.map(({ nameText, text }) => `${nameText}:${text}`).join(",")}}`;
}

/** The texts of the items that stay. */
function narrowList(list: SpelledJson, isCollection: boolean, isKept: IsKept): readonly string[] {
  return itemsOf(list).flatMap((item) => {
    const { json, text } = item;
    if (typeof json === "string") {
      const isSession = isCollection || NAMES_SESSION.test(json);
      return !isSession || isKept(sessionIdOf({ smssessionUri: json })) ? [text] : [];
    }
    if (isJsonObject(json) && (isCollection || isBareResource(json))) {
      return keeps(json, isKept) ? [text] : [];
    }
    return [narrow(item, isKept)];
  });
}

function arrayText(items: readonly string[]): string {
  return `[${items.join(",")}]`;
}

/** Whether an object that stands anywhere is a session: an address in it says so, whatever its name. */
function isResource(json: JsonObject): boolean {
  return Object.values(json).some((text) => typeof text === "string" && NAMES_SESSION.test(text));
}

/** Whether the whole answer, or an item of a list that does not say what it lists, is a session. */
function isBareResource(json: JsonObject): boolean {
  return isResource(json) || (typeof json.id === "string" && typeof json.state === "string");
}

function keeps(resource: JsonObject, isKept: IsKept): boolean {
  return isKept(sessionIdOf({ smssession: resource }) ?? sessionIdOf(resource));
}
