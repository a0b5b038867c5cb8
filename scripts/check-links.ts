/**
 * Follows every link within the documentation: `node scripts/check-links.ts` in the Markdown files, `... site` in the built
 * pages, where nothing may be fetched from another host either. A page of docs/ that its README does not list is a problem too. Ends with 1 when a link leads nowhere. Asks no other host.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { foreignRequests, foreignStyles, readHtml, readMarkdown, type Page } from "./links.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const isSite = process.argv[2] === "site";
const problems: string[] = [];
const pages = new Map<string, Page>();

for (const file of isSite ? await filesBelow("docs/api") : await markdownFiles()) {
  const text = await readFile(path.join(root, file), "utf8");
  if (file.endsWith(".css")) problems.push(...foreignStyles(text).map((address) => `${file} fetches ${address}`));
  if (file.endsWith(".html")) problems.push(...foreignRequests(text).map((address) => `${file} fetches ${address}`));
  if (/\.(?:html|md)$/.test(file) && !file.startsWith("docs/api/media/")) pages.set(file, isSite ? readHtml(text) : readMarkdown(text));
}
if (pages.size === 0) problems.push(isSite ? "docs/api holds no page: run npm run docs" : "no Markdown file was found");

let followed = 0;
for (const [file, { links }] of pages) {
  for (const link of new Set(links)) {
    followed++;
    const [to = "", anchor] = link.split("#");
    const target = to === "" ? file : path.posix.join(path.posix.dirname(file), decodeURIComponent(to.split("?")[0] ?? ""));
    if (!(await stat(path.join(root, target)).catch(() => undefined))) problems.push(`${file}: ${link} leads nowhere`);
    else if (anchor !== undefined && anchor !== "" && pages.get(target)?.anchors.has(decodeURIComponent(anchor)) === false)
      problems.push(`${file}: ${link} names a place that is not there`);
  }
}
if (!isSite) {
  const listed = new Set(pages.get("docs/README.md")?.links.map((link) => `docs/${link}`));
  for (const file of pages.keys())
    if (file.startsWith("docs/") && file !== "docs/README.md" && !listed.has(file))
      problems.push(`${file} is not listed in docs/README.md`);
}
for (const problem of problems) console.error(problem);
console.log(`${String(followed)} links of ${String(pages.size)} pages followed, ${String(problems.length)} problems.`);
if (problems.length > 0) process.exitCode = 1;

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(path.join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && /\.(?:html|css|md)$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}

async function markdownFiles(): Promise<string[]> {
  const top = (await readdir(root)).filter((name) => name.endsWith(".md"));
  const below = (await Promise.all(["docs", "examples", "bench"].map(filesBelow))).flat();
  return [...top, ...below.filter((file) => file.endsWith(".md") && !file.startsWith("docs/api/"))];
}
