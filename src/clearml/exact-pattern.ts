/** Searches of the server take regular expressions; this is the one that means a text and nothing else. */

/** Anchored, with every character that Python's `re` would read its own way escaped. */
export function exactPattern(text: string): string {
  return `^${text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)}$`;
}
