import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import type { Clock } from "../../services/support/clock.ts";
import { playFaults } from "../kit/fault_middleware.ts";
import type { FaultQueue } from "../kit/faults.ts";
import type { Inbox, InboxOwner } from "../kit/inbox.ts";
import {
  measureAnswers,
  type RecordedRequest,
  recordRequests,
  type SimulatorEnv,
} from "../kit/request_log.ts";
import type { Random } from "../kit/simulator.ts";
import { errorBody, errorResponse, refuse } from "./api_error.ts";
import type { OnCreate } from "./create_attempt.ts";
import { checkCreate } from "./create_message.ts";
import type { Exchange } from "../kit/exchange.ts";
import { createMessage, messageResource, type TwilioMessage } from "./message.ts";
import { listMessages } from "./message_list.ts";
import { cdnRoutes, mediaRoutes } from "./media_routes.ts";
import type { ReadableShelf } from "./media_shelf.ts";
import type { OptOutBook } from "./opt_out_book.ts";
import type { Walker } from "./walker.ts";

export interface AppOptions {
  readonly accountSid: string;
  readonly authToken: string;
  readonly requests: InboxOwner<RecordedRequest>;
  /** What was created by the API. */
  readonly messages: InboxOwner<TwilioMessage>;
  /** What customers wrote. */
  readonly texts: Inbox<TwilioMessage>;
  /** What customers sent beside words. */
  readonly media: ReadableShelf;
  readonly optOuts: Pick<OptOutBook, "isOptedOut">;
  readonly walker: Pick<Walker, "begin">;
  readonly onCreate: OnCreate;
  /** What `/control` serves; null: it is not there. */
  readonly control: Hono<{ Bindings: Exchange }> | null;
  readonly faults: FaultQueue;
  readonly clock: Clock;
  readonly random: Random;
  /** How long after its creation a message shows in the list. */
  readonly listLagMs: number;
}

/** The Messages resource of the Twilio REST API, version 2010-04-01. */
export function createApp(options: AppOptions): Hono<SimulatorEnv> {
  const { accountSid, authToken, clock } = options;
  const app = new Hono<SimulatorEnv>();
  if (options.control !== null) app.route("/control", options.control);
  app.use(recordRequests(options.requests));
  app.use(playFaults(options.faults, clock));
  app.use(measureAnswers());
  app.use(async (c, next) => {
    await next();
    // Twilio's answers tell its time, which callers compare with `date_created`.
    c.header("date", new Date(clock.now()).toUTCString());
  });
  // In front of the credentials, which the CDN asks nobody for.
  app.route("/", cdnRoutes(options.media));
  app.use(basicAuth({
    username: accountSid,
    password: authToken,
    realm: "Twilio API",
    invalidUserMessage: errorBody({ status: 401, code: 20003, message: "Authentication failed" }),
  }));
  app.route(`/2010-04-01/Accounts/${accountSid}`, messageRoutes(options));
  app.route(`/2010-04-01/Accounts/${accountSid}`, mediaRoutes(options.media));
  app.notFound(() => errorResponse(refuse(20404, "The resource was not found", 404)));
  return app;
}

function messageRoutes(
  { accountSid, messages, texts, optOuts, walker, onCreate, clock, random, listLagMs }: AppOptions,
): Hono<SimulatorEnv> {
  const routes = new Hono<SimulatorEnv>();
  /** In the order of their creation. */
  const all = () =>
    [...messages.items, ...texts.items].toSorted((a, b) => a.createdAtMs - b.createdAtMs);

  routes.post("/Messages.json", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const checked = checkCreate(form);
    if (checked.kind === "refused") return errorResponse(checked);
    if (optOuts.isOptedOut(checked.to, [checked.from, checked.messagingServiceSid])) {
      return errorResponse(
        refuse(21610, "The recipient has opted out of messages from this sender"),
      );
    }
    const message = createMessage(checked, form, { clock, random });
    const scripted = await onCreate({
      message,
      request: c.get("recorded"),
      callerGone: c.req.raw.signal,
      take: () => messages.add(message),
    });
    if (scripted !== null) return scripted;
    const answer = messageResource(accountSid, message);
    messages.add(message);
    await walker.begin(message);
    return c.json(answer, 201);
  });

  routes.get("/Messages.json", (c) => {
    const visible = all().filter(({ createdAtMs }) => createdAtMs + listLagMs <= clock.now());
    const listed = listMessages(accountSid, visible, new URL(c.req.url).searchParams);
    return listed.kind === "refused" ? errorResponse(listed) : c.json(listed.page);
  });

  routes.get("/Messages/:file{SM[0-9a-f]+\\.json}", (c) => {
    const wanted = c.req.param("file").replace(/\.json$/, "");
    const message = all().find(({ sid }) => sid === wanted);
    return message === undefined
      ? errorResponse(refuse(20404, `The message ${wanted} was not found`, 404))
      : c.json(messageResource(accountSid, message));
  });

  return routes;
}
