import type { TwilioIngress } from "../routes/ingress_twilio.ts";
import type { Sink } from "../services/delivery/sink.ts";
import type { Config } from "../services/config/config.ts";
import type { Ids } from "../services/support/ids.ts";
import type { Publisher } from "../services/events/publisher.ts";
import { type AgentNotices, createAgentNotices } from "../services/sms/agent_notice.ts";
import { createInboundSms } from "../services/sms/inbound.ts";
import { createOptOuts, type OptOuts } from "../services/sms/opt_outs.ts";
import { createSendingSwitch, type SendingSwitch } from "../services/sms/sending_switch.ts";
import { createSmsSink } from "../services/sms/sms_sink.ts";
import { statusCallbackUrl } from "../services/sms/twilio/status_callback_url.ts";
import { createStatusCallbacks } from "../services/sms/status_callbacks.ts";
import { createTwilioSender } from "../services/sms/twilio/client.ts";
import { createTwilioListing } from "../services/sms/twilio/listing.ts";
import { createSignatureVerifier } from "../services/sms/twilio/signature.ts";
import type { Store } from "../services/store/port/store.ts";
import type { Upstream } from "../services/contact_centre/rest/upstream.ts";
import type { Environment } from "./environment.ts";

export interface SmsParts {
  readonly store: Store;
  readonly publisher: Publisher;
  readonly ids: Ids;
  readonly upstream: Upstream;
}

/** What both directions of SMS share, and the way in. */
export interface Sms {
  readonly optOuts: OptOuts;
  readonly notices: AgentNotices;
  readonly sendingSwitch: SendingSwitch;
  readonly ingress: TwilioIngress;
  /** The customer's phone as a sink. */
  createSink(parts: { readonly store: Store; readonly leaseMs: number }): Sink;
  /** What does not work, for readiness; empty: all does. */
  degraded(): Readonly<Record<string, string>>;
}

/** Null: SMS is off. */
export function composeSms(
  { sms, server, webhooks, upstream: { auth }, store: { eventRetentionMs, sessionTtlMs } }: Config,
  environment: Environment,
  { store, publisher, ids, upstream }: SmsParts,
): Sms | null {
  // readConfig() makes sure that SMS has a PUBLIC_URL.
  if (sms === null || server.publicUrl === null) return null;
  const { clock, log } = environment;
  const { publicUrl } = server;
  const shared = { store, publisher, ids, clock, log, eventRetentionMs };
  const optOuts = createOptOuts({ ...shared, records: store, own: sms.sender });
  const notices = createAgentNotices({
    upstream,
    store,
    authMode: auth.mode,
    clock,
    log,
    requestId: ids.token,
  });
  const sendingSwitch = createSendingSwitch({ clock, log });
  const account = { ...sms, timeoutMs: webhooks.timeoutMs, fetch: environment.fetch };
  return {
    optOuts,
    notices,
    sendingSwitch,
    ingress: {
      publicUrl,
      own: sms,
      signatures: createSignatureVerifier(sms),
      inbound: createInboundSms({ ...shared, optOuts }),
      statuses: createStatusCallbacks({ ...shared, optOuts, notices, sendingSwitch }),
    },
    createSink: (parts) =>
      createSmsSink({
        ...environment,
        ...parts,
        twilio: {
          ...createTwilioSender(account),
          ...createTwilioListing({ ...account, now: clock.now }),
        },
        optOuts,
        sendingSwitch,
        statusCallback: (subject) => statusCallbackUrl(publicUrl, subject),
        tellAgent: (sessionId, text) => notices.tell({ sessionId, text }),
        defaultSender: sms.sender,
        rateLimit: sms.rateLimit,
        retryWaitsMs: webhooks.retryWaitsMs,
        sessionTtlMs,
        timeoutMs: webhooks.timeoutMs,
      }),
    degraded() {
      const code = sendingSwitch.stoppedBy();
      return code === null ? {} : { sms: `stopped: ${code}` };
    },
  };
}
