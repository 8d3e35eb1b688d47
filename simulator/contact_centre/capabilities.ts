import { chattingSeats, type Seat, type Session } from "./model.ts";

const CHATTING = [
  "Transfer",
  "Complete",
  "Leave",
  "SetInFocus",
  "Invite",
  "Consult",
  "SetDisposition",
  "AttachUserData",
  "UpdateUserData",
  "DeleteUserData",
];
const WITH_CUSTOMER = [
  "SendMessage",
  "SendUrl",
  "SendCustomNotice",
  "SendStartTypingNotification",
  "SendStopTypingNotification",
];
const WITH_OTHER_AGENTS = [
  "SendToAgents",
  "SendCustomNoticeToAgents",
  "SendStartTypingToAgentsNotification",
  "SendStopTypingToAgentsNotification",
];

/** What the agent may do now, as the resource lists it; empty once it is over. */
export function capabilitiesOf(session: Session, { state }: Seat): readonly string[] {
  switch (state) {
    case "Invited":
      return ["Accept", "Reject"];
    case "Chatting":
      return [
        ...CHATTING,
        ...(session.customerPresent ? WITH_CUSTOMER : []),
        ...(chattingSeats(session).length > 1 ? WITH_OTHER_AGENTS : []),
      ];
    case "LeftChat":
      return ["Transfer", "Complete", "Leave", "InFocus"];
    case "Completed":
    case "Revoked":
      return [];
  }
}
