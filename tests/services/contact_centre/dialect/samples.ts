/** The session that all seed notifications are about. */
export const SESSION_ID = "0000Na9B26EF002X";

/** One of the sample notifications that the contract refers to, parsed. */
export async function seedNotification(file: string): Promise<Record<string, unknown>> {
  return JSON.parse(await seedText(file));
}

/** The same as it stands in the file. */
export async function seedText(file: string): Promise<string> {
  return await Deno.readTextFile(
    new URL(`../../../../simulator/contact_centre/samples/${file}`, import.meta.url),
  );
}

/** A small state notification. */
export function statusChange(state: string, sessionId = SESSION_ID): Record<string, unknown> {
  return {
    messageType: "SMSsessionStateChangeMessage",
    notificationType: "StatusChange",
    smssession: { id: sessionId, state, participants: [] },
  };
}

/** A NewMessages with texts of an agent to all, one per index. */
export function agentTexts(
  indexes: readonly number[],
  { sessionId = SESSION_ID, timestamp = "2026-11-22T10:00:00.000+0000" } = {},
): Record<string, unknown> {
  return {
    messageType: "MessageLogUpdated",
    notificationType: "NewMessages",
    messages: indexes.map((index) => ({
      index,
      type: "Text",
      from: { type: "Agent", nickname: "Marat", participantId: "009052C5E743004C" },
      text: `text ${index}`,
      visibility: "All",
      timestamp,
    })),
    smssessionUri: `http://localhost:8080/api/v2/smssessions/${sessionId}`,
  };
}
