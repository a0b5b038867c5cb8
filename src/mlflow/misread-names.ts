/**
 * Paths of files that a server does not take as they are: it decodes each path that it is asked for until nothing changes, however
 * rightly it was encoded, and then looks for another file. Files of such names are in every store: MLflow itself called images
 * of a step `x%step%3%timestamp%...`. Source: `validate_path_is_safe` of MLflow's `utils/uri.py`, 2.9 to 3.17. Pure.
 */

/** As often as servers do. */
const MAX_ROUNDS = 10;

/** True when any server would look for another path than this one: it must not be asked, for it may find that one. */
export function isMisread(path: string): boolean {
  return withoutControls(path) !== withoutControls(decoded(path));
}

/** True when servers of some releases would: those of others hand the file out. */
export function isMisreadBySome(path: string): boolean {
  return path !== decoded(path) || path !== withoutControls(path);
}

function decoded(path: string): string {
  let text = path;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // What is no UTF-8 becomes the replacement character, as in Python.
    const next = text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => Buffer.from(escapes.replaceAll("%", ""), "hex").toString("utf8"));
    if (next === text) return text;
    text = next;
  }
  return text;
}

/** Later releases write control characters of ASCII as escapes again. */
function withoutControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    const code = character.charCodeAt(0);
    return code > 0x7f ? character : `%${code.toString(16).padStart(2, "0")}`;
  });
}
