import type { Faults } from "../kit/faults.ts";
import type { Inbox } from "../kit/inbox.ts";
import type { RecordedRequest } from "../kit/request_log.ts";
import type { Simulator } from "../kit/simulator.ts";
import type { AgentCredentials } from "./agents.ts";
import type { Call } from "./call_log.ts";
import type { CometdView } from "./cometd_view.ts";
import type { Control } from "./control.ts";
import type { Counts } from "./counts.ts";
import type { Undelivered } from "./notifier.ts";

/** A running contact centre. */
export interface ContactCentre extends Simulator, Control {
  /** Every request that came, refused and failed ones included. */
  readonly requests: Inbox<RecordedRequest>;
  /** The same, each with who asked, for what, and how it was answered, in the order of the answers. */
  readonly calls: Inbox<Call>;
  readonly faults: Faults;
  readonly cometd: CometdView;
  /** From now on the agent is let in, with this password. */
  addAgent(agent: AgentCredentials): void;
  /** What an agent, or everybody, has asked for so far. */
  counts(agentId?: string): Counts;
  /**
   * Forgets the CometD sessions of an agent, or all, with what they had yet to be told. A held connect is answered at
   * once, and any further request too, with `402::session_unknown` and the advice to handshake. Tells how many there were.
   */
  dropCometdSessions(agentId?: string): number;
  /**
   * Ends the CometD sessions of an agent, or all, as CometD's servers do by themselves: a held connect is answered at once,
   * with a `/meta/disconnect` that nobody has asked for in front. `advice`: of that connect's reply. Tells how many there were.
   */
  endCometdSessions(agentId?: string, advice?: Readonly<Record<string, unknown>>): number;
  /** For so long an agent, or everybody, is refused as with bad credentials (401); 0 ends that. */
  denyAgents(forMs: number, agentId?: string): void;
  /** Forgets HTTP sessions, and with them their CSRF tokens; tells how many there were. */
  dropHttpSessions(agentId?: string): number;
  /** Breaks open connections and listens no more; HTTP and CometD sessions are forgotten, everything else is kept. */
  stop(): Promise<void>;
  /** Stops if need be, and `downMs` later (0 unless told otherwise) listens on the same port again. */
  restart(options?: { readonly downMs?: number }): Promise<void>;
  /** Resolves once every notification so far has been delivered or given up. */
  idle(): Promise<void>;
  /** Notifications that were given up. */
  readonly undelivered: readonly Undelivered[];
  /**
   * Adds the two sessions of the documented Accept sample (simulator/contact_centre/samples). Accept of `0071023821aec011` then
   * answers and notifies value for value as published, and the agent is in `0000Na9B26EF002X` from there on.
   */
  playDocumentedAccept(
    samplesDir: string,
    options?: { readonly customerPhone?: string },
  ): Promise<void>;
}
