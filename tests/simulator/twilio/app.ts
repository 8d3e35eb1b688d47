import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import type { Clock } from "../../../services/clock.ts";
import { playFaults } from "../kit/fault_middleware.ts";
import type { FaultQueue } from "../kit/faults.ts";
import type { InboxOwner } from "../kit/inbox.ts";
import {
  measureAnswers,
  type RecordedRequest,
  recordRequests,
  type SimulatorEnv,
} from "../kit/request_log.ts";
import type { Random } from "../kit/simulator.ts";
import { errorBody, errorResponse, refuse } from "./api_error.ts";
import { checkCreate } from "./create_message.ts";
import { createMessage, messageResource, type TwilioMessage } from "./message.ts";
import { listMessages } from "./message_list.ts";

export interface AppOptions {
  readonly accountSid: string;
  readonly authToken: string;
  readonly requests: InboxOwner<RecordedRequest>;
  readonly messages: InboxOwner<TwilioMessage>;
  readonly faults: FaultQueue;
  readonly clock: Clock;
  readonly random: Random;
}

/** The Messages resource of the Twilio REST API, version 2010-04-01. */
export function createApp(options: AppOptions): Hono<SimulatorEnv> {
  const { accountSid, authToken, clock } = options;
  const app = new Hono<SimulatorEnv>();
  app.use(recordRequests(options.requests));
  app.use(playFaults(options.faults, clock));
  app.use(measureAnswers());
  app.use(basicAuth({
    username: accountSid,
    password: authToken,
    realm: "Twilio API",
    invalidUserMessage: errorBody({ status: 401, code: 20003, message: "Authentication failed" }),
  }));
  app.route(`/2010-04-01/Accounts/${accountSid}`, messageRoutes(options));
  app.notFound(() => errorResponse(refuse(20404, "The resource was not found", 404)));
  return app;
}

function messageRoutes(
  { accountSid, messages, clock, random }: AppOptions,
): Hono<SimulatorEnv> {
  const routes = new Hono<SimulatorEnv>();

  routes.post("/Messages.json", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const checked = checkCreate(form);
    if (checked.kind === "refused") return errorResponse(checked);
    const message = createMessage(checked, form, { clock, random });
    messages.add(message);
    return c.json(messageResource(accountSid, message), 201);
  });

  routes.get("/Messages.json", (c) => {
    const listed = listMessages(accountSid, messages.items, new URL(c.req.url).searchParams);
    return listed.kind === "refused" ? errorResponse(listed) : c.json(listed.page);
  });

  routes.get("/Messages/:file{SM[0-9a-f]+\\.json}", (c) => {
    const wanted = c.req.param("file").replace(/\.json$/, "");
    const message = messages.items.find(({ sid }) => sid === wanted);
    return message === undefined
      ? errorResponse(refuse(20404, `The message ${wanted} was not found`, 404))
      : c.json(messageResource(accountSid, message));
  });

  return routes;
}
