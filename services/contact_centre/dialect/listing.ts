import { isJsonObject } from "../../support/json_object.ts";
import {
  expectedInsteadOf,
  itemsOf,
  type JsonText,
  memberOf,
  parseSpelled,
  type SpelledJson,
} from "../../support/spelled_json.ts";
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
  /** An object, as upstream spelled it; null where the list holds addresses only. */
  readonly resource: SpelledJson | null;
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

/** A message of a session's log, as upstream spelled it. */
export interface LoggedMessage {
  readonly index: number;
  readonly text: JsonText;
}

export type MessageLog =
  | { readonly ok: true; readonly messages: readonly LoggedMessage[] }
  | NoAnswer;

/**
 * Reads `GET /me/smssessions`, in every shape that the documentation gives or implies: an envelope with an array of
 * resources, one with `uris`, a bare array, or a single resource with or without an envelope (SMSResources; ReturnValues).
 */
export function readListing(answer: JudgedAnswer): Listing {
  const read = readAnswer(answer);
  if (!read.ok) return read;
  const { value } = read;
  const { json } = value;
  if (Array.isArray(json)) return listed(itemsOf(value).map(ofResource));
  if (!isJsonObject(json)) return unreadable;
  for (const name of SESSION_SPELLINGS) {
    const [many, one] = [memberOf(value, `${name}s`), memberOf(value, name)];
    if (many !== null && Array.isArray(many.json)) return listed(itemsOf(many).map(ofResource));
    if (one !== null) return listed([ofResource(one)]);
  }
  if (Array.isArray(json.uris)) return listed(json.uris.map(ofAddress));
  // Nothing at all may mean that there are none, which nothing says for sure.
  return json.id === undefined
    ? { ok: true, sessions: [], isWhole: false }
    : listed([ofResource(value)]);
}

/** Reads `GET /me/smssessions/{id}/messages`; messages that are none are left out, the others come by index. */
export function readMessageLog(answer: JudgedAnswer): MessageLog {
  const read = readAnswer(answer);
  if (!read.ok) return read;
  const untrusted = isJsonObject(read.value.json) ? memberOf(read.value, "messages") : read.value;
  if (untrusted === null || !Array.isArray(untrusted.json)) return unreadable;
  const messages = itemsOf(untrusted).flatMap(({ json, text }) => {
    const index = messageIndex(json);
    return index === null || expectedInsteadOf(text) !== null ? [] : [{ index, text }];
  });
  return { ok: true, messages: messages.toSorted((a, b) => a.index - b.index) };
}

const unreadable: NoAnswer = { ok: false, passing: false, isAbsent: false, why: "unreadable" };

function listed(sessions: readonly (ListedSession | null)[]): Listing {
  const readable = sessions.filter((session) => session !== null);
  return { ok: true, sessions: readable, isWhole: readable.length === sessions.length };
}

/** Null for what is no session, and for one that two readers could understand differently. */
function ofResource(resource: SpelledJson): ListedSession | null {
  const { json: smssession, text } = resource;
  if (!isJsonObject(smssession) || expectedInsteadOf(text) !== null) return null;
  const id = sessionIdOf({ smssession });
  const state = observe({ smssession }).state ?? null;
  return id === null ? null : { id, state, resource };
}

function ofAddress(untrustedUri: unknown): ListedSession | null {
  const id = sessionIdOf({ smssessionUri: untrustedUri });
  return id === null ? null : { id, state: null, resource: null };
}

/** The body where it says success. */
function readAnswer(
  { status, body }: JudgedAnswer,
): { readonly ok: true; readonly value: SpelledJson } | NoAnswer {
  const value = parseSpelled(new TextDecoder().decode(body));
  const json = value?.json;
  const statusCode = isJsonObject(json) && typeof json.statusCode === "number"
    ? json.statusCode
    : null;
  const isSuccess = statusCode === null
    ? status >= 200 && status < 300
    : statusCode === STATUS_CODES.success;
  if (isSuccess && value !== null && (status < 300 || status >= 400)) return { ok: true, value };
  return {
    ok: false,
    passing: statusCode === null ? status >= 500 || status === 429 : SERVER_TROUBLE.has(statusCode),
    isAbsent: statusCode === null ? status === 404 : statusCode === STATUS_CODES.notFound,
    why: `status ${status}${statusCode === null ? "" : `, statusCode ${statusCode}`}`,
  };
}
