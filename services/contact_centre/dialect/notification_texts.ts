import { isJsonObject, type JsonObject } from "../../support/json_object.ts";
import {
  NEW_MESSAGES,
  PARTICIPANTS_UPDATED,
  PROPERTIES_UPDATED,
  STATUS_CHANGE,
} from "./notifications.ts";
import { sessionPath } from "./paths.ts";
import { sessionIdOf, sessionResourceOf } from "./session_id.ts";

/** What a notification with a session's resource is about. */
export type SessionNews = "state" | "participants" | "properties";

const NOTIFICATION_TYPES: Readonly<Record<SessionNews, string>> = {
  state: STATUS_CHANGE,
  participants: PARTICIPANTS_UPDATED,
  properties: PROPERTIES_UPDATED,
};

/** The member of the resource without which a notification does not tell its news. */
const TELLING_MEMBERS: Readonly<Record<SessionNews, string>> = {
  state: "state",
  participants: "participants",
  properties: "userData",
};

/** The notification that upstream would have sent of a session of which this is news, as JSON. */
export function sessionNewsText(news: SessionNews, resource: JsonObject): string {
  return JSON.stringify({
    messageType: "SMSsessionStateChangeMessage",
    notificationType: NOTIFICATION_TYPES[news],
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

/** Whether a notification (JSON) tells such news of that session. */
export function tellsNewsOf(dataText: string, sessionId: string, news: SessionNews): boolean {
  const json: unknown = JSON.parse(dataText);
  if (!isJsonObject(json) || typeof json.notificationType !== "string") return false;
  return json.notificationType.trim() === NOTIFICATION_TYPES[news] &&
    sessionIdOf(json) === sessionId &&
    sessionResourceOf(json)?.[TELLING_MEMBERS[news]] !== undefined;
}
