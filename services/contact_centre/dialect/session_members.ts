import { createHash } from "node:crypto";
import { isJsonObject } from "../../support/json_object.ts";
import {
  canonicalJson,
  itemsOf,
  memberOf,
  membersOf,
  type SpelledJson,
} from "../../support/spelled_json.ts";
import { STATUS_CHANGE } from "./notifications.ts";
import { SESSION_SPELLINGS } from "./paths.ts";

/**
 * What a session's resource says beside its state, each member as a fingerprint (SHA-256, hexadecimal digits). A member that
 * the resource leaves out is missing here: nothing was said of it. Fingerprints of phone numbers can be guessed, so they
 * stay in memory.
 */
export interface SessionMembers {
  /** Who is in it. */
  readonly participants?: string;
  /** The data attached to it, the customer's number among them. */
  readonly userData?: string;
  /** Which operations upstream would take now. They are the listening agent's own; another agent's may differ. */
  readonly capabilities?: string;
}

/** The members of a session of which nothing was ever said: nobody is in it, and no data is attached. */
export const NOTHING_SAID: SessionMembers = {
  participants: fingerprint("[]"),
  userData: fingerprint("{}"),
};

/** Reads a resource. Members in another order, and participants and capabilities in another order, are the same. */
export function sessionMembersOf(resource: SpelledJson): SessionMembers {
  const participants = memberOf(resource, "participants");
  const userData = memberOf(resource, "userData");
  const capabilities = memberOf(resource, "capabilities");
  return {
    ...(Array.isArray(participants?.json)
      ? { participants: fingerprintOfItems(itemsOf(participants).map(withoutAddress)) }
      : {}),
    ...(isJsonObject(userData?.json)
      ? { userData: fingerprint(canonicalJson(userData.text)) }
      : {}),
    ...(Array.isArray(capabilities?.json)
      ? {
        capabilities: fingerprintOfItems(
          itemsOf(capabilities).map(({ text }) => canonicalJson(text)),
        ),
      }
      : {}),
  };
}

/**
 * What a notification tells of its session beside the state. The empty list of participants in a StatusChange says nothing:
 * upstream tells who is in it by the ParticipantsUpdated that follows (SMSAccept).
 */
export function membersTold(notification: SpelledJson): SessionMembers {
  const resource = SESSION_SPELLINGS.map((name) => memberOf(notification, name))
    .find((resource) => isJsonObject(resource?.json));
  if (resource == null) return {};
  const { participants, ...others } = sessionMembersOf(resource);
  const type = memberOf(notification, "notificationType")?.json;
  const isSilent = typeof type === "string" && type.trim() === STATUS_CHANGE &&
    participants === NOTHING_SAID.participants;
  return participants === undefined || isSilent ? others : { ...others, participants };
}

/** The address of a participant names the server that answered; the path beside it is the same everywhere. */
function withoutAddress(participant: SpelledJson): string {
  if (!isJsonObject(participant.json)) return canonicalJson(participant.text);
  const others = membersOf(participant).filter(({ name }) => name !== "uri")
    .map(({ nameText, text }) => `${canonicalJson(nameText)}:${canonicalJson(text)}`);
  return `{${others.toSorted().join(",")}}`;
}

function fingerprintOfItems(items: readonly string[]): string {
  return fingerprint(`[${items.toSorted().join(",")}]`);
}

function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
