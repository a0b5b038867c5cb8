/** What a caller's object holds at the call. It becomes a record only later, and the caller goes on with it meanwhile. */

/**
 * A copy by way of JSON, which is how the record is kept. What has no JSON form is answered as it is: the record is then refused
 * with the reason.
 */
export function plainCopy<T>(value: T): T {
  if (value === undefined) return value;
  try {
    return JSON.parse(JSON.stringify(value)) as T;
  } catch {
    return value;
  }
}
