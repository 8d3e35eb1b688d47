/**
 * `promise`, unless it takes longer than `withinMs`.
 *
 * @throws Error that names `what` when it takes longer
 */
export async function within<T>(what: string, withinMs: number, promise: Promise<T>): Promise<T> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`Cannot wait longer for ${what}: not within ${withinMs} ms`)),
    withinMs,
  );
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
