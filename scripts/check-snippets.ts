/**
 * Compiles every fenced `ts` block of the documentation against the sources, so that no example rots. What a block takes
 * for granted (a function of the reader's own) is declared in a comment above it that the rendered page does not show:
 *
 *     <!-- snippet: declare function trainOneEpoch(epoch: number): Promise<Record<string, number>>; -->
 */
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("..", import.meta.url));
const OPENING = /^(?:<!-- snippet: (?<prelude>.*?) -->)?$/s;

interface Snippet {
  /** Path of a file that exists only for the compiler. */
  readonly path: string;
  readonly document: string;
  /** Line of the document on which the code begins, from 0. */
  readonly line: number;
  readonly text: string;
}

async function documents(): Promise<string[]> {
  const below = async (folder: string): Promise<string[]> =>
    (await readdir(root + folder, { recursive: true }).catch(() => [])).map((name) => `${folder}/${name.replaceAll("\\", "/")}`);
  const top = await readdir(root);
  return [...top, ...(await below("docs")), ...(await below("examples"))].filter(
    (path) => path.endsWith(".md") && !path.startsWith("docs/api/"),
  );
}

/** The blocks of a document. A prelude stands on the line of the fence, so that every line keeps its number. */
function snippetsOf(document: string, markdown: string): Snippet[] {
  const lines = markdown.split("\n");
  const found: Snippet[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (!/^```(ts|typescript)\s*$/.test(lines[at] ?? "")) continue;
    const end = lines.indexOf("```", at + 1);
    if (end === -1) throw new Error(`${document}:${String(at + 1)}: the block is never closed.`);
    const above = lines.slice(0, at).join("\n");
    const opened = above.lastIndexOf("<!-- snippet:");
    const prelude = opened === -1 ? undefined : OPENING.exec(above.slice(opened).trim())?.groups?.["prelude"];
    const code = [`${(prelude ?? "").replaceAll("\n", " ")} export {};`, ...lines.slice(at + 1, end)].join("\n");
    found.push({ path: `${root}${document}.line-${String(at + 1)}.ts`, document, line: at, text: code });
    at = end;
  }
  return found;
}

function compile(snippets: readonly Snippet[]): readonly ts.Diagnostic[] {
  const config = ts.getParsedCommandLineOfConfigFile(
    `${root}tsconfig.json`,
    { noUnusedLocals: false, noUnusedParameters: false },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  );
  if (!config) throw new Error("tsconfig.json cannot be read.");
  const byPath = new Map(snippets.map((snippet) => [snippet.path, snippet]));
  const host = ts.createCompilerHost(config.options);
  const overlay: ts.CompilerHost = {
    ...host,
    fileExists: (path) => byPath.has(path) || host.fileExists(path),
    readFile: (path) => byPath.get(path)?.text ?? host.readFile(path),
    getSourceFile: (path, language, ...rest) => {
      const snippet = byPath.get(path);
      return snippet ? ts.createSourceFile(path, snippet.text, language) : host.getSourceFile(path, language, ...rest);
    },
  };
  const program = ts.createProgram({ rootNames: [...byPath.keys()], options: config.options, host: overlay });
  return ts.getPreEmitDiagnostics(program).filter((diagnostic) => diagnostic.file && byPath.has(diagnostic.file.fileName));
}

const snippets: Snippet[] = [];
for (const document of await documents()) snippets.push(...snippetsOf(document, await readFile(root + document, "utf8")));

const problems = compile(snippets);
for (const problem of problems) {
  const snippet = snippets.find(({ path }) => path === problem.file?.fileName);
  const line = problem.file ? problem.file.getLineAndCharacterOfPosition(problem.start ?? 0).line : 0;
  const text = ts.flattenDiagnosticMessageText(problem.messageText, "\n  ");
  console.error(`${snippet?.document ?? "?"}:${String((snippet?.line ?? 0) + line + 1)}: ${text}`);
}
console.log(`${String(snippets.length)} snippets compiled, ${String(problems.length)} problems.`);
if (problems.length > 0) process.exitCode = 1;
