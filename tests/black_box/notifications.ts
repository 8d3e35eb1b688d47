/** What the contact centre notifies: the published samples, and others made like them. */

type Json = Readonly<Record<string, unknown>>;

const SEED = new URL("../../simulator/contact_centre/samples/", import.meta.url);

/** The session that the published notifications are about. */
export const SEED_SESSION = "0000Na9B26EF002X";

/** A published sample, byte for byte. */
export async function seed(name: string): Promise<string> {
  return await Deno.readTextFile(new URL(`${name}.json`, SEED));
}

/** The three published notifications that follow an Accept, in order. */
export function seedNotifications(): Promise<readonly string[]> {
  return Promise.all([
    seed("notification_1_status_change"),
    seed("notification_2_participants_updated"),
    seed("notification_3_new_messages"),
  ]);
}

export function statusChange(sessionId: string, state: string, members: Json = {}): Json {
  return {
    messageType: "SMSsessionStateChangeMessage",
    notificationType: "StatusChange",
    smssession: { state, id: sessionId, uri: uriOf(sessionId), participants: [], ...members },
  };
}

export function newMessages(sessionId: string, ...messages: readonly Json[]): Json {
  return {
    messageType: "MessageLogUpdated",
    notificationType: "NewMessages",
    messages,
    smssessionUri: uriOf(sessionId),
  };
}

/** A Text by an agent for all to see, written now, unless `members` say otherwise. */
export function agentText(index: number, text: string, members: Json = {}): Json {
  return {
    index,
    type: "Text",
    from: { type: "Agent", nickname: "Ada", participantId: "009052C5E743004C" },
    text,
    visibility: "All",
    timestamp: upstreamTime(Date.now()),
    ...members,
  };
}

/** As the contact centre writes times: an offset without a colon. */
export function upstreamTime(unixMs: number): string {
  return new Date(unixMs).toISOString().replace("Z", "+0000");
}

function uriOf(sessionId: string): string {
  return `http://localhost:8080/api/v2/smssessions/${sessionId}`;
}
