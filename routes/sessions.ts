import { Hono } from "hono";
import * as v from "valibot";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import { InvalidBody, InvalidParameter } from "../services/errors.ts";
import type { ManagedSessions } from "../services/sessions/managed_sessions.ts";
import { sessionView } from "../services/sessions/view.ts";
import type { PhoneNumbers } from "../services/sms/phone.ts";
import type { Customer } from "../services/store/port/sessions.ts";
import { isJsonObject } from "../services/support/json_object.ts";
import { filterAgentId, pathSessionId } from "./ids.ts";
import { filtersIn, JSON_TYPE, listBody, readPage } from "./paging.ts";
import { queryOf } from "./query.ts";

const MAX_BODY_BYTES = 16 * 1024;
// E.164 §6 allows 15 digits; the rest is room for the ways in which people write them.
const MAX_NUMBER_LENGTH = 64;

const numberText = v.pipe(v.string(), v.maxLength(MAX_NUMBER_LENGTH));
const customerSchema = v.object({ phone: numberText, sender: v.nullish(numberText) });

export interface SessionRoutesDependencies {
  readonly managedSessions: ManagedSessions;
  readonly guards: RouteGuards;
  readonly numbers: Pick<PhoneNumbers, "toE164" | "toSender">;
}

/** `/v1/sessions`: who holds what. */
export function sessionRoutes({ managedSessions, guards, numbers }: SessionRoutesDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/v1/sessions", guards.agent("sessions:read"), async (c) => {
    const query = queryOf(c);
    const { agent } = filtersIn(query, ["agent"]);
    const agentId = agent === undefined ? undefined : filterAgentId(agent);
    const page = readPage(query);
    const sessions = await managedSessions.list(c.get("agent"), agentId, page);
    const body = listBody(sessions, (session) => JSON.stringify(sessionView(session)));
    return c.body(body, 200, JSON_TYPE);
  });

  routes.get("/v1/sessions/:id", guards.agent("sessions:read"), async (c) => {
    const session = await managedSessions.read(c.get("agent"), pathSessionId(c, "id"));
    return c.json(sessionView(session));
  });

  routes.put(
    "/v1/sessions/:id/customer",
    guards.agent("sessions:write"),
    guards.jsonBody({ maxBytes: MAX_BODY_BYTES }),
    async (c) => {
      const customer = await readCustomer(c.get("body").untrustedJson, numbers);
      const sessionId = pathSessionId(c, "id");
      const session = await managedSessions.setCustomer(c.get("agent"), sessionId, customer);
      return c.json(sessionView(session));
    },
  );

  routes.delete("/v1/sessions/:id", guards.agent("sms:supervise"), async (c) => {
    await managedSessions.release(c.get("agent"), pathSessionId(c, "id"));
    return c.body(null, 204);
  });

  routes.post("/v1/sessions/:id/expunge", guards.agent("sessions:write"), async (c) => {
    const id = pathSessionId(c, "id");
    return c.json({ id, events: await managedSessions.expunge(c.get("agent"), id) });
  });

  return routes;
}

async function readCustomer(
  untrustedJson: unknown,
  { toE164, toSender }: SessionRoutesDependencies["numbers"],
): Promise<Customer> {
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
