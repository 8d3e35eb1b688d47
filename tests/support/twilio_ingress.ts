import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { createErrorHandler, notFound } from "../../middleware/problem_details.ts";
import { smsIngressRoutes } from "../../routes/ingress_sms.ts";
import type { Config } from "../../services/config/config.ts";
import { createIds, type Ids } from "../../services/support/ids.ts";
import { composePublisher } from "../../composition/publisher.ts";
import { createAgentNotices } from "../../services/sms/agent_notice.ts";
import { createInboundSms } from "../../services/sms/inbound.ts";
import { createOptOutRecords } from "../../services/sms/opt_out_records.ts";
import { createMediaRelay } from "../../services/sms/media.ts";
import { createSealer } from "../../services/sealing/secrets.ts";
import { mediaRoutes } from "../../routes/media.ts";
import { createOptOuts, type OptOuts } from "../../services/sms/opt_outs.ts";
import { createPhoneNumbers } from "../../services/sms/phone.ts";
import { createSendingSwitch, type SendingSwitch } from "../../services/sms/sending_switch.ts";
import { createStatusReports } from "../../services/sms/status_reports.ts";
import {
  createTwilio,
  TWILIO_PATHS,
  type TwilioOptions,
} from "../../services/sms/twilio/twilio.ts";
import type { EventRecord } from "../../services/store/port/events.ts";
import type { Store } from "../../services/store/port/store.ts";
import { createNoticeSender } from "../../services/contact_centre/rest/notice.ts";
import { createUpstream } from "../../services/contact_centre/rest/upstream.ts";
import { createMemoryLog, type MemoryLog } from "./memory_log.ts";
import { openGuards } from "./open_guards.ts";
import { type SeenRequest, startUpstream } from "./scripted_upstream.ts";

import { ACCOUNT_SID, AUTH_TOKEN, OWN_NUMBER, signature } from "./twilio_requests.ts";
import { createVirtualClock, type VirtualClock } from "./virtual_clock.ts";

export const PUBLIC_URL = new URL("https://edge.example");
const SMS_PATH = "/ingress/twilio/sms";

export interface TwilioIngressOptions {
  readonly sender?: TwilioOptions["sender"];
  readonly clock?: VirtualClock;
  readonly ids?: Ids;
  readonly eventRetentionMs?: number;
  readonly authMode?: "basic" | "forward";
  /** How the contact centre answers; by default it takes everything. */
  readonly upstream?: (seen: SeenRequest) => Response | Promise<Response>;
}

/** Twilio's routes over a store, with an own contact centre on loopback. */
export interface TwilioIngressWorld extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly log: MemoryLog;
  readonly optOuts: OptOuts;
  readonly sendingSwitch: SendingSwitch;
  readonly app: Hono<AppEnv>;
  /** What the agents' side was asked. */
  readonly upstreamSeen: readonly SeenRequest[];
  /** Posts fields as Twilio does, signed for the path and query. */
  post(target: string, fields: Readonly<Record<string, string>>): Promise<Response>;
  /** Posts a customer's text; fails unless it is taken. */
  text(fields: Readonly<Record<string, string>>): Promise<void>;
  /** Every event, in the order of ids; of one type where it is named. */
  events(type?: string): Promise<readonly (EventRecord & { data: Record<string, unknown> })[]>;
  /** Resolves when the notices that are under way have been told. */
  noticesTold(): Promise<void>;
}

export function createTwilioIngressWorld(
  store: Store,
  {
    sender = { from: OWN_NUMBER },
    clock = createVirtualClock(),
    ids = createIds(),
    eventRetentionMs = 604_800_000,
    authMode = "basic",
    upstream: answer = () => Response.json({ statusCode: 0 }),
  }: TwilioIngressOptions = {},
): TwilioIngressWorld {
  const log = createMemoryLog();
  const centre = startUpstream(answer);
  const auth: Config["upstream"]["auth"] = authMode === "basic"
    ? { mode: "basic", username: "patchbay", password: "secret" }
    : { mode: "forward" };
  const publisher = composePublisher({
    store,
    clock,
    ids,
    log,
    smsEnabled: true,
    onPublished: () => {},
  });
  const shared = { store, publisher, ids, clock, log, eventRetentionMs };
  const provider = createTwilio({
    accountSid: ACCOUNT_SID,
    authToken: AUTH_TOKEN,
    authTokenNext: null,
    sender,
    // Nothing is sent from here.
    apiUrl: new URL("http://127.0.0.1:9"),
    publicUrl: { url: PUBLIC_URL, typed: PUBLIC_URL.origin },
    timeoutMs: 5_000,
    fetch,
    clock,
    log,
  });
  const optOuts = createOptOuts({
    ...shared,
    ledger: createOptOutRecords({ records: store, clock }),
  });
  const notices = createAgentNotices({
    provider,
    sendNotice: createNoticeSender({
      upstream: createUpstream({ url: centre.url, auth, timeoutMs: 5_000, fetch, clock }),
      requestId: ids.token,
    }),
    store,
    authMode,
    clock,
    log,
  });
  const media = createMediaRelay({
    ...shared,
    provider,
    sealer: createSealer(new Uint8Array(32)),
    publicUrl: PUBLIC_URL,
  });
  const sendingSwitch = createSendingSwitch({ clock, log });
  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    c.set("requestId", "request-1");
    await next();
  });
  app.onError(createErrorHandler({ log }));
  app.notFound(notFound);
  app.route(
    "/",
    smsIngressRoutes({
      guards: openGuards(),
      paths: TWILIO_PATHS,
      sms: {
        provider,
        inbound: createInboundSms({
          ...shared,
          media,
          optOuts,
          numbers: createPhoneNumbers({ defaultCountry: null }),
        }),
        reports: createStatusReports({ ...shared, provider, optOuts, notices, sendingSwitch }),
      },
    }),
  );

  app.route("/", mediaRoutes({ media }));

  async function post(target: string, fields: Readonly<Record<string, string>>) {
    return await app.request(target, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: {
        "x-twilio-signature": signature(PUBLIC_URL.origin + target, fields),
        // Whoever stands in front may say what it likes.
        "x-forwarded-host": "other.example",
        "x-forwarded-proto": "http",
      },
    });
  }

  return {
    clock,
    store,
    log,
    optOuts,
    sendingSwitch,
    app,
    upstreamSeen: centre.seen,
    post,
    async text(fields) {
      const answer = await post(SMS_PATH, fields);
      const said = await answer.text();
      if (answer.status !== 200) throw new Error(`Cannot text: ${answer.status} ${said}`);
    },
    async events(type) {
      const { items } = await store.listEvents({ limit: 500, ...(type !== undefined && { type }) });
      return items.map((event) => ({ ...event, data: JSON.parse(event.dataJson) }));
    },
    noticesTold: () => notices.settled(),
    async [Symbol.asyncDispose]() {
      await notices.settled();
      await centre.close();
      await store.close();
    },
  };
}
