import type { Look } from "../contact_centre/rest/session_look.ts";
import type { Clock } from "../support/clock.ts";
import type { Doubt } from "./doubt.ts";
import { type Finding, takesOut } from "./doubt_rules.ts";
import { changeAfter, changeAfterGoing } from "./effects.ts";
import type { MappingWriter } from "./mapping_writer.ts";
import type { WorkSignals } from "./work_signals.ts";

/** Does what a finding means for the mapping. Never rejects. */
export type Settle = (
  doubt: Doubt,
  finding: Exclude<Finding, "open">,
  look: Pick<Look, "dateMs">,
) => Promise<void>;

export function createSettlement(
  { mapping, workSignals, clock }: {
    readonly mapping: MappingWriter;
    readonly workSignals: Pick<WorkSignals, "accepted">;
    readonly clock: Pick<Clock, "now">;
  },
): Settle {
  return async (doubt, finding, { dateMs }) => {
    const { agentId, sessionId, operation, claim, sentAtMs, untilMs, asker } = doubt;
    if (claim !== null) {
      if (finding !== "done") {
        return await mapping.release({ ...claim, sessionId, untilMs, forAll: true });
      }
      // When the Accept was sent, by upstream's clock as the look shows it.
      const aheadMs = dateMs === null ? 0 : dateMs - clock.now();
      const acceptedUpstreamMs = wholeSeconds(sentAtMs + aheadMs);
      await mapping.confirm({ ...claim, agentId, sessionId, untilMs, acceptedUpstreamMs });
      workSignals.accepted({ agentId, ...asker });
      return;
    }
    if (finding !== "done") return;
    const change = takesOut(operation.effect)
      ? changeAfterGoing(doubt)
      : changeAfter({ ...doubt, invited: false }, clock.now());
    await mapping.apply(doubt, change);
  };
}

/** Upstream's `Date` has whole seconds, so what is compared with it has them, too. */
export function wholeSeconds(unixMs: number): number {
  return Math.floor(unixMs / 1000) * 1000;
}
