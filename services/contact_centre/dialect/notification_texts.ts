import { isJsonObject } from "../../support/json_object.ts";
import type { JsonText, SpelledJson } from "../../support/spelled_json.ts";
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

/** The notification that upstream would have sent of a session of which this is news, as JSON; the session stays as spelled. */
export function sessionNewsText(news: SessionNews, resource: SpelledJson): string {
  return objectText({
    messageType: JSON.stringify("SMSsessionStateChangeMessage"),
    notificationType: JSON.stringify(NOTIFICATION_TYPES[news]),
    smssession: resource.text,
  });
}

/** The notification that upstream would have sent of further messages in a session, as JSON; they stay as spelled. */
export function newMessagesText(
  { id, resource }: { readonly id: string; readonly resource: SpelledJson | null },
  messages: readonly JsonText[],
): string {
  const uri = isJsonObject(resource?.json) ? resource.json.uri : undefined;
  return objectText({
    messageType: JSON.stringify("MessageLogUpdated"),
    notificationType: JSON.stringify(NEW_MESSAGES),
    messages: `[${messages.join(",")}]`,
    ...(typeof uri === "string" ? { smssessionUri: JSON.stringify(uri) } : {}),
    smssessionPath: JSON.stringify(sessionPath(id)),
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

function objectText(members: Readonly<Record<string, string>>): string {
  return `{${Object.entries(members).map(([name, text]) => `"${name}":${text}`).join(",")}}`;
}
