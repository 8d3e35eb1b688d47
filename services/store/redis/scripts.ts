import applyEffect from "./scripts/apply_effect.lua" with { type: "text" };
import attempts from "./scripts/attempts.lua" with { type: "text" };
import base from "./scripts/base.lua" with { type: "text" };
import buckets from "./scripts/buckets.lua" with { type: "text" };
import changeWebhook from "./scripts/change_webhook.lua" with { type: "text" };
import claimDeliveries from "./scripts/claim_deliveries.lua" with { type: "text" };
import claimSession from "./scripts/claim_session.lua" with { type: "text" };
import confirmSession from "./scripts/confirm_session.lua" with { type: "text" };
import findCustomerSession from "./scripts/find_customer_session.lua" with { type: "text" };
import firstUnseen from "./scripts/first_unseen.lua" with { type: "text" };
import holdDeliveries from "./scripts/hold_deliveries.lua" with { type: "text" };
import requeueDeliveries from "./scripts/requeue_deliveries.lua" with { type: "text" };
import countDeliveries from "./scripts/count_deliveries.lua" with { type: "text" };
import expungeSession from "./scripts/expunge_session.lua" with { type: "text" };
import lanes from "./scripts/lanes.lua" with { type: "text" };
import listDeliveries from "./scripts/list_deliveries.lua" with { type: "text" };
import listEvents from "./scripts/list_events.lua" with { type: "text" };
import listRecords from "./scripts/list_records.lua" with { type: "text" };
import listSessions from "./scripts/list_sessions.lua" with { type: "text" };
import listWebhooks from "./scripts/list_webhooks.lua" with { type: "text" };
import noteProgress from "./scripts/note_progress.lua" with { type: "text" };
import publish from "./scripts/publish.lua" with { type: "text" };
import publishingSteps from "./scripts/publishing.lua" with { type: "text" };
import readRecord from "./scripts/read_record.lua" with { type: "text" };
import readSession from "./scripts/read_session.lua" with { type: "text" };
import releaseClaim from "./scripts/release_claim.lua" with { type: "text" };
import retryDelivery from "./scripts/retry_delivery.lua" with { type: "text" };
import raiseVersion from "./scripts/raise_version.lua" with { type: "text" };
import records from "./scripts/records.lua" with { type: "text" };
import resolveDelivery from "./scripts/resolve_delivery.lua" with { type: "text" };
import setCustomer from "./scripts/set_customer.lua" with { type: "text" };
import sweeping from "./scripts/sweeping.lua" with { type: "text" };
import settleDeliveries from "./scripts/settle_deliveries.lua" with { type: "text" };
import takeTokens from "./scripts/take_tokens.lua" with { type: "text" };
import writeRecord from "./scripts/write_record.lua" with { type: "text" };
import { defineScript } from "./transport.ts";

/** A draft's guard is a record. */
const publishing = records + publishingSteps;

/** Every script: the shared texts that it calls, then its own. Each file's header names its request and reply. */
export const SCRIPTS = {
  claimSession: defineScript("claim_session", base + claimSession),
  confirmSession: defineScript("confirm_session", base + publishing + confirmSession),
  releaseClaim: defineScript("release_claim", base + releaseClaim),
  applyEffect: defineScript("apply_effect", base + publishing + applyEffect),
  readSession: defineScript("read_session", base + readSession),
  listSessions: defineScript("list_sessions", base + listSessions),
  setCustomer: defineScript("set_customer", base + setCustomer),
  publish: defineScript("publish", base + publishing + publish),
  claimDeliveries: defineScript(
    "claim_deliveries",
    base + publishing + lanes + buckets + sweeping + claimDeliveries,
  ),
  settleDeliveries: defineScript(
    "settle_deliveries",
    base + publishing + lanes + attempts + settleDeliveries,
  ),
  retryDelivery: defineScript("retry_delivery", base + publishing + lanes + retryDelivery),
  holdDeliveries: defineScript("hold_deliveries", base + publishing + lanes + holdDeliveries),
  requeueDeliveries: defineScript(
    "requeue_deliveries",
    base + publishing + lanes + requeueDeliveries,
  ),
  countDeliveries: defineScript("count_deliveries", base + countDeliveries),
  expungeSession: defineScript("expunge_session", base + expungeSession),
  listEvents: defineScript("list_events", base + listEvents),
  listDeliveries: defineScript("list_deliveries", base + listDeliveries),
  changeWebhook: defineScript("change_webhook", base + changeWebhook),
  raiseVersion: defineScript("raise_version", base + raiseVersion),
  listWebhooks: defineScript("list_webhooks", base + listWebhooks),
  firstUnseen: defineScript("first_unseen", base + firstUnseen),
  readRecord: defineScript("read_record", base + records + readRecord),
  writeRecord: defineScript("write_record", base + records + writeRecord),
  listRecords: defineScript("list_records", base + records + listRecords),
  noteProgress: defineScript("note_progress", base + noteProgress),
  resolveDelivery: defineScript(
    "resolve_delivery",
    base + publishing + lanes + attempts + resolveDelivery,
  ),
  takeTokens: defineScript("take_tokens", base + buckets + takeTokens),
  findCustomerSession: defineScript("find_customer_session", base + findCustomerSession),
};
