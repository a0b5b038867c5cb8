/**
 * A plugin of typedoc that puts the guides beside the reference: each document is named by its first heading instead of its
 * file, and grouped by its folder, so that the files need no header of typedoc's own.
 */
import path from "node:path";
import { Converter, type Application, type DocumentReflection } from "typedoc";

/** Folders of docs/, by what readers look for in them. */
const GROUPS: Readonly<Record<string, string>> = {
  tutorials: "Start",
  "how-to": "How to",
  reference: "Facts",
  explanation: "Explanation",
  decisions: "Decisions",
};
const HEADING = /^\s*# (?<title>.+)\n/;

export function load(application: Application): void {
  application.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context: undefined, document: DocumentReflection) => {
    const file = document.project.files.getReflectionPath(document) ?? document.name;
    const group = GROUPS[path.basename(path.dirname(file))];
    if (group === undefined) throw new Error(`${file} lies in a folder that scripts/typedoc-guides.ts does not know.`);
    document.frontmatter["group"] = group;
    const [first] = document.content;
    const title = HEADING.exec(first?.text ?? "")?.groups?.["title"];
    if (first === undefined || title === undefined) throw new Error(`${file} does not begin with a heading.`);
    document.name = title.replaceAll("`", "");
    // The page has the name as its heading already.
    first.text = first.text.replace(HEADING, "");
  });
}
