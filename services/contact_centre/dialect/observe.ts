import type { Observation, StillIn } from "../../store/port/events.ts";
import { isJsonObject, type JsonObject } from "../../support/json_object.ts";
import { sessionResourceOf } from "./session_id.ts";
import { endingOf } from "./states.ts";
import { customerFromUserData } from "./user_data.ts";

// The longest that upstream documents is `Completed`; anything far longer, or with a control character, is no state.
const STATE = /^\P{Cc}{1,64}$/u;

/** The participants of a session who are no agents. */
const NO_AGENTS: ReadonlySet<string> = new Set(["customer", "external"]);

/** What a notification tells about the session itself: its state, and the customer from the attached data. */
export function observe(untrustedNotification: JsonObject): Observation {
  const resource = sessionResourceOf(untrustedNotification);
  if (resource === null) return {};
  const state = readState(resource.state);
  const reason = state === null ? null : endingOf(state);
  const customer = customerFromUserData(resource.userData);
  return {
    ...(state === null ? {} : { state }),
    ...(reason === null ? {} : { ending: { reason, stillIn: stillIn(resource.participants) } }),
    ...(customer === null ? {} : { phone: customer.phone }),
    ...(customer === null || customer.sender === null ? {} : { sender: customer.sender }),
  };
}

/**
 * Who is in the session, as its resource says. Whatever is not known to be somebody else counts as an agent (SMSGetMessages
 * names Agent, Customer and External). A list of nobody tells nothing: a StatusChange has one also where the participants
 * follow (SMSAccept, SMSReject).
 */
function stillIn(untrustedParticipants: unknown): StillIn {
  if (!Array.isArray(untrustedParticipants) || untrustedParticipants.length === 0) return "untold";
  return untrustedParticipants.every(isNoAgent) ? "others" : "agents";
}

function isNoAgent(untrustedParticipant: unknown): boolean {
  if (!isJsonObject(untrustedParticipant)) return false;
  const { type } = untrustedParticipant;
  return typeof type === "string" && NO_AGENTS.has(type.trim().toLowerCase());
}

function readState(untrustedState: unknown): string | null {
  if (typeof untrustedState !== "string") return null;
  const state = untrustedState.trim();
  return STATE.test(state) ? state : null;
}
