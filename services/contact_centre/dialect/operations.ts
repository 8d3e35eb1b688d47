import * as v from "valibot";
import { isJsonObject, type JsonObject } from "../../support/json_object.ts";
import { folded, mistakableFor, type Spellings, spellingsOf } from "./spelling.ts";

/** What a successful operation means for the mapping (DESIGN §6); `reject`: by an invited agent it closes the open seat. */
export type MappingEffect =
  | "accept"
  | "open-seat"
  | "end"
  | "hand-over"
  | "leave"
  | "reject"
  | "join"
  | "none";

/** An operation of the SMS Session API as Patchbay knows it. */
export interface KnownOperation {
  /** What the body must look like; further members are let through, they are upstream's business. */
  readonly parameters: v.GenericSchema & { readonly entries: v.ObjectEntries };
  readonly effect: MappingEffect;
}

/** An operation that can be forwarded. */
export interface Operation {
  readonly ok: true;
  readonly name: string;
  /** False: not in {@link OPERATIONS}; nothing but the name was checked. */
  readonly known: boolean;
  readonly effect: MappingEffect;
  /** The name by which the agent is to be seen, where the body has one; Accept always does. */
  readonly nickname: string | null;
}

/** Why a body cannot be forwarded. */
export interface OperationFault {
  readonly ok: false;
  readonly code: "invalid-body" | "invalid-parameter";
  /** Names the member and what was expected, never the value: it may be personal. */
  readonly message: string;
}

/** What a request body asks for. */
export type ReadOperation = Operation | OperationFault;

// To whoever cuts a text there, or leaves it out, the name would be another one.
const CONTROL_CHARACTER = /\p{Cc}/u;

// Each member carries its expectation in words: it completes the error message and describes the member in OpenAPI.
const string = v.pipe(v.string(), v.description("a string"));
const maybeString = v.pipe(v.optional(v.string()), v.description("a string, or absent"));
const nonEmptyString = v.pipe(v.string(), v.nonEmpty(), v.description("a non-empty string"));
const plainObject = v.pipe(
  v.custom<JsonObject>(isJsonObject),
  v.description("an object"),
);
const strings = v.pipe(v.array(v.string()), v.description("an array of strings"));
// A client that builds its JSON from a form sends the text; upstream takes both.
const maybeSaveLar = v.pipe(
  v.optional(v.union([v.boolean(), v.picklist(["true", "false"])])),
  v.description("true or false, or absent"),
);
const maybeVisibility = v.pipe(
  v.optional(v.picklist(["Monitor", "Coach", "BargeIn"])),
  v.description("Monitor, Coach or BargeIn, or absent"),
);

const nothing = v.looseObject({});
const text = v.looseObject({ text: string });
const notice = v.looseObject({ noticeText: string });
const userData = v.looseObject({ userData: plainObject });
// The sample request of the vendor's SMSInvite page sends `userUri`, which its own table does not have.
const agentOrQueue = withOneOf(["targetUri", "targetPath", "userUri"]);
// What may go with it is documented for chats alone (ChatSingleStepTransfer).
const transfer = withOneOf(["targetUri", "targetPath", "queueName"], {
  text: maybeString,
  messageType: maybeString,
  treatAs: v.pipe(
    v.optional(v.picklist(["Normal", "System"])),
    v.description("Normal or System, or absent"),
  ),
});

/**
 * Every operation of the vendor's SMS Session API (docs.genesys.com, Genesys Web Services 8.5.2 and 8.6, pages
 * API/SMSAccept and its siblings). Parameters are checked for presence and type only: whether a value makes sense now is
 * upstream's to judge. Where the pages spell one operation in two ways, both are here.
 */
export const OPERATIONS: ReadonlyMap<string, KnownOperation> = new Map<string, KnownOperation>([
  ["Accept", {
    parameters: v.looseObject({ nickname: nonEmptyString, saveLAR: maybeSaveLar }),
    effect: "accept",
  }],
  ["Reject", { parameters: nothing, effect: "reject" }],
  ["Leave", { parameters: nothing, effect: "leave" }],
  ["Complete", {
    parameters: v.looseObject({ queueName: maybeString, saveLAR: maybeSaveLar }),
    effect: "end",
  }],
  // Known as a capability alone. In a conference Leave takes only the agent out (SMSLeave), so others may go on.
  ["LeaveAndComplete", { parameters: nothing, effect: "leave" }],
  ["Transfer", { parameters: transfer, effect: "hand-over" }],
  ["Invite", { parameters: agentOrQueue, effect: "open-seat" }],
  ["Consult", { parameters: agentOrQueue, effect: "open-seat" }],
  ["Intrude", {
    parameters: v.looseObject({ supervisorVisibilityMode: maybeVisibility }),
    effect: "join",
  }],
  ["SendMessage", { parameters: text, effect: "none" }],
  ["SendToAgents", { parameters: text, effect: "none" }],
  ["SendUrl", { parameters: v.looseObject({ url: string }), effect: "none" }],
  ["SendCustomNotice", { parameters: notice, effect: "none" }],
  ["SendCustomNoticeToAgents", { parameters: notice, effect: "none" }],
  ["SendStartTypingNotification", { parameters: nothing, effect: "none" }],
  ["SendStopTypingNotification", { parameters: nothing, effect: "none" }],
  ["SendStartTypingToAgentNotification", { parameters: nothing, effect: "none" }],
  ["SendStartTypingToAgentsNotification", { parameters: nothing, effect: "none" }],
  ["SendStopTypingToAgentNotification", { parameters: nothing, effect: "none" }],
  ["SendStopTypingToAgentsNotification", { parameters: nothing, effect: "none" }],
  ["AttachUserData", { parameters: userData, effect: "none" }],
  ["UpdateUserData", { parameters: userData, effect: "none" }],
  ["DeleteUserData", { parameters: v.looseObject({ keys: strings }), effect: "none" }],
  ["SetDisposition", {
    parameters: v.looseObject({ disposition: string, dispositionKey: maybeString }),
    effect: "none",
  }],
  ["SetInFocus", { parameters: nothing, effect: "none" }],
  ["InFocus", { parameters: nothing, effect: "none" }],
]);

const OPERATIONS_BY_FOLDED = byFolded(OPERATIONS);

/** What an operation on `/me` means for the agent. */
export interface MeOperation {
  readonly effect: "sign-in" | "sign-off";
  /** Its effect stands as soon as a part of it is done. */
  readonly countsInPart: boolean;
}

/** The operations on `/me` that begin and end a contact-centre session; all others are upstream's business alone. */
const ME_OPERATIONS: ReadonlyMap<string, MeOperation> = new Map<string, MeOperation>([
  // One of several channels could not be opened (API/StartContactCenterSession).
  ["StartContactCenterSession", { effect: "sign-in", countsInPart: true }],
  ["EndContactCenterSession", { effect: "sign-off", countsInPart: false }],
]);

const ME_OPERATIONS_BY_FOLDED = byFolded(ME_OPERATIONS);

/** The operation on `/me` of that name, or that upstream could take it for; undefined for all others. */
export function meOperation(untrustedName: string): MeOperation | undefined {
  return ME_OPERATIONS_BY_FOLDED.get(folded(untrustedName))?.operation;
}

/** The body of an operation that tells a session's agents something which the customer does not see. */
export function noticeToAgents(noticeText: string): JsonObject {
  return { operationName: "SendCustomNoticeToAgents", noticeText };
}

/**
 * Reads what a body asks for; pure. A name that upstream could take for a known operation's (`accept`, `Intrude `) is that
 * operation, and a member that upstream could take for one that counts here is a fault.
 */
export function readOperation(untrustedJson: unknown): ReadOperation {
  const named = readOperationName(untrustedJson);
  if (!named.ok) return named;
  const { members, spellings } = named;
  const known = OPERATIONS_BY_FOLDED.get(folded(named.name));
  const fault = misspelt(spellings, [
    "nickname",
    ...Object.keys(known?.operation.parameters.entries ?? {}),
  ]);
  if (fault !== null) return fault;
  const nickname = typeof members.nickname === "string" ? members.nickname : null;
  if (known === undefined) {
    return { ok: true, name: named.name, known: false, effect: "none", nickname };
  }
  const { name, operation } = known;
  const { issues } = v.safeParse(operation.parameters, members, { abortEarly: true });
  if (issues !== undefined) {
    const message = `Cannot do ${name}: expected ${expectation(operation.parameters, issues[0])}`;
    return { ok: false, code: "invalid-parameter", message };
  }
  return { ok: true, name, known: true, effect: operation.effect, nickname };
}

/** Reads `operationName` alone, for resources whose operations Patchbay has no opinion on. */
export function readOperationName(
  untrustedJson: unknown,
):
  | {
    readonly ok: true;
    readonly name: string;
    readonly members: JsonObject;
    readonly spellings: Spellings;
  }
  | OperationFault {
  if (!isJsonObject(untrustedJson)) return invalidBody("a JSON object");
  const { operationName } = untrustedJson;
  const spellings = spellingsOf(untrustedJson);
  const fault = misspelt(spellings, ["operationName"]);
  if (fault !== null) return fault;
  if (typeof operationName !== "string") return invalidBody("operationName to be a string");
  if (!operationName.isWellFormed() || CONTROL_CHARACTER.test(operationName.trim())) {
    const message = "Cannot do this operation: expected operationName without control characters";
    return { ok: false, code: "invalid-parameter", message };
  }
  return { ok: true, name: operationName, members: untrustedJson, spellings };
}

function misspelt(spellings: Spellings, names: readonly string[]): OperationFault | null {
  const name = mistakableFor(spellings, names);
  return name === null ? null : invalidBody(`${name} to be spelled just so`);
}

/** Whatever upstream makes of case and blanks, no two operations may become one. */
function byFolded<T>(
  operations: ReadonlyMap<string, T>,
): ReadonlyMap<string, { readonly name: string; readonly operation: T }> {
  return new Map([...operations].map(([name, operation]) => [folded(name), { name, operation }]));
}

function expectation(
  { entries }: KnownOperation["parameters"],
  issue: v.BaseIssue<unknown>,
): string {
  const member = issue.path?.[0]?.key;
  const schema = typeof member === "string" ? entries[member] : undefined;
  return schema === undefined ? issue.message : `${member} to be ${v.getDescription(schema)}`;
}

/** An object with at least one of the members, each a string, and what else it may have. */
function withOneOf(names: readonly [string, string, string], others: v.ObjectEntries = {}) {
  const [first, second, third] = names;
  return v.pipe(
    v.looseObject({
      ...Object.fromEntries(names.map((name) => [name, maybeString])),
      ...others,
    }),
    v.check(
      (members) => names.some((name) => members[name] !== undefined),
      `${first}, ${second} or ${third} to be a string`,
    ),
  );
}

function invalidBody(expected: string): OperationFault {
  return {
    ok: false,
    code: "invalid-body",
    message: `Cannot read the body: expected ${expected}`,
  };
}
