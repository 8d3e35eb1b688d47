import assert from "node:assert/strict";
import { composeMetrics } from "../../composition/metrics.ts";
import { createCounters } from "../../services/following/counters.ts";
import type { Subscriber, SubscriberState } from "../../services/following/subscriber.ts";

function subscriberWith(state: Partial<SubscriberState>): Subscriber {
  return {
    start() {},
    follow() {},
    unfollow() {},
    credentialsChanged: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    state: {
      following: 0,
      live: 0,
      isShared: false,
      refused: [],
      deaf: [],
      waiting: [],
      counters: createCounters(),
      ...state,
    },
  };
}

Deno.test("agents whom the contact centre turns away are counted, and not named", () => {
  const counters = { ...createCounters(), refusals: 4, stopped: 1 };
  const metrics = composeMetrics(
    subscriberWith({ following: 3, live: 2, refused: ["ann"], counters }),
    null,
  );
  const told = Object.fromEntries(metrics.map(({ name, read }) => [name, read()]));
  assert.equal(told["patchbay_cometd_connections"], 3);
  assert.equal(told["patchbay_cometd_connections_live"], 2);
  assert.equal(told["patchbay_cometd_agents_refused"], 1);
  assert.equal(told["patchbay_cometd_refusals_total"], 4);
  assert.equal(told["patchbay_cometd_agents_stopped_total"], 1);
  assert.ok(!JSON.stringify(metrics).includes("ann"));
});

Deno.test("every counter of the subscriber has a metric of its own", () => {
  const names = composeMetrics(subscriberWith({}), null).map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const counted = names.filter((name) => name.endsWith("_total"));
  assert.equal(counted.length, Object.keys(createCounters()).length);
});

Deno.test("without CometD and SMS only the instance itself is told of", () => {
  assert.deepEqual(composeMetrics(null, null).map(({ name }) => name), ["patchbay_up"]);
});
