import base from "./scripts/base.lua" with { type: "text" };
import claims from "./scripts/claims.lua" with { type: "text" };
import claiming from "./scripts/claiming.lua" with { type: "text" };
import history from "./scripts/history.lua" with { type: "text" };
import publishing from "./scripts/publishing.lua" with { type: "text" };
import records from "./scripts/records.lua" with { type: "text" };
import revocations from "./scripts/revocations.lua" with { type: "text" };
import sessions from "./scripts/sessions.lua" with { type: "text" };
import settling from "./scripts/settling.lua" with { type: "text" };
import sweeping from "./scripts/sweeping.lua" with { type: "text" };
import webhooks from "./scripts/webhooks.lua" with { type: "text" };
import { readSections } from "./lua_sections.ts";
import { defineScript } from "./transport.ts";

const lua = readSections([
  base,
  records,
  claims,
  sessions,
  publishing,
  claiming,
  settling,
  history,
  webhooks,
  revocations,
  sweeping,
]);
const script = (name: string) => defineScript(name, lua.scriptText(name));

/** Every script, by the section of Lua that it is. */
export const SCRIPTS = {
  readRecord: script("read_record"),
  writeRecord: script("write_record"),
  listRecords: script("list_records"),
  claimSession: script("claim_session"),
  confirmSession: script("confirm_session"),
  releaseClaim: script("release_claim"),
  doubtClaim: script("doubt_claim"),
  applyEffect: script("apply_effect"),
  claimantOf: script("claimant_of"),
  sessionsOf: script("sessions_of"),
  readSession: script("read_session"),
  listSessions: script("list_sessions"),
  setCustomer: script("set_customer"),
  findCustomerSession: script("find_customer_session"),
  firstUnseen: script("first_unseen"),
  publish: script("publish"),
  claimDeliveries: script("claim_deliveries"),
  takeTokens: script("take_tokens"),
  settleDeliveries: script("settle_deliveries"),
  noteProgress: script("note_progress"),
  resolveDelivery: script("resolve_delivery"),
  retryDelivery: script("retry_delivery"),
  holdDeliveries: script("hold_deliveries"),
  requeueDeliveries: script("requeue_deliveries"),
  countDeliveries: script("count_deliveries"),
  listEvents: script("list_events"),
  listDeliveries: script("list_deliveries"),
  expungeSession: script("expunge_session"),
  changeWebhook: script("change_webhook"),
  raiseVersion: script("raise_version"),
  listWebhooks: script("list_webhooks"),
  revokeToken: script("revoke_token"),
  listRevocations: script("list_revocations"),
};
