import type { SessionStore } from "../port/sessions.ts";
import type { Database } from "./database.ts";

/** The way from a customer's number to the session, in SQLite. */
export function createSqliteCustomers(db: Database): Pick<SessionStore, "findCustomerSession"> {
  return {
    findCustomerSession: ({ customerDigits, senderDigits, nowMs }) =>
      db.read("find the customer's session", () => {
        const row = db.one<{ id: string }>(
          `SELECT s.id FROM session_memory m JOIN sessions s ON s.id = m.id
           WHERE m.phone_digits IN (SELECT value FROM json_each(?)) AND m.phone_digits <> ''
             AND s.expires_at > ?
             AND (COALESCE(m.sender_digits, '') = ''
               OR m.sender_digits IN (SELECT value FROM json_each(?)))
           ORDER BY COALESCE(m.sender_digits, '') = '', s.accepted_at DESC, s.id DESC LIMIT 1`,
          JSON.stringify(customerDigits),
          nowMs,
          JSON.stringify(senderDigits),
        );
        return row?.id ?? null;
      }),
  };
}
