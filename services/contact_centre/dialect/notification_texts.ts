import { isJsonObject, type JsonObject } from "../../support/json_object.ts";
import { NEW_MESSAGES, STATUS_CHANGE } from "./notifications.ts";
import { sessionPath } from "./paths.ts";
import { sessionIdOf } from "./session_id.ts";

/** The notification that upstream would have sent of a session in a new state, as JSON. */
export function statusChangeText(resource: JsonObject): string {
  return JSON.stringify({
    messageType: "SMSsessionStateChangeMessage",
    notificationType: STATUS_CHANGE,
    smssession: resource,
  });
}

/** The notification that upstream would have sent of further messages in a session, as JSON. */
export function newMessagesText(
  { id, resource }: { readonly id: string; readonly resource: JsonObject | null },
  messages: readonly unknown[],
): string {
  return JSON.stringify({
    messageType: "MessageLogUpdated",
    notificationType: NEW_MESSAGES,
    messages,
    ...(typeof resource?.uri === "string" ? { smssessionUri: resource.uri } : {}),
    smssessionPath: sessionPath(id),
  });
}

/** Whether a notification (JSON) tells the state of that session. */
export function tellsStateOf(dataText: string, sessionId: string): boolean {
  const json: unknown = JSON.parse(dataText);
  return isJsonObject(json) && json.notificationType === STATUS_CHANGE &&
    sessionIdOf(json) === sessionId;
}
