import * as v from "valibot";
import type { Clock } from "../../support/clock.ts";
import { InvalidParameter, StoreUnavailable } from "../../errors.ts";
import type { Logger } from "../../support/log.ts";
import { createLruMap } from "../../support/lru_map.ts";
import { CannotUnseal, type Sealer } from "../../sealing/secrets.ts";
import type { RecordStore } from "../../store/port/records.ts";
import { MAX_AGENT_LINKS } from "./agent_links.ts";
import {
  basicAuthorization,
  NoUpstreamCredentials,
  type UpstreamCredentials,
} from "./credentials.ts";

/** An agent's user name and password upstream. */
export interface AgentCredentials {
  readonly username: string;
  readonly password: string;
}

/** Keeps the agents' own credentials, sealed. What goes in comes out as an `authorization` for upstream and in no other form. */
export interface CredentialVault extends UpstreamCredentials {
  /**
   * Replaces what the agent had left.
   * @throws {InvalidParameter} for an agent whose id is too long to be kept
   * @throws {StoreUnavailable}
   */
  keep(agentId: string, credentials: AgentCredentials): Promise<void>;
  /**
   * Removes what the agent had left, if anything.
   * @throws {StoreUnavailable}
   */
  remove(agentId: string): Promise<void>;
}

export interface CredentialVaultOptions {
  readonly records: Pick<RecordStore, "readRecord" | "writeRecord">;
  readonly sealer: Sealer;
  readonly clock: Pick<Clock, "now">;
  readonly log: Logger;
  /**
   * This instance has changed the agent's credentials (`here`), or learnt that another one has. What was opened with the old
   * ones is to end. Those who change them wait for it, so that what it throws is theirs.
   */
  readonly onChanged?: (agentId: string, where: "here" | "elsewhere") => Promise<void>;
}

/** Opened credentials serve so long without asking the store; what another instance changed is noticed after it. */
export const FRESH_MS = 2_000;

/** And so long while the store is away, so that agents who are at work can go on working. */
export const STALE_MS = 10 * 60 * 1_000;

/** How many opened credentials are held: those of the agents who have a link. */
const MAX_OPENED = MAX_AGENT_LINKS;

/** What the store takes for the key of a record; the issuer may choose longer ids. */
const MAX_KEY_LENGTH = 512;

/** The agent's id is sealed along, so that a record copied to another agent's name opens for nobody. */
const sealedSchema = v.object({ agentId: v.string(), username: v.string(), password: v.string() });

const HOW_TO = "PUT /v1/agents/me/credentials takes them";

interface Opened {
  readonly sealed: string;
  readonly authorization: string;
  /** Before the store was asked, so that a slow answer does not serve for longer. */
  readonly asOfMs: number;
}

/** The vault of one instance. */
export function createCredentialVault(
  { records, sealer, clock, log, onChanged = () => Promise.resolve() }: CredentialVaultOptions,
): CredentialVault {
  const opened = createLruMap<string, Opened>(MAX_OPENED);
  // Counts what was written, here or elsewhere: a read that was under way meanwhile may have brought the old text.
  let writes = 0;

  async function write(agentId: string, text: string | null): Promise<void> {
    try {
      const nowMs = clock.now();
      await records.writeRecord({ kind: "credentials", key: agentId, text, untilMs: null, nowMs });
    } finally {
      // Also where the write failed: it may have been done.
      writes++;
      opened.delete(agentId);
      await onChanged(agentId, "here");
    }
  }

  async function read(agentId: string, known: Opened | undefined): Promise<Opened | null> {
    const asOfMs = clock.now();
    const sealed = isKey(agentId)
      ? await records.readRecord({ kind: "credentials", key: agentId }, asOfMs)
      : null;
    if (sealed === null) return null;
    if (sealed === known?.sealed) return { ...known, asOfMs };
    return { sealed, authorization: await unseal(agentId, sealed), asOfMs };
  }

  async function unseal(agentId: string, sealed: string): Promise<string> {
    let reason: string;
    try {
      const kept = v.parse(sealedSchema, JSON.parse(await sealer.open(sealed)));
      if (kept.agentId === agentId) return basicAuthorization(kept.username, kept.password);
      reason = "other-agent";
    } catch (error) {
      if (!(error instanceof CannotUnseal)) throw error;
      reason = error.reason;
    }
    log.error("credentials.unusable", { agentId, reason });
    throw new NoUpstreamCredentials(
      `the agent's credentials cannot be opened any more, ${HOW_TO} anew`,
    );
  }

  return {
    async authorizationFor(agentId) {
      const known = opened.get(agentId);
      const nowMs = clock.now();
      if (known !== undefined && nowMs - known.asOfMs < FRESH_MS) return known.authorization;

      const writesBefore = writes;
      let found: Opened | null;
      try {
        found = await read(agentId, known);
      } catch (error) {
        const serves = known !== undefined && nowMs - known.asOfMs < STALE_MS;
        if (error instanceof StoreUnavailable && serves) return known.authorization;
        throw error;
      }
      if (writes === writesBefore) {
        if (found === null) opened.delete(agentId);
        else opened.set(agentId, found);
        // Whoever asks for credentials does not wait for what has been opened with others.
        if (known !== undefined && known.sealed !== found?.sealed) {
          void onChanged(agentId, "elsewhere");
        }
      }
      if (found === null) {
        throw new NoUpstreamCredentials(`the agent has left no credentials for it, ${HOW_TO}`);
      }
      return found.authorization;
    },

    doubt(agentId) {
      writes++;
      const known = opened.get(agentId);
      if (known !== undefined) {
        opened.set(agentId, { ...known, asOfMs: Math.min(known.asOfMs, clock.now() - FRESH_MS) });
      }
    },

    async keep(agentId, { username, password }) {
      if (!isKey(agentId)) {
        const message =
          `Cannot keep credentials for this agent: expected an id of up to ${MAX_KEY_LENGTH} characters`;
        throw new InvalidParameter(message);
      }
      const plaintext = JSON.stringify({ agentId, username, password });
      await write(agentId, await sealer.seal(plaintext));
    },

    async remove(agentId) {
      if (isKey(agentId)) await write(agentId, null);
    },
  };
}

function isKey(agentId: string): boolean {
  return agentId.length <= MAX_KEY_LENGTH;
}
