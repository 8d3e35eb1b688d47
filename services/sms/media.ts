import * as v from "valibot";
import { NotFound, RangeNotSatisfiable, UpstreamTimeout, UpstreamUnavailable } from "../errors.ts";
import { CannotUnseal, type Sealer } from "../sealing/secrets.ts";
import type { EventStore } from "../store/port/events.ts";
import type { Clock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import { createSemaphore } from "../support/semaphore.ts";
import { oneRange } from "./media_bounds.ts";
import type { InboundMedia, MediaRead, MediaRequest, SmsProvider } from "./provider.ts";

/** Where media are read, behind `PUBLIC_URL`; the reference follows. */
export const MEDIA_PATH = "/v1/media/";

/** Media as `sms.received` tells of them. */
export interface ToldMedia {
  /** As the provider has told it, if it did. */
  readonly contentType: string | null;
  /** In bytes. Null: the provider does not tell it with a text, and no text waits for it to be asked; HEAD on `url` does. */
  readonly size: number | null;
  /** Ours: whoever has it may read the media as long as the event is kept. */
  readonly url: string;
}

export interface MediaRelay {
  /** What an event that happened at `occurredAtMs` tells of its media. */
  tell(
    media: readonly InboundMedia[],
    event: { readonly id: string; readonly occurredAtMs: number },
  ): Promise<readonly ToldMedia[]>;
  /**
   * Reads the media that a reference of {@link MediaRelay.tell} stands for. Throws `NotFound`, in the same words, for what is no
   * reference, has ended with its event or leads to nothing that is relayed; `RangeNotSatisfiable`; `UpstreamUnavailable` or `UpstreamTimeout` when the
   * provider is away; `StoreUnavailable`.
   */
  read(
    untrustedReference: string,
    request: Pick<MediaRequest, "method" | "signal"> & { readonly untrustedRange: string | null },
  ): Promise<MediaRead>;
}

export interface MediaRelayDependencies {
  readonly provider: Pick<SmsProvider, "name" | "fetchMedia">;
  readonly sealer: Sealer;
  readonly store: Pick<EventStore, "readEvent">;
  readonly publicUrl: URL;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long events are kept (`EVENT_RETENTION_S`). */
  readonly eventRetentionMs: number;
}

/**
 * What a reference seals: where the provider keeps the media, and the event that they end with (`untilMs`: its end, in Unix
 * milliseconds). `use` tells it from whatever else is sealed with the same key.
 */
const SealedShape = v.strictObject({
  use: v.literal("media"),
  eventId: v.string(),
  url: v.string(),
  untilMs: v.number(),
});
type Sealed = v.InferOutput<typeof SealedShape>;
const SealedText = v.pipe(v.string(), v.parseJson(), SealedShape);

/** Each is held in memory as a whole (`MOST_MEDIA_BYTES`). */
const MOST_AT_ONCE = 8;
/** Far more than a reference of ours has. */
const LONGEST_REFERENCE = 8_192;

const NOT_FOUND = "Cannot find media here: expected an address from an event that is still kept, " +
  "of media that the provider still has and that may be passed on";

/**
 * Lets whoever is told of a customer's media read them, without the account's credentials that the provider asks for. Nothing is
 * kept for it: the reference in the address says, sealed, where the media are, and they are fetched when they are asked for.
 */
export function createMediaRelay(
  { provider, sealer, store, publicUrl, clock, log, eventRetentionMs }: MediaRelayDependencies,
): MediaRelay {
  const readings = createSemaphore(MOST_AT_ONCE);
  const base = publicUrl.href.replace(/\/$/, "") + MEDIA_PATH;

  async function open(untrustedReference: string): Promise<Sealed | null> {
    if (untrustedReference.length > LONGEST_REFERENCE) return null;
    try {
      const read = v.safeParse(SealedText, await sealer.open(untrustedReference));
      return read.success ? read.output : null;
    } catch (error) {
      if (error instanceof CannotUnseal) return null;
      throw error;
    }
  }

  /** Whether the event is kept, and with what it tells. */
  async function isTold({ eventId, untilMs }: Sealed): Promise<boolean> {
    if (clock.now() >= untilMs) return false;
    const event = await store.readEvent(eventId);
    return event !== null && Object.hasOwn(JSON.parse(event.dataJson), "media");
  }

  async function fetchMedia({ eventId, url }: Sealed, request: Omit<MediaRequest, "url">) {
    const release = await readings.acquire(request.signal);
    try {
      const reading = await provider.fetchMedia({ ...request, url });
      if (reading.kind === "read") return reading;
      if (reading.kind === "out-of-range") {
        const { contentRange } = reading;
        throw new RangeNotSatisfiable("Cannot read this range: expected one that the media have", {
          headers: contentRange === null ? {} : { "content-range": contentRange },
        });
      }
      log.warn("media.not_read", { eventId, reason: reading.reason });
      if (reading.kind === "not-there") throw new NotFound(NOT_FOUND);
      const detail = `Cannot read the media: expected an answer from ${provider.name}`;
      throw reading.timedOut
        ? new UpstreamTimeout(detail)
        : new UpstreamUnavailable(detail, "maybe");
    } finally {
      release?.();
    }
  }

  return {
    tell: (media, { id, occurredAtMs }) =>
      Promise.all(media.map(async ({ url, contentType }) => {
        const untilMs = occurredAtMs + eventRetentionMs;
        const sealed: Sealed = { use: "media", eventId: id, url, untilMs };
        const reference = await sealer.seal(JSON.stringify(sealed));
        return { contentType, size: null, url: base + reference };
      })),
    async read(untrustedReference, { untrustedRange, ...request }) {
      const sealed = await open(untrustedReference);
      if (sealed === null || !await isTold(sealed)) throw new NotFound(NOT_FOUND);
      return await fetchMedia(sealed, {
        ...request,
        range: request.method === "HEAD" ? null : oneRange(untrustedRange),
      });
    },
  };
}
