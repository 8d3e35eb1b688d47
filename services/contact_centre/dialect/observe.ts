import type { Observation } from "../../store/port/events.ts";
import type { JsonObject } from "../../support/json_object.ts";
import { sessionResourceOf } from "./session_id.ts";
import { customerFromUserData } from "./user_data.ts";

// The longest that upstream documents is `Completed`; anything far longer, or with a control character, is no state.
const STATE = /^\P{Cc}{1,64}$/u;

/** What a notification tells about the session itself: its state, and the customer from the attached data. */
export function observe(untrustedNotification: JsonObject): Observation {
  const resource = sessionResourceOf(untrustedNotification);
  if (resource === null) return {};
  const state = readState(resource.state);
  const customer = customerFromUserData(resource.userData);
  return {
    ...(state === null ? {} : { state }),
    ...(customer === null ? {} : { phone: customer.phone }),
    ...(customer === null || customer.sender === null ? {} : { sender: customer.sender }),
  };
}

function readState(untrustedState: unknown): string | null {
  if (typeof untrustedState !== "string") return null;
  const state = untrustedState.trim();
  return STATE.test(state) ? state : null;
}
