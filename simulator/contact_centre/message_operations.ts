import * as v from "valibot";
import { appendMessage, type Visibility } from "./model.ts";
import { newMessages } from "./notifications.ts";
import { defineOperation, filledText, noParameters, type Operation } from "./operation.ts";
import { done } from "./outcome.ts";

type Content = Readonly<Partial<Record<"text" | "url" | "noticeText", string>>>;

function messageOperation<const Schema extends v.GenericSchema>(
  type: string,
  to: Visibility,
  parameters: Schema,
  readContent: (parameters: v.InferOutput<Schema>) => Content,
): Operation {
  return defineOperation({
    states: ["Chatting"],
    needsCustomer: to === "All",
    parameters,
    perform({ centre, session, seat: { person } }, given) {
      // A consulted agent's messages go to agents only, whatever the operation (SMSConsult).
      const visibility = person.visibility === "Agents" ? "Agents" : to;
      const content = readContent(given);
      const message = appendMessage(centre, session, {
        type,
        from: person,
        visibility,
        ...content,
      });
      return done(newMessages(centre, session, message));
    },
  });
}

const textOperation = (to: Visibility) =>
  messageOperation("Text", to, v.object({ text: filledText }), ({ text }) => ({ text }));
const noticeOperation = (to: Visibility) =>
  messageOperation(
    "CustomNotice",
    to,
    v.object({ noticeText: filledText }),
    ({ noticeText }) => ({ noticeText }),
  );
const typingOperation = (type: "TypingStarted" | "TypingStopped", to: Visibility) =>
  messageOperation(type, to, noParameters, () => ({}));

/** Everything that an agent says, by operation name. */
export const messageOperations: Readonly<Record<string, Operation>> = {
  SendMessage: textOperation("All"),
  SendToAgents: textOperation("Agents"),
  SendUrl: messageOperation(
    "PushUrl",
    "All",
    v.object({ url: filledText }),
    ({ url }) => ({ url }),
  ),
  SendCustomNotice: noticeOperation("All"),
  SendCustomNoticeToAgents: noticeOperation("Agents"),
  SendStartTypingNotification: typingOperation("TypingStarted", "All"),
  SendStopTypingNotification: typingOperation("TypingStopped", "All"),
  SendStartTypingToAgentsNotification: typingOperation("TypingStarted", "Agents"),
  // The page's title and the capability say Agents, its sample Agent: which one the real server takes is not known.
  SendStopTypingToAgentsNotification: typingOperation("TypingStopped", "Agents"),
  SendStopTypingToAgentNotification: typingOperation("TypingStopped", "Agents"),
};
