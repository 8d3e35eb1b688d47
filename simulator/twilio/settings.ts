import type { FaultRates } from "./fault_rates.ts";
import type { InboundSettings } from "./inbound.ts";

/** What can be set anew while it runs. */
export interface TwilioSettings extends InboundSettings {
  /**
   * Where public addresses are in truth, by origin: `{"https://edge.example": "http://127.0.0.1:8000"}`. Signed is the
   * public one, and called is the other.
   */
  readonly reach: Readonly<Record<string, string>>;
  readonly faultRates: FaultRates;
  /** Signs from now on, as after the promotion of a second token; null: the account's. */
  readonly signingToken: string | null;
}

export const DEFAULT_SETTINGS: TwilioSettings = {
  inboundUrl: null,
  fallbackUrl: null,
  // The magic number that may send.
  ownNumber: "+15005550006",
  advancedOptOut: false,
  reach: {},
  faultRates: {},
  signingToken: null,
};
