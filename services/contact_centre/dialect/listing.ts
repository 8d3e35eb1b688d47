import { parseExactly } from "../../support/exact_json.ts";
import { isJsonObject, type JsonObject } from "../../support/json_object.ts";
import { messageIndex } from "./messages.ts";
import { observe } from "./observe.ts";
import { SESSION_SPELLINGS } from "./paths.ts";
import { sessionIdOf } from "./session_id.ts";
import { type JudgedAnswer, SERVER_TROUBLE, STATUS_CODES } from "./verdict.ts";

/** A session as upstream lists it. */
export interface ListedSession {
  readonly id: string;
  /** Null where the list holds addresses only. */
  readonly state: string | null;
  /** For writing out value for value; null where the list holds addresses only. */
  readonly resource: JsonObject | null;
}

/** Why there is nothing to be read; `passing`: it may be different in a moment. */
export interface NoAnswer {
  readonly ok: false;
  readonly passing: boolean;
  /** Upstream knows no such resource (any more): HTTP 404, or `statusCode` 6. */
  readonly isAbsent: boolean;
  readonly why: string;
}

export type Listing =
  | {
    readonly ok: true;
    readonly sessions: readonly ListedSession[];
    /** False: something in the list was not understood, so that what is missing from it is not missing for sure. */
    readonly isWhole: boolean;
  }
  | NoAnswer;

/** A message of a session's log, for writing out value for value. */
export interface LoggedMessage {
  readonly index: number;
  readonly verbatim: unknown;
}

export type MessageLog =
  | { readonly ok: true; readonly messages: readonly LoggedMessage[] }
  | NoAnswer;

/**
 * Reads `GET /me/smssessions`, in every shape that the documentation gives or implies: an envelope with an array of
 * resources, one with `uris`, a bare array, or a single resource with or without an envelope (SMSResources; ReturnValues).
 */
export function readListing(answer: JudgedAnswer): Listing {
  const read = readJson(answer);
  if (!read.ok) return read;
  const { json } = read;
  if (Array.isArray(json)) return listed(json.map(ofResource));
  if (!isJsonObject(json)) return unreadable;
  for (const name of SESSION_SPELLINGS) {
    const [many, one] = [json[`${name}s`], json[name]];
    if (Array.isArray(many)) return listed(many.map(ofResource));
    if (one !== undefined) return listed([ofResource(one)]);
  }
  if (Array.isArray(json.uris)) return listed(json.uris.map(ofAddress));
  // Nothing at all may mean that there are none, which nothing says for sure.
  return json.id === undefined
    ? { ok: true, sessions: [], isWhole: false }
    : listed([ofResource(json)]);
}

/** Reads `GET /me/smssessions/{id}/messages`; messages that are none are left out, the others come by index. */
export function readMessageLog(answer: JudgedAnswer): MessageLog {
  const read = readJson(answer);
  if (!read.ok) return read;
  const { json } = read;
  const untrusted = isJsonObject(json) ? json.messages : json;
  if (!Array.isArray(untrusted)) return unreadable;
  const messages = untrusted.flatMap((verbatim: unknown) => {
    const index = messageIndex(verbatim);
    return index === null ? [] : [{ index, verbatim }];
  });
  return { ok: true, messages: messages.toSorted((a, b) => a.index - b.index) };
}

const unreadable: NoAnswer = { ok: false, passing: false, isAbsent: false, why: "unreadable" };

function listed(sessions: readonly (ListedSession | null)[]): Listing {
  const readable = sessions.filter((session) => session !== null);
  return { ok: true, sessions: readable, isWhole: readable.length === sessions.length };
}

function ofResource(untrusted: unknown): ListedSession | null {
  if (!isJsonObject(untrusted)) return null;
  const id = sessionIdOf({ smssession: untrusted });
  const state = observe({ smssession: untrusted }).state ?? null;
  return id === null ? null : { id, state, resource: untrusted };
}

function ofAddress(untrustedUri: unknown): ListedSession | null {
  const id = sessionIdOf({ smssessionUri: untrustedUri });
  return id === null ? null : { id, state: null, resource: null };
}

/** The body where it says success. Its numbers may be raw JSON values where JavaScript cannot hold them. */
function readJson(
  { status, body }: JudgedAnswer,
): { readonly ok: true; readonly json: unknown } | NoAnswer {
  const json = parse(body);
  const statusCode = isJsonObject(json) && typeof json.statusCode === "number"
    ? json.statusCode
    : null;
  const isSuccess = statusCode === null
    ? status >= 200 && status < 300
    : statusCode === STATUS_CODES.success;
  if (isSuccess && json !== undefined && (status < 300 || status >= 400)) return { ok: true, json };
  return {
    ok: false,
    passing: statusCode === null ? status >= 500 || status === 429 : SERVER_TROUBLE.has(statusCode),
    isAbsent: statusCode === null ? status === 404 : statusCode === STATUS_CODES.notFound,
    why: `status ${status}${statusCode === null ? "" : `, statusCode ${statusCode}`}`,
  };
}

/** Undefined for what is no JSON, or deeper than the stack. */
function parse(untrustedBody: Uint8Array): unknown {
  try {
    return parseExactly(new TextDecoder().decode(untrustedBody));
  } catch {
    return undefined;
  }
}
