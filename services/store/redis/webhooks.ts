import type { WebhookRegistry } from "../port.ts";
import { list, text } from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

/**
 * The registered webhooks in Redis: the first shard keeps the list, every shard the version that publishing on it
 * must know.
 */
export function createRedisWebhooks(shards: Shards): WebhookRegistry {
  const versionKey = (shard: number) => `${shards.prefix(shard)}webhooks:version`;
  const otherShards = Array.from({ length: shards.count - 1 }, (_, at) => at + 1);

  /** False: there was nothing to delete, or the list has another version than the one asked for. */
  async function change(operation: string, request: object): Promise<boolean> {
    const version = text(await shards.run(operation, SCRIPTS.changeWebhook, 0, request));
    if (version === "") return false;
    await spread(operation, version, otherShards);
    return true;
  }

  async function spread(operation: string, version: string, to: readonly number[]): Promise<void> {
    if (to.length === 0) return;
    const request = { version: Number(version) };
    await Promise.all(
      to.map((shard) => shards.run(operation, SCRIPTS.raiseVersion, shard, request)),
    );
  }

  return {
    async listWebhooks() {
      const [reply, ...versions] = await Promise.all([
        shards.run("list the webhooks", SCRIPTS.listWebhooks, 0, {}),
        ...otherShards.map((shard) =>
          shards.commands("list the webhooks", [["GET", versionKey(shard)]])
        ),
      ]);
      const [version, ...flat] = list(reply);
      // A change that died between the shards would leave one stale for good: whoever lists next mends it.
      const behind = otherShards.filter((_, at) =>
        Number(versions[at]?.[0] ?? 0) < Number(version)
      );
      await spread("list the webhooks", text(version), behind);
      const webhooks = [];
      for (let at = 0; at + 1 < flat.length; at += 2) {
        webhooks.push({ id: text(flat[at]), json: text(flat[at + 1]) });
      }
      return {
        version: Number(version),
        webhooks: webhooks.sort((a, b) => (a.id < b.id ? -1 : 1)),
      };
    },
    putWebhook: ({ id, json }, ifVersion) =>
      change("store the webhook", { id, json, webhooksVersion: ifVersion }),
    deleteWebhook: (id) => change("delete the webhook", { id }),
  };
}
