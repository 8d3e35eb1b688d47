import type { EventDraft, StaleWebhooks } from "./port.ts";

/** What the bridge to the customer's phone asks of a store beyond the outbox. */
export interface SmsStore {
  /**
   * Writes down how far an attempt has come, before its next step: a text's parts with what is known of each. It comes back
   * with every later claim of the delivery. False: the lease has passed to somebody else, and nothing was written.
   */
  noteProgress(
    request: {
      readonly deliveryId: string;
      /** As the claim gave it. */
      readonly leaseToken: string;
      readonly progressJson: string;
      readonly nowMs: number;
    },
  ): Promise<boolean>;
  /**
   * Ends the doubt about a delivery whose status is `unknown`, and publishes `draft` in the same step: `delivered` and `dead` are
   * final, `due` sends it anew, at its place in its lane. `not-unknown`: it has another status; null: no such delivery.
   */
  resolveDelivery(
    request: {
      readonly deliveryId: string;
      readonly to: "delivered" | "dead" | "due";
      /** One line on who decided and why; becomes the last entry of the attempt log. */
      readonly attemptJson: string;
      readonly draft: EventDraft | null;
      readonly webhooksVersion: number;
      readonly nowMs: number;
    },
  ): Promise<
    | { readonly outcome: "resolved"; readonly deliveries: number }
    | { readonly outcome: "not-unknown" }
    | StaleWebhooks
    | null
  >;
  /**
   * Takes tokens from a bucket that all instances share. 0: taken. Otherwise nothing was taken, and it is how many milliseconds
   * it lasts until there may be one. Whoever finds one may take more, and the bucket owes them: were they to wait until all
   * are there, those who want few would always come first, and a long text would never leave.
   */
  takeTokens(
    request: {
      /** Names the bucket, for example a sender's number. */
      readonly bucket: string;
      readonly tokens: number;
      readonly perSecond: number;
      readonly burst: number;
      readonly nowMs: number;
    },
  ): Promise<number>;
  /**
   * The mapped session of a customer: by the customer's number and the number of ours that was texted, digits alone, `+` and
   * other signs left out. A session whose sender is not known matches any. The one accepted last wins; null: none is open.
   */
  findCustomerSession(
    request: {
      readonly customerDigits: string;
      readonly senderDigits: string;
      readonly nowMs: number;
    },
  ): Promise<string | null>;
}
