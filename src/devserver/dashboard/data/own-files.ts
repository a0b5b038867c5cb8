/** Which addresses lie at this server's own file server, and how the page asks for them. Pure. */

/**
 * The path of the page's own origin behind which the file server's address is found, or undefined for any other address.
 * Whoever wrote the task wrote the address, and the page loads it with its session: `..` in it must not lead out of
 * `/files` and to the API, so it is resolved before the prefix is put before it.
 */
export function ownFilePath(uri: string, filesHost: string | undefined): string | undefined {
  if (filesHost === undefined) return undefined;
  const url = parse(uri);
  const host = parse(filesHost.endsWith("/") ? filesHost : `${filesHost}/`);
  if (!url || !host || url.origin !== host.origin || !url.pathname.startsWith(host.pathname)) return undefined;
  return `/files/${url.pathname.slice(host.pathname.length)}${url.search}`;
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
