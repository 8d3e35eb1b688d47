import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Exchange } from "../kit/exchange.ts";
import type { PlannedFault } from "../kit/faults.ts";
import type { TwilioFaults } from "./fault_presets.ts";
import { FAULT_RATES } from "./fault_rates.ts";
import type { Twilio } from "./twilio.ts";

interface ControlEnv {
  Bindings: Exchange;
}

const LONGEST_MS = 600_000;
const text = v.pipe(v.string(), v.nonEmpty());
const chance = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const ms = v.pipe(v.number(), v.minValue(0), v.maxValue(LONGEST_MS));
const code = v.pipe(v.number(), v.integer(), v.minValue(1));
const perhaps = v.exactOptional;
/** Of media made up of zeros. */
const length = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64 * 1024 * 1024));

const customerWrites = v.strictObject({
  from: text,
  to: perhaps(text),
  body: perhaps(v.string()),
  media: perhaps(v.array(v.union([
    v.strictObject({ url: text, contentType: text }),
    v.pipe(
      v.strictObject({ base64: v.pipe(text, v.base64()), contentType: text }),
      v.transform(({ base64, contentType }) => ({
        bytes: Uint8Array.fromBase64(base64),
        contentType,
      })),
    ),
    v.pipe(
      v.strictObject({ length, contentType: text }),
      v.transform(({ length, contentType }) => ({ bytes: new Uint8Array(length), contentType })),
    ),
  ]))),
  optOutType: perhaps(v.picklist(["STOP", "START", "HELP"])),
  messagingServiceSid: perhaps(text),
  sid: perhaps(text),
  fields: perhaps(v.record(v.string(), v.string())),
});
const walk = v.strictObject({
  outcome: perhaps(v.picklist(["queued", "sent", "delivered", "undelivered", "failed"])),
  errorCode: perhaps(code),
  stepMs: perhaps(ms),
  shuffled: perhaps(v.boolean()),
  doubled: perhaps(chance),
  dropped: perhaps(chance),
  delayed: perhaps(chance),
  delayMs: perhaps(ms),
  early: perhaps(v.boolean()),
});
const walks = v.strictObject({
  walk: v.nullable(walk),
  to: perhaps(text),
  once: perhaps(v.boolean()),
});
const status = v.strictObject({
  sid: text,
  status: v.picklist([
    "accepted",
    "queued",
    "sending",
    "sent",
    "delivered",
    "undelivered",
    "failed",
  ]),
  errorCode: perhaps(code),
});
const optOut = v.strictObject({ customer: text, sender: text, optedOut: v.boolean() });
const settings = v.strictObject({
  inboundUrl: perhaps(v.nullable(text)),
  fallbackUrl: perhaps(v.nullable(text)),
  ownNumber: perhaps(text),
  advancedOptOut: perhaps(v.boolean()),
  reach: perhaps(v.record(v.string(), v.string())),
  signingToken: perhaps(v.nullable(text)),
});
const rates = v.strictObject(
  v.entriesFromList(FAULT_RATES, v.exactOptional(chance)),
);
const faultPlan = v.strictObject({
  fault: v.picklist(["rate-limited", "server-error", "timeout", "reset", "media-refused"]),
  sent: v.optional(v.boolean(), false),
  retryAfterS: perhaps(v.pipe(v.number(), v.integer(), v.minValue(0))),
  errorCode: perhaps(v.picklist([21620, 21621, 21622, 21623])),
  times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)), 1),
});

const mediaFaultPlan = v.strictObject({
  fault: v.picklist(["server-error", "hang", "elsewhere"]),
  url: perhaps(text),
  times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)), 1),
});

/**
 * Twilio's strings, for those who run it as a program: what `Twilio` offers to a test, over HTTP and without
 * authentication. Requests to these routes are not recorded or met by faults.
 */
export function controlRoutes(twilio: Twilio): Hono<ControlEnv> {
  const routes = new Hono<ControlEnv>();

  function post<Schema extends v.GenericSchema>(
    path: string,
    body: Schema,
    act: (body: v.InferOutput<Schema>) => unknown,
  ): void {
    routes.post(path, async (c) => {
      const read = v.safeParse(body, parseJson(await c.req.text()));
      if (!read.success) return c.json({ error: describe(read.issues[0]) }, 400);
      return c.json({ done: await act(read.output) ?? true });
    });
  }

  routes.get("/", (c) => c.json(overview(twilio)));
  post("/texts", customerWrites, (written) => twilio.textIn(written));
  post("/walk", walks, ({ walk, to, once }) => {
    if (once === true && to === undefined) twilio.walks.next(walk);
    else twilio.walks.set(walk, to);
  });
  post(
    "/statuses",
    status,
    ({ sid, status, errorCode }) => twilio.walks.tell(sid, status, errorCode),
  );
  post(
    "/opt-outs",
    optOut,
    ({ customer, sender, optedOut }) => twilio.optOuts.set(customer, sender, optedOut),
  );
  post("/settings", settings, (changes) => twilio.configure(changes));
  post("/fault-rates", rates, (faultRates) => twilio.configure({ faultRates }));
  post("/faults", faultPlan, (plan) => {
    for (let i = 0; i < plan.times; i++) planFault(twilio.faults, plan);
  });
  post("/media/removed", v.strictObject({ url: text }), ({ url }) => twilio.media.remove(url));
  post("/media/faults", mediaFaultPlan, ({ fault, url, times }) => {
    for (let i = 0; i < times; i++) twilio.faults.media(fault, url);
  });
  routes.delete("/faults", (c) => {
    twilio.faults.clear();
    twilio.configure({ faultRates: {} });
    return c.json({ done: true });
  });

  // What it says that it cannot do, such as to tell of a message that it does not have.
  routes.onError((error, c: Context<ControlEnv>) => c.json({ error: error.message }, 400));
  return routes;
}

function planFault(
  faults: TwilioFaults,
  { fault, sent, retryAfterS, errorCode }: v.InferOutput<typeof faultPlan>,
): PlannedFault {
  const when = sent ? "after-acting" : "before-acting";
  switch (fault) {
    case "rate-limited":
      return faults.rateLimited(retryAfterS === undefined ? {} : { retryAfterS });
    case "server-error":
      return faults.serverError({ when });
    case "timeout":
      return sent ? faults.timeoutAfterActing() : faults.timeoutBeforeActing();
    case "media-refused":
      return faults.mediaRefused(errorCode === undefined ? {} : { code: errorCode });
    case "reset":
      return faults.connectionReset({ when });
  }
}

function overview({ url, accountSid, messages, texts, replies, hooks, optOuts }: Twilio): object {
  const shown = ({ form: _, ...message }: Twilio["messages"][number]) => message;
  return {
    url,
    accountSid,
    messages: messages.map(shown),
    texts: texts.items.map(shown),
    replies: replies.items,
    hooks: hooks.items,
    optOuts: optOuts.all,
  };
}

function parseJson(untrustedText: string): unknown {
  if (untrustedText === "") return {};
  try {
    return JSON.parse(untrustedText);
  } catch {
    throw new Error("Cannot use the body: expected JSON");
  }
}

function describe(issue: v.BaseIssue<unknown>): string {
  return `Cannot use ${v.getDotPath(issue) ?? "the body"}: ${issue.message}`;
}
