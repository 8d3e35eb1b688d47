/** Runs tasks of one key one after the other, those of different keys side by side. A task's failure is its caller's alone. */
export type KeyedQueue = <T>(key: string, task: () => Promise<T>) => Promise<T>;

/** A queue within this process; it keeps nothing of a key once its last task is over. */
export function createKeyedQueue(): KeyedQueue {
  const lastTasks = new Map<string, Promise<unknown>>();

  return async (key, task) => {
    const before = lastTasks.get(key) ?? Promise.resolve();
    const running = before.then(task, task);
    lastTasks.set(key, running);
    try {
      return await running;
    } finally {
      if (lastTasks.get(key) === running) lastTasks.delete(key);
    }
  };
}
