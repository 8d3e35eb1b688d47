import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Exchange } from "../kit/exchange.ts";
import { awaitCalls, callQuery } from "./control_calls.ts";
import { faultPlan, readFaultOptions } from "./control_faults.ts";
import type { ContactCentre } from "./contact_centre.ts";
import { parseJson } from "./session_routes.ts";

interface ControlEnv {
  Bindings: Exchange;
}

const text = v.pipe(v.string(), v.nonEmpty());
const record = v.record(v.string(), v.unknown());
const LONGEST_DOWN_MS = 600_000;
const LONGEST_DENIAL_MS = 24 * 60 * 60_000;
const MOST_TIMES = 1_000;

const whose = v.object({ agentId: v.exactOptional(text) });
const agent = v.object({ agentId: text, password: v.exactOptional(v.string()) });
const newSession = v.object({
  id: v.exactOptional(text),
  nickname: v.optional(text, "Customer"),
  phone: v.exactOptional(text),
  agentId: v.exactOptional(text),
  userData: v.exactOptional(record),
});
const operation = v.looseObject({ agentId: text, operationName: text });
const notification = v.object({
  notification: record,
  agentId: v.exactOptional(text),
  channel: v.exactOptional(v.pipe(text, v.regex(/^\/./, "expected a channel such as /v2/me/x"))),
  unasked: v.exactOptional(v.boolean()),
});
const loss = v.object({
  times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)), 1),
});
const changedReply = v.object({
  channel: text,
  changes: v.object({
    successful: v.exactOptional(v.boolean()),
    error: v.exactOptional(text),
    advice: v.exactOptional(record),
  }),
  agentId: v.exactOptional(text),
  times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MOST_TIMES)), 1),
});
const ended = v.object({ agentId: v.exactOptional(text), advice: v.exactOptional(record) });
const denial = v.object({
  agentId: v.exactOptional(text),
  forMs: v.pipe(v.number(), v.minValue(0), v.maxValue(LONGEST_DENIAL_MS)),
});
const failure = v.object({
  operationName: v.exactOptional(text),
  sessionId: v.exactOptional(text),
  agentId: v.exactOptional(text),
  errorCode: v.exactOptional(v.number()),
  errorMessage: v.exactOptional(text),
});
const restart = v.object({
  downMs: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(LONGEST_DOWN_MS)), 0),
});

/**
 * The contact centre's strings, for those who run it as a program: what `ContactCentre` offers to a test, over HTTP and
 * without authentication. Requests to these routes are not counted, recorded or met by faults.
 */
export function controlRoutes(centre: ContactCentre): Hono<ControlEnv> {
  const routes = new Hono<ControlEnv>();

  function post<Schema extends v.GenericSchema>(
    path: string,
    body: Schema,
    act: (body: v.InferOutput<Schema>, c: Context<ControlEnv>) => unknown,
  ): void {
    routes.post(path, async (c) => {
      const untrustedText = await c.req.text();
      const read = v.safeParse(body, untrustedText === "" ? {} : parseJson(untrustedText));
      if (!read.success) return c.json({ error: describe(read.issues[0]) }, 400);
      return c.json({ done: act(read.output, c) ?? true });
    });
  }
  const id = (c: Context<ControlEnv>) => c.req.param("id") ?? "";

  routes.get("/", (c) =>
    c.json({
      url: centre.url,
      counts: centre.counts(c.req.query("agentId")),
      cometdSessions: centre.cometd.sessions,
      sessions: centre.sessions,
    }));

  routes.get("/calls", async (c) => {
    const read = v.safeParse(callQuery, c.req.query());
    if (!read.success) return c.json({ error: describe(read.issues[0]) }, 400);
    return c.json({ calls: await awaitCalls(centre.calls, read.output) });
  });

  post("/agents", agent, (wanted) => centre.addAgent(wanted));
  post("/agents/deny", denial, ({ agentId, forMs }) => centre.denyAgents(forMs, agentId));
  post("/sessions", newSession, ({ nickname, phone, ...wanted }) =>
    centre.addSession({
      customer: { nickname, ...(phone === undefined ? {} : { phone }) },
      ...wanted,
    }));
  post(
    "/sessions/:id/route",
    v.object({ agentId: text }),
    ({ agentId }, c) => centre.routeSession(id(c), agentId),
  );
  post("/sessions/:id/revoke", whose, ({ agentId }, c) => centre.revokeInvitation(id(c), agentId));
  post(
    "/sessions/:id/customer-texts",
    v.object({ text }),
    (body, c) => centre.customerTexts(id(c), body.text),
  );
  post("/sessions/:id/customer-leaves", v.object({}), (_body, c) => centre.customerLeaves(id(c)));
  post(
    "/sessions/:id/user-data",
    v.object({ userData: record }),
    ({ userData }, c) => centre.updateUserData(id(c), userData),
  );
  post(
    "/sessions/:id/show-instead",
    v.object({ members: record }),
    ({ members }, c) => centre.showInstead(id(c), members),
  );
  post("/sessions/:id/remove", v.object({}), (_body, c) => centre.removeSession(id(c)));
  post(
    "/sessions/:id/operate",
    operation,
    ({ agentId, ...body }, c) => centre.agentOperates(id(c), agentId, body),
  );
  post(
    "/notifications",
    notification,
    ({ notification, agentId, ...to }) => centre.emit(notification, agentId, to),
  );

  post("/notifications/lose", loss, ({ times }) => centre.loseNotifications(times));
  post("/cometd/drop", whose, ({ agentId }) => centre.dropCometdSessions(agentId));
  post(
    "/cometd/reply",
    changedReply,
    ({ channel, changes, agentId, times }) => {
      for (let i = 0; i < times; i++) centre.cometd.changeReply(channel, changes, agentId);
    },
  );
  post("/cometd/end", ended, ({ agentId, advice }) => centre.endCometdSessions(agentId, advice));
  post("/http-sessions/drop", whose, ({ agentId }) => centre.dropHttpSessions(agentId));
  post("/restart", restart, ({ downMs }, c) => {
    c.env.answered.then(() => centre.restart({ downMs }));
  });
  post("/failures", failure, (wanted) => centre.failNext(wanted));
  post("/faults", faultPlan, (plan) => {
    centre.faults.next(plan.fault, readFaultOptions(plan));
  });
  post("/faults/release", v.object({}), () => centre.faults.release());
  routes.delete("/faults", (c) => {
    centre.faults.clear();
    return c.json({ done: true });
  });

  // What the contact centre says it cannot do, such as an act on a session that it does not have.
  routes.onError((error, c) => c.json({ error: error.message }, 400));
  return routes;
}

function describe(issue: v.BaseIssue<unknown>): string {
  return `Cannot use ${v.getDotPath(issue) ?? "the body"}: ${issue.message}`;
}
