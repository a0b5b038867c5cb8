/** What a page links to, and which places of a page can be linked to. For Markdown as GitHub shows it, and for HTML. Pure. */

/** A file's links and the places in it. */
export interface Page {
  /** As written, without addresses of other hosts. */
  readonly links: readonly string[];
  readonly anchors: ReadonlySet<string>;
}

const FOREIGN = /^(?:[a-z][a-z+.-]*:|\/\/)/i;
const FENCE = /^(?: *)(?:```|~~~)[\s\S]*?^(?: *)(?:```|~~~)[ \t]*$/gm;

/** Code in fences links nowhere, and has no headings. */
export function readMarkdown(text: string): Page {
  const prose = text.replaceAll(FENCE, "");
  const links = [...prose.replaceAll(/`[^`\n]*`(?!\])/g, "").matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)].map(
    (match) => match[1] ?? "",
  );
  const anchors = new Set<string>();
  for (const [, heading = ""] of prose.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const slug = slugOf(heading);
    let unique = slug;
    for (let count = 1; anchors.has(unique); count++) unique = `${slug}-${String(count)}`;
    anchors.add(unique);
  }
  return { links: links.filter((link) => !FOREIGN.test(link)), anchors };
}

/** A heading's name in an address, as GitHub makes it. */
function slugOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");
}

export function readHtml(text: string): Page {
  const links = [...text.matchAll(/<[a-z][^>]*?\s(?:href|src)="([^"]*)"/gi)].map((match) => unescaped(match[1] ?? ""));
  const anchors = new Set([...text.matchAll(/\s(?:id|name)="([^"]*)"/g)].map((match) => unescaped(match[1] ?? "")));
  return { links: links.filter((link) => link !== "" && !FOREIGN.test(link)), anchors };
}

/** What a browser would fetch from another host to show a page: scripts, styles, pictures, frames. A link to click is none. */
export function foreignRequests(html: string): string[] {
  const tags = html.matchAll(
    /<(?:script|img|iframe|source|video|audio|embed|link)\b[^>]*?\s(?:src|href)="((?:https?:)?\/\/[^"]*)"[^>]*>/gi,
  );
  return [...tags].filter(([tag]) => !/\srel="(?:canonical|author|license)"/i.test(tag)).map((match) => match[1] ?? "");
}

/** What a style fetches from another host. */
export function foreignStyles(css: string): string[] {
  return [...css.matchAll(/(?:url\(|@import)\s*["']?((?:https?:)?\/\/[^"')\s]+)/gi)].map((match) => match[1] ?? "");
}

function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}
