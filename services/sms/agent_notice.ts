import type { Clock } from "../support/clock.ts";
import type { Config } from "../config/config.ts";
import type { Logger } from "../support/log.ts";
import type { SessionStore } from "../store/port/sessions.ts";
import type { SendNotice } from "../contact_centre/rest/notice.ts";
import type { SmsProvider } from "./provider.ts";

/** Words of Patchbay's own to the agents of a session, which the customer does not see. */
export interface AgentNotices {
  /**
   * Tells the agents of a session. Returns at once and never fails: it is done beside the answer to somebody else, and where it
   * cannot be done (nobody holds the session, upstream refuses) the log says so.
   */
  tell(notice: { readonly sessionId: string; readonly text: string }): void;
  /** Tells them that a text did not reach the customer, and why. */
  tellFailure(
    failure: { readonly sessionId: string; readonly errorCode: number | null },
  ): void;
  /** Resolves once nothing is being told any more. */
  settled(): Promise<void>;
}

export interface AgentNoticesDependencies {
  readonly provider: Pick<SmsProvider, "name" | "explain">;
  readonly sendNotice: SendNotice;
  readonly store: Pick<SessionStore, "readSession">;
  /** In `forward` nothing is told: once the agent's request is over there is no token to speak with. */
  readonly authMode: Config["upstream"]["auth"]["mode"];
  readonly clock: Clock;
  readonly log: Logger;
}

/** When many texts fail at once (a suspended account), upstream is not to suffer for it. */
const MAX_UNDER_WAY = 32;

/** The notices of one instance, sent as the session's holder. */
export function createAgentNotices(
  { provider, sendNotice, store, authMode, clock, log }: AgentNoticesDependencies,
): AgentNotices {
  const underWay = new Set<Promise<void>>();

  async function send(sessionId: string, text: string): Promise<void> {
    const session = await store.readSession(sessionId, { nowMs: clock.now(), slide: false });
    if (session === null) return log.debug("sms.notice_skipped", { sessionId, reason: "released" });
    const { taken, status } = await sendNotice({ agentId: session.agentId, sessionId, text });
    if (taken) return log.info("sms.notice_sent", { sessionId });
    log.warn("sms.notice_refused", { sessionId, status });
  }

  function tell({ sessionId, text }: { sessionId: string; text: string }): void {
    if (authMode === "forward") {
      return log.debug("sms.notice_skipped", { sessionId, reason: "UPSTREAM_AUTH is forward" });
    }
    if (underWay.size >= MAX_UNDER_WAY) {
      return log.warn("sms.notice_skipped", { sessionId, reason: "too many at once" });
    }
    const sending = send(sessionId, text)
      .catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        log.warn("sms.notice_failed", { sessionId, error: message });
      })
      .finally(() => underWay.delete(sending));
    underWay.add(sending);
  }

  return {
    tell,
    tellFailure({ sessionId, errorCode }) {
      const { sentence } = provider.explain(errorCode);
      tell({ sessionId, text: failureNotice(sentence, errorCode, provider) });
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

/** What the agents read of a text that failed: why, in a sentence, and the provider's code for whoever looks it up. */
export function failureNotice(
  sentence: string,
  errorCode: number | null,
  { name }: Pick<SmsProvider, "name">,
): string {
  const code = errorCode === null ? "" : ` (${name} error ${errorCode})`;
  return `A text did not reach the customer. ${sentence}${code}`;
}
