import { type Random, randomHex } from "../kit/simulator.ts";

/** A picture, or whatever else a customer sends beside words. */
export interface Media {
  readonly contentType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What customers have sent beside words, as Twilio keeps it. */
export interface MediaShelf {
  /** Keeps it, and tells the address by which a webhook hears of it (`MediaUrl0`). Only the account's credentials open that. */
  keep(media: Media): string;
  /** Removes what was kept under this address: Twilio answers 404 from then on. */
  remove(url: string): void;
}

/** The shelf as the routes read it. */
export interface ReadableShelf extends MediaShelf {
  find(mediaSid: string): Media | undefined;
}

/** An empty shelf of the account; `url` is the simulator's own. */
export function createMediaShelf(
  { url, accountSid, random }: {
    readonly url: string;
    readonly accountSid: string;
    readonly random: Random;
  },
): ReadableShelf {
  const kept = new Map<string, Media>();
  return {
    keep(media) {
      const mediaSid = `ME${randomHex(random, 32)}`;
      kept.set(mediaSid, media);
      const messageSid = `MM${randomHex(random, 32)}`;
      return `${url}/2010-04-01/Accounts/${accountSid}/Messages/${messageSid}/Media/${mediaSid}`;
    },
    remove: (mediaUrl) => void kept.delete(mediaUrl.slice(mediaUrl.lastIndexOf("/") + 1)),
    find: (mediaSid) => kept.get(mediaSid),
  };
}
