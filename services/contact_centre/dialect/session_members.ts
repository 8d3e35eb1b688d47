import { createHash } from "node:crypto";
import { canonicalJson, isDeeperThan } from "../../support/exact_json.ts";
import { isJsonObject, type JsonObject } from "../../support/json_object.ts";
import { MAX_DEPTH, STATUS_CHANGE } from "./notifications.ts";
import { sessionResourceOf } from "./session_id.ts";

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
  participants: fingerprint([]),
  userData: fingerprint({}),
};

/** Reads a resource. Members in another order, and participants and capabilities in another order, are the same. */
export function membersOf(untrustedResource: JsonObject): SessionMembers {
  if (isDeeperThan(untrustedResource, MAX_DEPTH)) return {};
  const { participants, userData, capabilities } = untrustedResource;
  return {
    ...(Array.isArray(participants)
      ? { participants: fingerprint(participants.map(withoutAddress).map(canonicalJson).sort()) }
      : {}),
    ...(isJsonObject(userData) ? { userData: fingerprint(userData) } : {}),
    ...(Array.isArray(capabilities)
      ? { capabilities: fingerprint(capabilities.map(canonicalJson).sort()) }
      : {}),
  };
}

/**
 * What a notification tells of its session beside the state. The empty list of participants in a StatusChange says nothing:
 * upstream tells who is in it by the ParticipantsUpdated that follows (SMSAccept).
 */
export function membersTold(untrustedNotification: JsonObject): SessionMembers {
  const resource = sessionResourceOf(untrustedNotification);
  if (resource === null) return {};
  const { participants, ...others } = membersOf(resource);
  const isSilent = typeof untrustedNotification.notificationType === "string" &&
    untrustedNotification.notificationType.trim() === STATUS_CHANGE &&
    participants === NOTHING_SAID.participants;
  return participants === undefined || isSilent ? others : { ...others, participants };
}

/** The address of a participant names the server that answered; the path beside it is the same everywhere. */
function withoutAddress(untrustedParticipant: unknown): unknown {
  if (!isJsonObject(untrustedParticipant)) return untrustedParticipant;
  const { uri: _, ...others } = untrustedParticipant;
  return others;
}

function fingerprint(json: unknown): string {
  return createHash("sha256").update(canonicalJson(json)).digest("hex");
}
