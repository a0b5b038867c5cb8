/** So many pieces of work at the same time, over a list of any length. */

/** Runs `work` for each item, at most `concurrency` at once. What `work` throws ends it all, once the others have come to rest. */
export async function forEachAtOnce<T>(items: Iterable<T>, concurrency: number, work: (item: T) => Promise<void>): Promise<void> {
  const next = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let item = next.next(); item.done !== true && failure === undefined; item = next.next()) {
      try {
        await work(item.value);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  if (failure !== undefined) throw failure.error;
}
