/** One notification as upstream writes them, with the number by which the consumer tells them apart. */
export function notificationText(mark: number, sessionId: string): string {
  return `{"messageType":"","referenceId":${mark},"notificationType":"StatusChange","smssession":` +
    '{"state":"Chatting","capabilities":["Transfer","Complete","Leave","InFocus","SendMessage",' +
    '"SendStartTypingNotification","SendStopTypingNotification"],' +
    `"id":"${sessionId}","uri":"http://localhost:8080/api/v2/smssessions/${sessionId}",` +
    '"participants":[{"nickname":"Kate","participantId":"0076","type":"Agent"}]}}';
}

/** The session of an event, of `sessions` in turn. */
export function sessionOf(mark: number, sessions: number): string {
  return `0000Bench${String(mark % sessions).padStart(7, "0")}`;
}

const MARK = '"referenceId":';

/** The number of the notification in a webhook's body; -1 where there is none. */
export function markOf(untrustedBody: string): number {
  const at = untrustedBody.indexOf(MARK);
  return at === -1 ? -1 : Number.parseInt(untrustedBody.slice(at + MARK.length, at + 30), 10);
}
