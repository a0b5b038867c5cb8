/**
 * HOCON, as far as `clearml.conf` goes and Python's pyhocon reads it: comments, unquoted words, three kinds of quotes,
 * `=`, `:` and `+=`, dotted keys, objects, arrays, values side by side, references, includes of files. Where the two differ
 * it follows pyhocon: `//` begins a comment only before a word, so that an address needs no quotes. Durations, byte sizes
 * and includes from the network are left alone.
 */
import { HoconError, type Node, type ObjectNode, type Place } from "./hocon-tree.js";

export interface ParseOptions {
  /** For messages. */
  readonly file: string;
  /**
   * The tree of an included file; undefined when there is none, which is no error unless it is `required`.
   *
   * @throws HoconError for what is wrong in it.
   */
  readonly include: (name: string) => ObjectNode | undefined;
}

/** Where a word without quotes ends. */
const WORD_END = new Set('"[]{},#\n\r\t '.split(""));
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** @throws HoconError with line and column. */
export function parseHocon(text: string, options: ParseOptions): ObjectNode {
  return new Parser(text.replace(/^\uFEFF/, ""), options).document();
}

class Parser {
  readonly #text: string;
  readonly #options: ParseOptions;
  #at = 0;

  constructor(text: string, options: ParseOptions) {
    this.#text = text;
    this.#options = options;
  }

  document(): ObjectNode {
    this.#skip(true);
    const isBraced = this.#peek() === "{";
    const root = isBraced ? this.#object([]) : this.#fields([], undefined);
    this.#skip(true);
    if (this.#at < this.#text.length) throw this.#error(`${this.#shown()} is too much here: everything before it is closed`);
    return root;
  }

  #object(prefix: readonly string[]): ObjectNode {
    const opened = this.#place();
    this.#at++;
    const object = this.#fields(prefix, opened);
    this.#at++;
    return object;
  }

  /** Up to the closing brace of the one at `opened`, or to the end of the text. */
  #fields(prefix: readonly string[], opened: Place | undefined): ObjectNode {
    const object: ObjectNode = { kind: "object", fields: new Map() };
    for (;;) {
      this.#skip(true, ",");
      const next = this.#peek();
      if (next === "}" && opened) return object;
      if (next === undefined) {
        if (opened) throw this.#error("the text ends, but this { was never closed", opened);
        return object;
      }
      if (next === "}" || next === "]") throw this.#error(`${next} closes nothing`);
      if (this.#tryInclude(object)) continue;
      this.#field(object, prefix);
    }
  }

  #field(object: ObjectNode, prefix: readonly string[]): void {
    const path = this.#path();
    const full = [...prefix, ...path];
    this.#skip(true);
    const place = this.#place();
    if (this.#peek() === "{") {
      assign(object, path, this.#value(full));
      return;
    }
    const isAppended = this.#text.startsWith("+=", this.#at);
    if (!isAppended && this.#peek() !== "=" && this.#peek() !== ":")
      throw this.#error(`after the key ${full.join(".")} comes =, : or {, not ${this.#shown()}`);
    this.#at += isAppended ? 2 : 1;
    this.#skip(true);
    const value = this.#value(full);
    const list: Node = { kind: "array", items: [value] };
    const before: Node = { kind: "reference", path: full, isOptional: true, place, file: this.#options.file };
    assign(object, path, isAppended ? { kind: "joined", parts: [before, list] } : value);
  }

  /** A key: words and quoted words between dots. */
  #path(): string[] {
    const path: string[] = [];
    let word = "";
    let isWord = false;
    for (;;) {
      const next = this.#peek();
      if (next === '"' || next === "'") {
        word += this.#quoted(next);
        isWord = true;
      } else if (next === ".") {
        if (!isWord) throw this.#error("a key has an empty part before the dot");
        path.push(word.trim());
        [word, isWord] = ["", false];
        this.#at++;
      } else if (next === undefined || WORD_END.has(next) || next === "=" || next === ":" || this.#text.startsWith("+=", this.#at)) break;
      else {
        word += next;
        isWord = true;
        this.#at++;
      }
    }
    if (!isWord) throw this.#error(`a key is expected here, not ${this.#shown()}`);
    return [...path, word.trim()];
  }

  /** Everything up to the end of the line, a comma or a bracket. */
  #value(path: readonly string[]): Node {
    const parts: (Node | string)[] = [];
    const begin = this.#place();
    for (;;) {
      const blanks = this.#blanks();
      const next = this.#peek();
      const isComment = next === "#" || this.#text.startsWith("//", this.#at);
      if (next === undefined || isComment || next === "\n" || next === "\r" || next === "," || next === "}" || next === "]") break;
      if (blanks !== "" && parts.length > 0) parts.push(blanks);
      parts.push(this.#part(path));
    }
    const [only] = parts;
    if (only === undefined) throw this.#error(`a value is missing${path.length > 0 ? ` for ${path.join(".")}` : ""}`, begin);
    return parts.length === 1 && typeof only !== "string" ? only : { kind: "joined", parts };
  }

  #part(path: readonly string[]): Node {
    const next = this.#peek();
    if (next === "{") return this.#object(path);
    if (next === "[") return this.#array(path);
    if (next === '"') return { kind: "scalar", value: this.#quoted(next), isQuoted: true };
    if (this.#text.startsWith("${", this.#at)) return this.#reference();
    const start = this.#at;
    while (this.#at < this.#text.length && !WORD_END.has(this.#text[this.#at] ?? "") && !this.#text.startsWith("${", this.#at)) this.#at++;
    return word(this.#text.slice(start, this.#at));
  }

  #array(path: readonly string[]): Node {
    const opened = this.#place();
    const items: Node[] = [];
    this.#at++;
    for (;;) {
      this.#skip(true, ",");
      const next = this.#peek();
      if (next === undefined) throw this.#error("the text ends, but this [ was never closed", opened);
      if (next === "}") throw this.#error("} closes nothing: a ] is expected");
      if (next === "]") break;
      items.push(this.#value(path));
    }
    this.#at++;
    return { kind: "array", items };
  }

  #reference(): Node {
    const place = this.#place();
    const end = this.#text.indexOf("}", this.#at);
    const line = this.#text.indexOf("\n", this.#at);
    if (end < 0 || (line >= 0 && line < end)) throw this.#error("this ${ was never closed", place);
    const inner = this.#text.slice(this.#at + 2, end).trim();
    this.#at = end + 1;
    const isOptional = inner.startsWith("?");
    const path = (isOptional ? inner.slice(1) : inner)
      .trim()
      .split(".")
      .map((part) => part.trim().replace(/^"(.*)"$/, "$1"));
    if (path.some((part) => part === "")) throw this.#error("${} names nothing", place);
    return { kind: "reference", path, isOptional, place, file: this.#options.file };
  }

  #quoted(quote: string): string {
    const opened = this.#place();
    if (quote === '"' && this.#text.startsWith('"""', this.#at)) {
      const end = this.#text.indexOf('"""', this.#at + 3);
      if (end < 0) throw this.#error('these """ were never closed', opened);
      let last = end + 3;
      while (this.#text[last] === '"') last++;
      const content = this.#text.slice(this.#at + 3, last - 3);
      this.#at = last;
      return content;
    }
    const start = this.#at++;
    while (this.#peek() !== quote) {
      const next = this.#peek();
      if (next === undefined || next === "\n") throw this.#error(`this ${quote} was never closed on its line`, opened);
      this.#at += next === "\\" ? 2 : 1;
    }
    this.#at++;
    return unescaped(this.#text.slice(start + 1, this.#at - 1));
  }

  #tryInclude(object: ObjectNode): boolean {
    const match = /^include[ \t]+(required[ \t]*\([ \t]*)?(?:file[ \t]*\([ \t]*)?"([^"\n]*)"[ \t]*\)?[ \t]*\)?/.exec(
      this.#text.slice(this.#at, this.#at + 4096),
    );
    if (!match) return false;
    const [whole, required, name = ""] = match;
    const included = this.#options.include(name);
    if (!included && required !== undefined) throw this.#error(`the required file ${JSON.stringify(name)} is not there`);
    this.#at += whole.length;
    for (const [key, values] of included?.fields ?? []) object.fields.set(key, [...(object.fields.get(key) ?? []), ...values]);
    return true;
  }

  #blanks(): string {
    const start = this.#at;
    while (this.#peek() === " " || this.#peek() === "\t") this.#at++;
    return this.#text.slice(start, this.#at);
  }

  /** Blanks and comments; line ends and `also` too, where they mean nothing. */
  #skip(overLines: boolean, also = ""): void {
    for (;;) {
      const next = this.#peek();
      if (next === "#" || this.#text.startsWith("//", this.#at)) {
        const end = this.#text.indexOf("\n", this.#at);
        this.#at = end < 0 ? this.#text.length : end;
      } else if (
        next === " " ||
        next === "\t" ||
        (overLines && (next === "\n" || next === "\r")) ||
        (next !== undefined && also.includes(next))
      )
        this.#at++;
      else return;
    }
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #shown(): string {
    const next = this.#peek();
    return next === undefined ? "the end of the text" : next === "\n" || next === "\r" ? "the end of the line" : JSON.stringify(next);
  }

  #place(): Place {
    const before = this.#text.slice(0, this.#at);
    return { line: before.split("\n").length, column: this.#at - before.lastIndexOf("\n") };
  }

  #error(message: string, place = this.#place()): HoconError {
    return new HoconError(message, this.#options.file, place);
  }
}

function assign(object: ObjectNode, [key = "", ...rest]: readonly string[], value: Node): void {
  const inner: ObjectNode = { kind: "object", fields: new Map() };
  if (rest.length > 0) assign(inner, rest, value);
  object.fields.set(key, [...(object.fields.get(key) ?? []), rest.length > 0 ? inner : value]);
}

function word(text: string): Node {
  const lower = text.toLowerCase();
  if (lower === "true" || lower === "false") return { kind: "scalar", value: lower === "true", isQuoted: false };
  if (lower === "null") return { kind: "scalar", value: null, isQuoted: false };
  // A number that a number cannot hold, such as a long id, stays what was written.
  const isNumber = NUMBER.test(text) && (!Number.isInteger(Number(text)) || Number.isSafeInteger(Number(text)));
  return { kind: "scalar", value: isNumber ? Number(text) : text, isQuoted: false };
}

function unescaped(text: string): string {
  const names: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_whole, hex: string | undefined, char: string) =>
    hex === undefined ? (names[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
