import { rfc3339 } from "../support/time.ts";
import { maskPhone } from "../support/log.ts";
import type { Customer, SessionRecord } from "../store/port/sessions.ts";

/** A session as it is shown (DESIGN §5): times in RFC 3339, the customer's number down to its last four digits. */
export function sessionView(session: SessionRecord) {
  const { id, agentId, nickname, participants, state, sequence, customer } = session;
  return {
    id,
    agentId,
    nickname,
    participants: participants.map(({ agentId, nickname }) => ({ agentId, nickname })),
    state,
    acceptedAt: rfc3339(session.acceptedAtMs),
    updatedAt: rfc3339(session.updatedAtMs),
    sequence,
    customer: customerView(customer),
  };
}

function customerView(customer: Customer | null) {
  return customer === null ? null : { phone: maskPhone(customer.phone) };
}
