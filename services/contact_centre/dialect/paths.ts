/** What every path of the API begins with; the paths below come after it. */
export const API_ROOT = "/api/v2";

/** The agent itself. */
export const ME = "/me";

/**
 * How the collection of sessions is spelled. Four pages of the vendor's documentation (SMSSendStopType, SMSGetMessages,
 * SMSSetDisposition, SMSSendCustomNotice) have it with one s. Both are understood wherever a path or a member is read;
 * upstream is always sent the first.
 */
export const COLLECTION_SPELLINGS = ["smssessions", "smsessions"] as const;

/** The same for one session: a member of notifications and lists, also in front of `Path` and `Uri`. */
export const SESSION_SPELLINGS = ["smssession", "smsession"] as const;

const [COLLECTION] = COLLECTION_SPELLINGS;

/** The agent's sessions. */
export const OWN_SESSIONS = `${ME}/${COLLECTION}`;

/** One session of the agent. Here and below the id is one that `isSessionId` took, so that it leads nowhere else. */
export function ownSessionPath(sessionId: string): string {
  return `${OWN_SESSIONS}/${encodeURIComponent(sessionId)}`;
}

/** What was said in a session of the agent. */
export function messagesPath(sessionId: string): string {
  return `${ownSessionPath(sessionId)}/messages`;
}

/** A session of another user, for a supervisor. The user's id goes in as it is: it is one that `isAgentIdInPath` took. */
export function userSessionPath(userId: string, sessionId: string): string {
  return `/users/${userId}/${COLLECTION}/${encodeURIComponent(sessionId)}`;
}

/** A session by itself, as notifications name it. */
export function sessionPath(sessionId: string): string {
  return `/${COLLECTION}/${encodeURIComponent(sessionId)}`;
}
