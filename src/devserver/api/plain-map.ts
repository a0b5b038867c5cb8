/** An object used as a map, whose keys come from outside. */

/** An empty map without a prototype, so that a key such as `__proto__` is a key like any other. */
export function plainMap<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}
