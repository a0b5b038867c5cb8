/** A HOCON tree becomes values: references are followed, in the text first and then in the environment, and objects merged. */
import { HoconError, type HoconObject, type HoconValue, type Node, type ObjectNode } from "./hocon-tree.js";

/**
 * The values.
 *
 * @param env Where a reference is looked up that the text does not have.
 * @throws HoconError for a reference that leads nowhere and is not optional, or only to itself.
 */
export function resolveHocon(root: ObjectNode, env: Readonly<Record<string, string | undefined>>): HoconObject {
  return new Resolver(root, env).object(root);
}

class Resolver {
  readonly #root: ObjectNode;
  readonly #env: Readonly<Record<string, string | undefined>>;
  /** Being resolved now: a reference to one of them means the value that it had before. */
  readonly #active = new Set<Node>();

  constructor(root: ObjectNode, env: Readonly<Record<string, string | undefined>>) {
    this.#root = root;
    this.#env = env;
  }

  object(node: ObjectNode): HoconObject {
    const fields: Record<string, HoconValue> = {};
    for (const [key, history] of node.fields) {
      const value = this.#latest(history);
      if (value !== undefined) define(fields, key, value);
    }
    return fields;
  }

  /** The value after the whole history: the last, over the objects before it when it is one. */
  #latest(history: readonly Node[]): HoconValue | undefined {
    let merged: HoconObject | undefined;
    for (const node of [...history].reverse()) {
      const value = this.#value(node);
      if (value === undefined) continue;
      if (!isObject(value)) return merged ?? value;
      merged = merged ? mergeObjects(value, merged) : value;
    }
    return merged;
  }

  #value(node: Node): HoconValue | undefined {
    if (node.kind === "scalar") return node.value;
    this.#active.add(node);
    try {
      if (node.kind === "object") return this.object(node);
      if (node.kind === "array") return node.items.map((item) => this.#value(item)).filter((item) => item !== undefined);
      if (node.kind === "reference") return this.#follow(node);
      return this.#join(node.parts);
    } finally {
      this.#active.delete(node);
    }
  }

  #follow(reference: Extract<Node, { kind: "reference" }>): HoconValue | undefined {
    const name = reference.path.join(".");
    const value = this.#lookUp([this.#root], reference.path) ?? this.#env[name];
    if (value !== undefined || reference.isOptional) return value;
    throw new HoconError(
      `\${${name}} is neither set in the file nor in the environment; write \${?${name}} if it may be missing`,
      reference.file,
      reference.place,
    );
  }

  #lookUp(objects: readonly ObjectNode[], [key = "", ...rest]: readonly string[]): HoconValue | undefined {
    let history = objects.flatMap((object) => object.fields.get(key) ?? []);
    if (rest.length === 0) {
      const own = history.findIndex((node) => node.kind !== "object" && this.#active.has(node));
      if (own >= 0) history = history.slice(0, own);
      // An object that is being made cannot stand in itself.
      return this.#latest(history.filter((node) => !this.#active.has(node)));
    }
    const inner: ObjectNode[] = [];
    for (const node of history) {
      if (node.kind === "object") inner.push(node);
      else if (!this.#active.has(node)) {
        const value = this.#value(node);
        if (isObject(value)) inner.push(treeOf(value));
      }
    }
    return this.#lookUp(inner, rest);
  }

  #join(parts: readonly (Node | string)[]): HoconValue | undefined {
    const values = parts.map((part) => (typeof part === "string" ? part : this.#value(part)));
    const real = values.filter((value, index) => value !== undefined && typeof parts[index] !== "string") as HoconValue[];
    if (real.length === 0) return undefined;
    if (real.every(isObject)) return real.reduce((one, other) => mergeObjects(one, other));
    if (real.every((value) => Array.isArray(value))) return (real as HoconValue[][]).flat();
    if (real.length === 1 && values.filter((value) => value !== undefined && (value as string) !== "").length === 1) return real[0];
    return values
      .map((value) => (value === undefined ? "" : typeof value === "object" && value !== null ? JSON.stringify(value) : String(value)))
      .join("")
      .trim();
  }
}

/** Two objects as one: what the second says wins, and objects in both are joined. */
export function mergeObjects(under: HoconObject, over: HoconObject): HoconObject {
  const merged: Record<string, HoconValue> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const before = Object.hasOwn(merged, key) ? merged[key] : undefined;
    define(merged, key, isObject(before) && isObject(value) ? mergeObjects(before, value) : value);
  }
  return merged;
}

/** A key such as `__proto__` is a key like any other. */
function define(fields: Record<string, HoconValue>, key: string, value: HoconValue): void {
  Object.defineProperty(fields, key, { value, enumerable: true, writable: true, configurable: true });
}

function treeOf(value: HoconObject): ObjectNode {
  const fields = new Map<string, Node[]>();
  for (const [key, inner] of Object.entries(value)) fields.set(key, [nodeOf(inner)]);
  return { kind: "object", fields };
}

function nodeOf(value: HoconValue): Node {
  if (isObject(value)) return treeOf(value);
  if (Array.isArray(value)) return { kind: "array", items: (value as readonly HoconValue[]).map(nodeOf) };
  return { kind: "scalar", value: value as string | number | boolean | null, isQuoted: true };
}

function isObject(value: HoconValue | undefined): value is HoconObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
