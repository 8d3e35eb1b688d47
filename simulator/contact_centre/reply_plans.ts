import type { ReplyChanges } from "./cometd_view.ts";

/** Changes of replies to come. */
export interface ReplyPlans {
  /** Plans a change of the next reply on a channel, of this agent only if one is named. */
  add(channel: string, changes: ReplyChanges, agentId?: string): void;
  /** The oldest plan that fits is used up; none: no changes. */
  take(channel: string, agentId: string | undefined): ReplyChanges;
}

export function createReplyPlans(): ReplyPlans {
  const plans: { channel: string; changes: ReplyChanges; agentId: string | undefined }[] = [];
  return {
    add(channel, changes, agentId) {
      plans.push({ channel, changes, agentId });
    },
    take(channel, agentId) {
      const at = plans.findIndex((plan) =>
        plan.channel === channel && (plan.agentId === undefined || plan.agentId === agentId)
      );
      return at < 0 ? {} : plans.splice(at, 1)[0]?.changes ?? {};
    },
  };
}
