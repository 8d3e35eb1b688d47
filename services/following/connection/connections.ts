import {
  type Connection,
  type ConnectionDependencies,
  type ConnectionOptions,
  createConnection,
} from "./connection.ts";

/** An instance's connections, one for each key at most. */
export interface Connections {
  get(key: string): Connection | undefined;
  all(): readonly Connection[];
  /**
   * Opens one, once the connection of the same key that is being closed, if any, has taken its leave of upstream. Only then
   * `wanted` is asked; null: no connection is wanted any more.
   */
  open(key: string, wanted: () => WantedConnection | null): Promise<void>;
  close(key: string): void;
  /** Resolves once all that were closed have taken their leave of upstream. */
  allClosed(): Promise<void>;
}

export type WantedConnection = Omit<ConnectionOptions, "mayWrite">;

export interface ConnectionsOptions {
  readonly dependencies: ConnectionDependencies;
  /** False: another instance may be following by now. */
  readonly leaseHolds: () => boolean;
}

/** There is no connection yet. */
export function createConnections({ dependencies, leaseHolds }: ConnectionsOptions): Connections {
  const connections = new Map<string, Connection>();
  const closing = new Map<string, Promise<void>>();

  return {
    get: (key) => connections.get(key),
    all: () => [...connections.values()],
    async open(key, wanted) {
      await closing.get(key);
      const options = connections.has(key) ? null : wanted();
      if (options === null) return;
      const connection = createConnection(dependencies, {
        ...options,
        mayWrite: () => connections.get(key) === connection && leaseHolds(),
      });
      connections.set(key, connection);
    },
    close(key) {
      const connection = connections.get(key);
      if (connection === undefined) return;
      connections.delete(key);
      const closed: Promise<void> = connection.close().finally(() => {
        if (closing.get(key) === closed) closing.delete(key);
      });
      closing.set(key, closed);
    },
    async allClosed() {
      await Promise.all(closing.values());
    },
  };
}
