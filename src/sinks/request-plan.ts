/** Which records' lines go in which request. A request ends at a record's boundary where it can, so that what arrived is known record by record. Pure. */

/** A request's events or points as JSON, and which records are complete once it has arrived. */
export interface LineRequest {
  readonly lines: readonly string[];
  /** Index, into the records, of the first that this request does not complete. */
  readonly completes: number;
  /** Index of the first record that has events in it. */
  readonly first: number;
}

/** Cuts at records' boundaries; a record that is too long for one request has one or more of its own. */
export function splitIntoRequests(
  linesOf: readonly (readonly string[])[],
  max: { readonly lines: number; readonly characters: number },
): LineRequest[] {
  const requests: LineRequest[] = [];
  let lines: string[] = [];
  let characters = 0;
  let first = 0;
  const fits = (more: number, moreCharacters: number): boolean =>
    lines.length === 0 || (lines.length + more <= max.lines && characters + moreCharacters <= max.characters);
  const cut = (completes: number): void => {
    requests.push({ lines, completes, first });
    lines = [];
    characters = 0;
    first = completes;
  };
  linesOf.forEach((own, index) => {
    const size = own.reduce((sum, line) => sum + line.length + 1, 0);
    if (!fits(own.length, size)) cut(index);
    for (const line of own) {
      if (!fits(1, line.length + 1)) cut(index);
      lines.push(line);
      characters += line.length + 1;
    }
  });
  cut(linesOf.length);
  return requests;
}
