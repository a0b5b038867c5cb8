/** What every destination's outage looks like by HTTP. */

const OUTAGE_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

/** True for a status by which a server, or a proxy before it, says that it will be there again: nobody refused anything. */
export function isOutageStatus(status: number): boolean {
  return OUTAGE_STATUSES.has(status);
}
