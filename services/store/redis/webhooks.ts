import { StoreUnavailable } from "../../errors.ts";
import type { WebhookStore } from "../port/webhooks.ts";
import { list, type Reply, text } from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

/** How often the list is read. Another reading is needed only if it was changed during the last one. */
const MAX_TRIES = 5;

/**
 * The registered webhooks in Redis: the first shard keeps the list, every shard the version that publishing on it
 * must know.
 */
export function createRedisWebhooks(shards: Shards): WebhookStore {
  const versionKey = (shard: number) => `${shards.prefix(shard)}webhooks:version`;
  const otherShards = Array.from({ length: shards.count - 1 }, (_, at) => at + 1);

  /** False where there was nothing to delete, or where the list has another version than the one asked for. */
  async function change(operation: string, request: object): Promise<boolean> {
    const version = text(await shards.run(operation, SCRIPTS.changeWebhook, 0, request));
    if (version === "") return false;
    await spread(operation, Number(version), otherShards);
    return true;
  }

  async function spread(operation: string, version: number, to: readonly number[]): Promise<void> {
    if (to.length === 0) return;
    const request = { version };
    await Promise.all(
      to.map((shard) => shards.run(operation, SCRIPTS.raiseVersion, shard, request)),
    );
  }

  /** The list as the first shard has it, and the versions that the other shards know. */
  async function read(): Promise<{ version: number; flat: Reply; known: readonly number[] }> {
    const [reply, ...known] = await Promise.all([
      shards.run("list the webhooks", SCRIPTS.listWebhooks, 0, {}),
      ...otherShards.map((shard) =>
        shards.commands("list the webhooks", [["GET", versionKey(shard)]])
      ),
    ]);
    const [version, ...flat] = list(reply);
    return {
      version: Number(version),
      flat,
      known: known.map((replies) => Number(replies[0] ?? 0)),
    };
  }

  /**
   * Another shard is ahead where the list was changed while it was read, or where the first shard's node has lost it. Then
   * nobody could publish on that shard any more, so the list gets a version that no shard has seen. For a list that was
   * merely changed that costs its readers one more reading.
   */
  async function readNotBehind(): Promise<
    { version: number; flat: Reply; known: readonly number[] }
  > {
    for (let tries = 1;; tries++) {
      const reading = await read();
      const ahead = Math.max(0, ...reading.known);
      if (ahead <= reading.version) return reading;
      if (tries === MAX_TRIES) {
        throw new StoreUnavailable("list the webhooks while they keep changing");
      }
      await shards.run("list the webhooks", SCRIPTS.raiseVersion, 0, { version: ahead + 1 });
    }
  }

  return {
    async listWebhooks() {
      const { version, flat, known } = await readNotBehind();
      // A change that died between two shards would leave one of them stale for good. Whoever lists next mends it.
      const behind = otherShards.filter((_, at) => (known[at] ?? 0) < version);
      await spread("list the webhooks", version, behind);
      const webhooks = [];
      for (let at = 0; at + 1 < flat.length; at += 2) {
        webhooks.push({ id: text(flat[at]), json: text(flat[at + 1]) });
      }
      return { version, webhooks: webhooks.sort((a, b) => (a.id < b.id ? -1 : 1)) };
    },
    putWebhook: ({ id, json }, ifVersion) =>
      change("store the webhook", { id, json, webhooksVersion: ifVersion }),
    deleteWebhook: (id) => change("delete the webhook", { id }),
  };
}
