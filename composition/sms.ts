import type { SmsIngress, SmsIngressRoutesDependencies } from "../routes/ingress_sms.ts";
import type { Sink } from "../services/delivery/sink.ts";
import type { Config } from "../services/config/config.ts";
import type { Ids } from "../services/support/ids.ts";
import type { Publisher } from "../services/events/publisher.ts";
import type { Fingerprints } from "../services/sealing/fingerprints.ts";
import { type AgentNotices, createAgentNotices } from "../services/sms/agent_notice.ts";
import { createInboundSms } from "../services/sms/inbound.ts";
import { createMediaRelay, type MediaRelay } from "../services/sms/media.ts";
import { createOptOuts, type OptOuts } from "../services/sms/opt_outs.ts";
import type { OptOutRecords } from "../services/sms/opt_out_records.ts";
import type { PhoneNumbers } from "../services/sms/phone.ts";
import { createSendingSwitch, type SendingSwitch } from "../services/sms/sending_switch.ts";
import { createSmsSink } from "../services/sms/sms_sink.ts";
import { createStatusReports } from "../services/sms/status_reports.ts";
import {
  createTwilio as createProvider,
  TWILIO_PATHS as PROVIDER_PATHS,
} from "../services/sms/twilio/twilio.ts";
import type { Sealer } from "../services/sealing/secrets.ts";
import type { Store } from "../services/store/port/store.ts";
import { createNoticeSender } from "../services/contact_centre/rest/notice.ts";
import type { Upstream } from "../services/contact_centre/rest/upstream.ts";
import type { Environment } from "./environment.ts";

export interface SmsParts {
  readonly fingerprints: Fingerprints;
  readonly store: Store;
  readonly publisher: Publisher;
  readonly ids: Ids;
  readonly upstream: Upstream;
  readonly numbers: PhoneNumbers;
  readonly ledger: OptOutRecords;
  readonly sealer: Sealer;
}

/** What both directions of SMS share, and the way in. */
export interface Sms {
  readonly optOuts: OptOuts;
  readonly notices: AgentNotices;
  readonly sendingSwitch: SendingSwitch;
  readonly ingress: SmsIngress;
  readonly media: MediaRelay;
  /** What people call the provider. */
  readonly providerName: string;
  /** The customer's phone as a sink. */
  createSink(parts: { readonly store: Store; readonly leaseMs: number }): Sink;
  /** What does not work, for readiness; empty: all does. */
  degraded(): Readonly<Record<string, string>>;
}

/** The way in for {@link composeSms}'s result: its paths are there without SMS too. */
export function smsIngressOf(sms: Sms | null): Omit<SmsIngressRoutesDependencies, "guards"> {
  return { paths: PROVIDER_PATHS, sms: sms?.ingress ?? null };
}

/** Null: SMS is off. */
export function composeSms(
  { sms, server, webhooks, upstream: { auth }, store: { eventRetentionMs, sessionTtlMs } }: Config,
  environment: Environment,
  { store, publisher, ids, upstream, numbers, fingerprints, ledger, sealer }: SmsParts,
): Sms | null {
  // readConfig() makes sure that SMS has a PUBLIC_URL.
  if (sms === null || server.publicUrl === null) return null;
  const { clock, log } = environment;
  const shared = { store, publisher, ids, clock, log, eventRetentionMs };
  const provider = createProvider({
    ...sms,
    publicUrl: server.publicUrl,
    timeoutMs: webhooks.timeoutMs,
    fetch: environment.fetch,
    clock,
    log,
  });
  const optOuts = createOptOuts({ ...shared, ledger });
  const notices = createAgentNotices({
    provider,
    sendNotice: createNoticeSender({ upstream, requestId: ids.token }),
    store,
    authMode: auth.mode,
    clock,
    log,
  });
  const media = createMediaRelay({
    ...shared,
    provider,
    sealer,
    publicUrl: server.publicUrl.url,
  });
  const sendingSwitch = createSendingSwitch({ clock, log });
  return {
    optOuts,
    notices,
    sendingSwitch,
    media,
    providerName: provider.name,
    ingress: {
      provider,
      inbound: createInboundSms({ ...shared, optOuts, numbers, media }),
      reports: createStatusReports({ ...shared, provider, optOuts, notices, sendingSwitch }),
    },
    createSink: (parts) =>
      createSmsSink({
        ...environment,
        ...parts,
        provider,
        optOuts,
        numbers,
        fingerprints,
        sendingSwitch,
        tellAgent: (sessionId, text) => notices.tell({ sessionId, text }),
        rateLimit: sms.rateLimit,
        media: sms.media === "on",
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
