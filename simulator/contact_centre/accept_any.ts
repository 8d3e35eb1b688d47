import { type Centre, chattingSeats, findSeat, newSeat, type Session } from "./model.ts";
import { createSession } from "./new_session.ts";
import { readOperationName } from "./operations.ts";

/**
 * Where every Accept is let in: the session that this one is about, offered to its agent. One that nobody has added appears,
 * one that is over begins anew; whoever is in it stays. Nobody is told of the offer.
 */
export function offerToAcceptor(
  centre: Centre,
  { id, agentId, untrustedBody }: {
    readonly id: string;
    readonly agentId: string;
    readonly untrustedBody: unknown;
  },
): void {
  const read = readOperationName(untrustedBody);
  if ("kind" in read || read.name !== "Accept") return;
  const session = centre.sessions.get(id) ??
    createSession(centre, { id, customer: { nickname: "Customer" } });
  if (chattingSeats(session).length === 0) session.customerPresent = true;
  inviteAnew(centre, session, agentId);
}

function inviteAnew(centre: Centre, session: Session, agentId: string): void {
  const seat = findSeat(centre, session, agentId);
  if (seat?.state === "Invited") return;
  const again = seat ?? newSeat(centre, agentId, "All");
  again.state = "Invited";
  session.seats.set(agentId, again);
}
