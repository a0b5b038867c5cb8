/**
 * An entry's public face as text, made from the declarations that users get: every exported name with its type, sorted, without
 * comments, and below them the types that those mention and nobody can import. What changes in it, changes for users.
 */
import path from "node:path";
import ts from "typescript";

/** Marks that are part of what is promised, and so stay. */
const KEPT_TAGS = ["deprecated", "experimental"];

/** What users import, and where its types are. */
export interface ApiEntry {
  readonly name: string;
  /** A declaration file. */
  readonly types: string;
}

/** @returns A report for each entry, in their order. @throws Error for a file that is not there. */
export function describeApi(entries: readonly ApiEntry[]): string[] {
  const program = ts.createProgram({
    rootNames: entries.map(({ types }) => types),
    options: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      strict: true,
      skipLibCheck: true,
      noEmit: true,
      types: ["node"],
    },
  });
  const checker = program.getTypeChecker();
  const modules = entries.map(({ name, types }) => {
    const file = program.getSourceFile(types);
    const module = file && checker.getSymbolAtLocation(file);
    if (!module) throw new Error(`${types} is not there, or exports nothing. Run npm run build.`);
    return { name, folder: path.dirname(types), module };
  });
  const homes = new Map<ts.Symbol, string>();
  for (const { name, module } of modules)
    for (const symbol of checker.getExportsOfModule(module)) {
      const target = resolved(checker, symbol);
      if (!homes.has(target)) homes.set(target, name);
    }
  return modules.map(({ folder, module }) => new EntryReport(checker, folder, homes).of(module));
}

class EntryReport {
  readonly #checker: ts.TypeChecker;
  readonly #printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });
  /** Symbols that were printed, or are about to be. */
  readonly #seen = new Set<ts.Symbol>();
  readonly #mentioned: ts.Symbol[] = [];
  readonly #ourFolder: string;
  /** The entry that exports a symbol: another one's is named here, and described there. */
  readonly #homes: ReadonlyMap<ts.Symbol, string>;
  readonly #visitors = new Set<string>();

  constructor(checker: ts.TypeChecker, folder: string, homes: ReadonlyMap<ts.Symbol, string>) {
    this.#checker = checker;
    this.#homes = homes;
    this.#ourFolder = /^(.*\/dist(?:-[^/]+)?)(?:\/|$)/.exec(folder)?.[1] ?? folder;
  }

  of(module: ts.Symbol): string {
    const exported = this.#checker
      .getExportsOfModule(module)
      .map((symbol) => ({ name: symbol.name, symbol: resolved(this.#checker, symbol) }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    for (const { symbol } of exported) this.#seen.add(symbol);
    const named = exported.map(({ name, symbol }) => this.#print(symbol, name));
    const others: { readonly name: string; readonly text: string }[] = [];
    for (let symbol = this.#mentioned.shift(); symbol; symbol = this.#mentioned.shift())
      others.push({ name: symbol.name, text: this.#print(symbol, symbol.name) });
    others.sort((one, other) => (one.text < other.text ? -1 : 1));
    const tail = others.length === 0 ? [] : ["// Mentioned above, and not exported.", ...others.map(({ text }) => text)];
    const visitors = [...this.#visitors].sort();
    if (visitors.length > 0)
      tail.push(`// Mentioned above, and exported elsewhere:\n${visitors.map((visitor) => `//   ${visitor}`).join("\n")}`);
    return `${[...named, ...tail].join("\n\n")}\n`;
  }

  /** All declarations of a symbol: a class beside an interface of its name, overloads. */
  #print(symbol: ts.Symbol, name: string): string {
    const declarations = (symbol.declarations ?? []).map((declaration) => this.#declaration(declaration));
    const tags = symbol
      .getJsDocTags(this.#checker)
      .filter((tag) => KEPT_TAGS.includes(tag.name))
      .map((tag) => `// @${tag.name}\n`);
    const texts = [...new Set(declarations)].map((text) => stripped(text));
    if (texts.length === 0) texts.push(`${name}: unknown`);
    // The bundler may have given it a name of its own behind the export.
    const alias = symbol.name === name ? "" : `// exported as ${name}\n`;
    return `${tags.join("")}${alias}${texts.join("\n")}`;
  }

  #declaration(declaration: ts.Declaration): string {
    this.#collect(declaration);
    const text = this.#text(declaration, declaration.getSourceFile());
    if (!ts.isVariableDeclaration(declaration)) return text;
    // Its keyword stands two levels above the name.
    return `declare ${declaration.parent.flags & ts.NodeFlags.Const ? "const" : "let"} ${text};`;
  }

  /**
   * A declaration, with the members of each union and each type literal sorted: in a type that the compiler worked out by itself
   * they stand in the order in which it met them, which changes with the order of files.
   */
  #text(declaration: ts.Declaration, file: ts.SourceFile): string {
    const print = (node: ts.Node): string => this.#printer.printNode(ts.EmitHint.Unspecified, node, file);
    const byText = <Node extends ts.Node>(nodes: readonly Node[]): Node[] =>
      nodes
        .map((node) => ({ node, text: print(node) }))
        .sort((one, other) => (one.text < other.text ? -1 : 1))
        .map(({ node }) => node);
    const sorted = ts.transform<ts.Node>(declaration, [
      (context) => (top) => {
        const visit = (node: ts.Node): ts.Node => {
          const inner = ts.visitEachChild(node, visit, context);
          if (ts.isUnionTypeNode(inner)) return context.factory.createUnionTypeNode(byText(inner.types));
          // Overloads of a method keep their order, which means something.
          if (ts.isTypeLiteralNode(inner) && inner.members.every(ts.isPropertySignature))
            return context.factory.createTypeLiteralNode(byText(inner.members));
          return inner;
        };
        return visit(top);
      },
    ]);
    const [node = declaration] = sorted.transformed;
    const text = print(node);
    sorted.dispose();
    return text;
  }

  /** Notes the types of ours that a declaration mentions. */
  #collect(node: ts.Node): void {
    const visit = (child: ts.Node): void => {
      if (ts.isIdentifier(child)) this.#mention(this.#checker.getSymbolAtLocation(child));
      ts.forEachChild(child, visit);
    };
    ts.forEachChild(node, visit);
  }

  #mention(found: ts.Symbol | undefined): void {
    const symbol = found && resolved(this.#checker, found);
    if (!symbol || this.#seen.has(symbol)) return;
    const isOurs = symbol.declarations?.some(
      (declaration) => isTopLevel(declaration) && declaration.getSourceFile().fileName.startsWith(`${this.#ourFolder}/`),
    );
    if (isOurs !== true) return;
    this.#seen.add(symbol);
    const home = this.#homes.get(symbol);
    if (home !== undefined) this.#visitors.add(`${symbol.name} of "${home}"`);
    else this.#mentioned.push(symbol);
  }
}

function resolved(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** Types, classes, functions and constants of a file; neither members nor parameters. */
function isTopLevel(declaration: ts.Declaration): boolean {
  if (ts.isSourceFile(declaration)) return false;
  return ts.isSourceFile(ts.isVariableDeclaration(declaration) ? declaration.parent.parent.parent : declaration.parent);
}

/** Private members say nothing to users but that they exist. */
function stripped(text: string): string {
  return text
    .replaceAll(/^ {4}(?:private (?:static )?(?:readonly )?\S+?;|#private;)\n/gm, "")
    .replaceAll(/\$\d+(?=\W)/g, "")
    .trimEnd();
}
