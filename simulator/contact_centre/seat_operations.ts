import * as v from "valibot";
import {
  appendMessage,
  type Centre,
  chattingSeats,
  findOffer,
  isLive,
  type Seat,
  type Session,
  takeReferenceId,
} from "./model.ts";
import { newMessages, newMessagesFor, participantsUpdated, statusChange } from "./notifications.ts";
import { type Call, defineOperation, filledText, noParameters } from "./operation.ts";
import { type Addressed, done } from "./outcome.ts";

/** Accept: the state, then who is there, then what was said so far (SMSAccept). */
export const accept = defineOperation({
  states: ["Invited"],
  parameters: v.object({ nickname: filledText, saveLAR: v.optional(v.boolean()) }),
  perform({ centre, session, seat }, { nickname }) {
    takeSeat(session, seat);
    if (session.scriptedAccept !== undefined) return session.scriptedAccept(seat.agentId);
    seat.person.nickname = nickname;
    const joined = appendMessage(centre, session, {
      type: "ParticipantJoined",
      from: seat.person,
      visibility: seat.person.visibility,
    });
    return done([
      statusChange(centre, session, seat, takeReferenceId(centre)),
      participantsUpdated(centre, session, seat),
      newMessagesFor(centre, session, seat.agentId, [...session.log]),
      ...othersIn(session, seat).flatMap((other) => [
        participantsUpdated(centre, session, other),
        newMessagesFor(centre, session, other.agentId, [joined]),
      ]),
    ]);
  },
});

/** Reject: straight to Completed (SMSReject). An open offer stays open for other agents. */
export const reject = defineOperation({
  states: ["Invited"],
  parameters: noParameters,
  perform({ centre, session, seat }) {
    if (!session.seats.has(seat.agentId)) {
      findOffer(session, seat.agentId)?.declinedBy.add(seat.agentId);
    }
    session.seats.set(seat.agentId, seat);
    seat.state = "Completed";
    return done([
      statusChange(centre, session, seat, takeReferenceId(centre)),
      ...tellOthers(centre, session, seat),
    ]);
  },
});

/** Leave: LeftChat, then Completed by itself (SMSLeave). In a conference the others stay. */
export const leave = defineOperation({
  states: ["Chatting", "LeftChat"],
  parameters: noParameters,
  perform({ centre, session, seat }) {
    seat.state = "LeftChat";
    const left = statusChange(centre, session, seat, takeReferenceId(centre));
    seat.state = "Completed";
    return done([
      left,
      statusChange(centre, session, seat),
      ...tellThatAgentLeft(centre, session, seat),
    ]);
  },
});

/** Complete: over for everybody, the customer included (SMSComplete). */
export const complete = defineOperation({
  states: ["Chatting", "LeftChat"],
  parameters: v.object({
    queueName: v.optional(filledText),
    saveLAR: v.optional(v.boolean()),
  }),
  perform({ centre, session, seat }) {
    const over = [seat, ...[...session.seats.values()].filter((s) => s !== seat && isLive(s))];
    session.offers = [];
    session.customerPresent = false;
    for (const each of over) each.state = "Completed";
    return done(over.map((each) => statusChange(centre, session, each)));
  },
});

/** Keeps the seat; one that came from an open offer uses the offer up. */
function takeSeat(session: Session, seat: Seat): void {
  if (session.seats.get(seat.agentId) !== seat) {
    const offer = findOffer(session, seat.agentId);
    session.offers = session.offers.filter((other) => other !== offer);
    session.seats.delete(seat.agentId);
    session.seats.set(seat.agentId, seat);
  }
  seat.state = "Chatting";
}

/** What the agents who stay get to know when one goes. */
export function tellThatAgentLeft(
  centre: Centre,
  session: Session,
  { person }: Call["seat"],
): Addressed[] {
  const message = appendMessage(centre, session, {
    type: "ParticipantLeft",
    from: person,
    visibility: person.visibility,
  });
  return [
    ...chattingSeats(session).map((other) => participantsUpdated(centre, session, other)),
    ...newMessages(centre, session, message),
  ];
}

function tellOthers(centre: Centre, session: Session, seat: Seat): Addressed[] {
  return othersIn(session, seat).map((other) => participantsUpdated(centre, session, other));
}

function othersIn(session: Session, seat: Seat): Seat[] {
  return chattingSeats(session).filter((other) => other !== seat);
}
