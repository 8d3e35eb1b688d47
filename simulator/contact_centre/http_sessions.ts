import type { Clock } from "../../services/support/clock.ts";
import { type Random, randomHex } from "../kit/simulator.ts";

/** The cookie by which the servlet container knows its sessions. */
export const SESSION_COOKIE = "JSESSIONID";

/** An HTTP session: who signed in, and the CSRF token that lives as long as it does. */
export interface HttpSession {
  readonly id: string;
  readonly agentId: string;
  readonly csrfToken: string;
}

export interface HttpSessions {
  /** The live session that a `Cookie` header names. */
  find(cookies: string | undefined): HttpSession | undefined;
  open(agentId: string): HttpSession;
  /** Forgets an agent's sessions, or all; tells how many there were. */
  drop(agentId?: string): number;
}

/** No sessions yet; one that nobody has used for `idleMs` is over. */
export function createHttpSessions(
  { clock, random, idleMs }: {
    readonly clock: Clock;
    readonly random: Random;
    readonly idleMs: number;
  },
): HttpSessions {
  const sessions = new Map<string, { readonly session: HttpSession; usedAtMs: number }>();
  return {
    find(cookies = "") {
      const [, id = ""] = new RegExp(`(?:^|;)\\s*${SESSION_COOKIE}=([^;\\s]+)`).exec(cookies) ?? [];
      const known = sessions.get(id);
      if (known === undefined) return undefined;
      if (clock.now() - known.usedAtMs > idleMs) {
        sessions.delete(id);
        return undefined;
      }
      known.usedAtMs = clock.now();
      return known.session;
    },
    open(agentId) {
      const hex = (length: number) => randomHex(random, length);
      const session = {
        id: hex(25),
        agentId,
        csrfToken: [8, 4, 4, 4, 12].map(hex).join("-"),
      };
      sessions.set(session.id, { session, usedAtMs: clock.now() });
      return session;
    },
    drop(agentId) {
      const over = [...sessions.values()].filter(({ session }) =>
        agentId === undefined || session.agentId === agentId
      );
      for (const { session } of over) sessions.delete(session.id);
      return over.length;
    },
  };
}
