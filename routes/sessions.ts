import { Hono } from "hono";
import * as v from "valibot";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import type { Clock } from "../services/support/clock.ts";
import { InsufficientScope, InvalidBody, InvalidParameter, NotFound } from "../services/errors.ts";
import type { Logger } from "../services/support/log.ts";
import { isJsonObject } from "../services/support/json_object.ts";
import { isInSession, sessionView } from "../services/sessions/view.ts";
import { toE164, toSender } from "../services/sms/phone.ts";
import type { Customer, SessionRecord } from "../services/store/port/sessions.ts";
import type { Store } from "../services/store/port/store.ts";
import type { Agent } from "../services/auth/token_verifier.ts";
import { filtersIn, JSON_TYPE, listBody, readPage } from "./paging.ts";

const MAX_BODY_BYTES = 16 * 1024;
// E.164 §6 allows 15 digits; the rest is room for the ways in which people write them.
const MAX_NUMBER_LENGTH = 64;

const numberText = v.pipe(v.string(), v.maxLength(MAX_NUMBER_LENGTH));
const customerSchema = v.object({ phone: numberText, sender: v.nullish(numberText) });

export interface SessionRoutesDependencies {
  readonly store: Pick<Store, "readSession" | "listSessions" | "setCustomer" | "expungeSession">;
  readonly guards: RouteGuards;
  readonly clock: Clock;
  readonly log: Logger;
}

/** `/v1/sessions`: who holds what. An agent sees its own sessions, with `sms:supervise` all of them. */
export function sessionRoutes({ store, guards, clock, log }: SessionRoutesDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/v1/sessions", guards.agent("sessions:read"), async (c) => {
    const { agent } = filtersIn(c.req.query(), ["agent"]);
    const agentId = wantedAgent(c.get("agent"), agent);
    const page = await store.listSessions({
      ...readPage(c.req.query()),
      ...(agentId === null ? {} : { agentId }),
      nowMs: clock.now(),
    });
    return c.body(
      listBody(page, (session) => JSON.stringify(sessionView(session))),
      200,
      JSON_TYPE,
    );
  });

  routes.get(
    "/v1/sessions/:id",
    guards.agent("sessions:read"),
    async (c) => c.json(sessionView(await readVisible(c.get("agent"), c.req.param("id")))),
  );

  routes.put(
    "/v1/sessions/:id/customer",
    guards.agent("sessions:write"),
    guards.jsonBody({ maxBytes: MAX_BODY_BYTES }),
    async (c) => {
      const customer = await readCustomer(c.get("body").untrustedJson);
      const sessionId = c.req.param("id");
      await requireWritable(c.get("agent"), sessionId);
      const session = await store.setCustomer({ sessionId, customer, nowMs: clock.now() });
      return c.json(sessionView(found(session)));
    },
  );

  routes.post("/v1/sessions/:id/expunge", guards.agent("sessions:write"), async (c) => {
    const sessionId = c.req.param("id");
    await requireWritable(c.get("agent"), sessionId);
    const events = await store.expungeSession(sessionId);
    if (events === 0) {
      throw new NotFound("Cannot expunge this session: expected one of which something is kept");
    }
    log.info("session.expunged", { sessionId, events, agentId: c.get("agent").id });
    return c.json({ id: sessionId, events });
  });

  /**
   * An integration, whose token operates no sessions, may write to any; an agent only to its own,
   * or it could have another's texts sent to a number of its choice.
   */
  async function requireWritable(agent: Agent, sessionId: string): Promise<void> {
    if (agent.scopes.has("sms:operate")) await readVisible(agent, sessionId);
  }

  async function readVisible(agent: Agent, sessionId: string): Promise<SessionRecord> {
    const session = await store.readSession(sessionId, { nowMs: clock.now(), slide: false });
    const visible = session !== null && (supervises(agent) || isInSession(session, agent.id));
    return found(visible ? session : null);
  }

  return routes;
}

/** Whose sessions to list; null: everybody's. */
function wantedAgent(agent: Agent, untrustedAgentId: string | undefined): string | null {
  if (supervises(agent)) return untrustedAgentId ?? null;
  if (untrustedAgentId !== undefined && untrustedAgentId !== agent.id) {
    throw new InsufficientScope(
      "Cannot list another agent's sessions: expected the scope sms:supervise",
      {
        // RFC 6750 §3.1
        headers: {
          "www-authenticate": 'Bearer error="insufficient_scope", scope="sms:supervise"',
        },
      },
    );
  }
  return agent.id;
}

function supervises(agent: Agent): boolean {
  return agent.scopes.has("sms:supervise");
}

function found(session: SessionRecord | null): SessionRecord {
  // One answer for all: that somebody else has such a session is nobody's business.
  if (session === null) throw new NotFound("Cannot find this session among those that you may see");
  return session;
}

async function readCustomer(untrustedJson: unknown): Promise<Customer> {
  if (!isJsonObject(untrustedJson)) {
    throw new InvalidBody("Cannot read the body: expected a JSON object with phone");
  }
  const read = v.safeParse(customerSchema, untrustedJson);
  if (!read.success) {
    throw refusedNumber(v.getDotPath(read.issues[0]) === "sender" ? "sender" : "phone");
  }
  const phone = await toE164(read.output.phone);
  if (phone === null) throw refusedNumber("phone");
  const untrustedSender = read.output.sender ?? null;
  if (untrustedSender === null) return { phone, sender: null };
  const sender = await toSender(untrustedSender);
  if (sender === null) throw refusedNumber("sender");
  return { phone, sender };
}

const EXPECTED_NUMBERS = {
  phone: "a telephone number in E.164, such as +14155550123",
  sender: "a telephone number in E.164, such as +14155550123, or a short code",
} as const;

// The value is left out: it is somebody's number.
function refusedNumber(member: keyof typeof EXPECTED_NUMBERS): InvalidParameter {
  return new InvalidParameter(`Cannot use ${member}: expected ${EXPECTED_NUMBERS[member]}`);
}
