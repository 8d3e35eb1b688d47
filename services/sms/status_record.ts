import { NOTHING_KNOWN, type TextStatus } from "./twilio/message_status.ts";

/** Where it is written down how far a text got. */
export function statusRecordName(
  { deliveryId, sessionId }: { readonly deliveryId: string; readonly sessionId: string },
) {
  return { kind: "sms-status", key: deliveryId, near: sessionId } as const;
}

/** Reads what was written there; null: nothing was. */
export function readTextStatus(text: string | null): TextStatus {
  return text === null ? NOTHING_KNOWN : JSON.parse(text);
}
