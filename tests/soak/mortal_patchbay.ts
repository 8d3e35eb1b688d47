import {
  type PatchbayClient,
  type PatchbayForLoad,
  startPatchbayForLoad,
} from "../support/patchbay_for_load.ts";

/** A Patchbay that is killed and comes back; requests made meanwhile wait for the next one, as a careful client would. */
export interface MortalPatchbay extends PatchbayClient, AsyncDisposable {
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts the next one. */
  rise(): Promise<void>;
}

export async function startMortalPatchbay(
  { env, onAddress }: {
    readonly env: Readonly<Record<string, string>>;
    /** Each one listens on a port of its own. */
    readonly onAddress: (url: string) => void;
  },
): Promise<MortalPatchbay> {
  let process: PatchbayForLoad | null = null;
  let living = Promise.withResolvers<PatchbayForLoad>();

  async function rise(): Promise<void> {
    process = await startPatchbayForLoad({ env });
    onAddress(process.url);
    living.resolve(process);
  }

  async function kill(): Promise<void> {
    const dying = process;
    process = null;
    living = Promise.withResolvers();
    await dying?.kill();
  }

  /** Whoever died over a request may have carried it out: so only what can be repeated is to be asked for. */
  async function repeated<T>(ask: (client: PatchbayClient) => Promise<T>): Promise<T> {
    for (;;) {
      const asked = await living.promise;
      try {
        return await ask(asked);
      } catch (error) {
        if (asked === process) throw error;
      }
    }
  }

  await rise();
  return {
    ingest: (notificationsJson) => repeated(({ ingest }) => ingest(notificationsJson)),
    manage: (method, path, body) => repeated(({ manage }) => manage(method, path, body)),
    kill,
    rise,
    async [Symbol.asyncDispose]() {
      await process?.stop();
    },
  };
}
