import { createPublisher, type Publisher } from "../services/events/publisher.ts";
import { smsCandidates } from "../services/sms/eligibility.ts";
import type { Store } from "../services/store/port/store.ts";
import type { Clock } from "../services/support/clock.ts";
import type { Ids } from "../services/support/ids.ts";
import type { Logger } from "../services/support/log.ts";
import { createWebhookAudience } from "../services/webhooks/audience.ts";

export interface PublisherParts {
  readonly store: Pick<Store, "publish" | "listWebhooks">;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "event">;
  readonly log: Logger;
  /** Where false, no message of a notification is offered for sending to the customer. */
  readonly smsEnabled: boolean;
  /** Told how many deliveries have just become due, never 0: wakes the delivery engine. */
  readonly onPublished: (deliveries: number) => void;
}

/** The publisher, with the registered webhooks for its audience. */
export function composePublisher({ store, log, smsEnabled, ...parts }: PublisherParts): Publisher {
  return createPublisher({
    ...parts,
    store,
    audience: createWebhookAudience({ registry: store, log }),
    textsAmong: smsEnabled ? smsCandidates : () => [],
  });
}
