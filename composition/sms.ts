import type { TwilioIngress } from "../routes/ingress_twilio.ts";
import type { Config } from "../services/config.ts";
import type { Ids } from "../services/ids.ts";
import type { Publisher } from "../services/publisher.ts";
import { type AgentNotices, createAgentNotices } from "../services/sms/agent_notice.ts";
import { createInboundSms } from "../services/sms/inbound.ts";
import { createOptOuts, type OptOuts } from "../services/sms/opt_outs.ts";
import { createSendingSwitch, type SendingSwitch } from "../services/sms/sending_switch.ts";
import { createStatusCallbacks } from "../services/sms/status_callbacks.ts";
import { createSignatureVerifier } from "../services/sms/twilio_signature.ts";
import type { Store } from "../services/store/port.ts";
import type { Upstream } from "../services/upstream/upstream.ts";
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
}

/** Null: SMS is off. */
export function composeSms(
  { sms, server, upstream: { auth }, store: { eventRetentionMs } }: Config,
  { clock, log }: Environment,
  { store, publisher, ids, upstream }: SmsParts,
): Sms | null {
  // readConfig() makes sure that SMS has a PUBLIC_URL.
  if (sms === null || server.publicUrl === null) return null;
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
  return {
    optOuts,
    notices,
    sendingSwitch,
    ingress: {
      publicUrl: server.publicUrl,
      own: sms,
      signatures: createSignatureVerifier(sms),
      inbound: createInboundSms({ ...shared, optOuts }),
      statuses: createStatusCallbacks({ ...shared, optOuts, notices, sendingSwitch }),
    },
  };
}
