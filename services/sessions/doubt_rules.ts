import type { Membership } from "../contact_centre/dialect/membership.ts";
import type { MappingEffect } from "../contact_centre/dialect/operations.ts";

/**
 * What is known of an operation whose answer got lost. `done`: upstream has acted. `not-done`: it has not, and will not.
 * `not-yet`: it has not, but may still, as it was late already. `open`: nothing more than before.
 */
export type Finding = "done" | "not-done" | "not-yet" | "open";

type Findings = Readonly<Record<Membership, Finding>>;

const TO_COME_IN: Findings = {
  in: "done",
  // The claim has kept all others out, so it is the claimant.
  somebody: "done",
  offered: "not-yet",
  out: "not-done",
  unknown: "open",
};

const TO_JOIN: Findings = {
  in: "done",
  // A supervisor is invited first (SMSIntrude).
  offered: "done",
  // That may be the agent whose session it is.
  somebody: "open",
  out: "not-done",
  unknown: "open",
};

const TO_GO: Findings = {
  out: "done",
  in: "not-yet",
  // It went back to be taken by whoever is next, which may be this agent again.
  offered: "done",
  somebody: "open",
  unknown: "open",
};

/** Null: what the operation does to the mapping cannot be seen in who is in the session. */
const FINDINGS: Readonly<Record<MappingEffect, Findings | null>> = {
  "accept": TO_COME_IN,
  "join": TO_JOIN,
  "hand-over": TO_GO,
  "end": TO_GO,
  "leave": TO_GO,
  "reject": TO_GO,
  "open-seat": null,
  "none": null,
};

/** What upstream shows of an agent's place in a session tells of the agent's operation that is in doubt. Pure. */
export function findingOf(effect: MappingEffect, membership: Membership): Finding {
  return FINDINGS[effect]?.[membership] ?? "open";
}

/** Whether a look at upstream can show that an operation with this effect was done. */
export function isVisible(effect: MappingEffect): boolean {
  return FINDINGS[effect] !== null;
}

/** Whether an operation with this effect may open the session for another agent. */
export function mayOpen(effect: MappingEffect): boolean {
  return effect === "open-seat" || takesOut(effect);
}

/** Whether the agent has gone by an operation with this effect. */
export function takesOut(effect: MappingEffect): boolean {
  return FINDINGS[effect] === TO_GO;
}
