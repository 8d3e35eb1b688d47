import { DEFAULTS, type Webhook } from "../../services/webhooks/webhook.ts";

/** A webhook as registering with nothing but a URL makes it; `change` puts other members in the place of the usual. */
export function webhookRecord(id: string, change: Partial<Webhook> = {}): Webhook {
  return {
    ...DEFAULTS,
    id,
    url: "https://hook.test/",
    headerNames: [],
    publicKeys: [],
    disabled: null,
    enabledAtMs: null,
    recovery: null,
    previousSecretUntilMs: null,
    createdAtMs: 0,
    updatedAtMs: 0,
    sealedCredentials: "",
    ...change,
  };
}
