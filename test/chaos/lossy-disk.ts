/**
 * A power cut for a process that is killed: what was not fsynced is kept in the memory of the process alone. Bytes reach
 * the real file at its fsync; a creation, a rename or a removal reaches the real folder at the folder's fsync, in order,
 * and never sooner. It is stricter than most file systems, which is the point.
 */
import { readdir, readFile, rename, stat, unlink, writeFile, appendFile, mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { AppendFile, Disk } from "../../src/outbox/disk.js";

interface Node {
  bytes: Buffer;
  /** As far as an fsync has come. */
  synced: number;
  /** The real file's name now; undefined while the folder does not know it. */
  realPath: string | undefined;
}

type Change =
  | { readonly kind: "create"; readonly node: Node; readonly path: string }
  | { readonly kind: "rename"; readonly node: Node; readonly to: string }
  | { readonly kind: "remove"; readonly node: Node };

/** A new one for each process. */
export function lossyDisk(): Disk {
  // What the process sees; null: removed or renamed away, whatever the real folder says.
  const seen = new Map<string, Node | null>();
  const changes = new Map<string, Change[]>();
  const later = (path: string, change: Change): void => void changes.set(dirname(path), [...(changes.get(dirname(path)) ?? []), change]);

  const find = async (path: string): Promise<Node> => {
    const known = seen.get(path);
    if (known) return known;
    if (known === null) throw missing(path);
    const bytes = await readFile(path);
    const node = { bytes, synced: bytes.length, realPath: path };
    seen.set(path, node);
    return node;
  };
  const exists = (path: string): Promise<boolean> =>
    find(path).then(
      () => true,
      () => false,
    );
  const fileOf = (node: Node): AppendFile => ({
    async write(bytes) {
      node.bytes = Buffer.concat([node.bytes, bytes]);
    },
    async sync() {
      const from = node.synced;
      node.synced = node.bytes.length;
      if (node.realPath !== undefined) await appendFile(node.realPath, node.bytes.subarray(from, node.synced));
    },
    async close() {},
  });
  const create = (path: string): AppendFile => {
    const node: Node = { bytes: Buffer.alloc(0), synced: 0, realPath: undefined };
    seen.set(path, node);
    later(path, { kind: "create", node, path });
    return fileOf(node);
  };

  return {
    makeFolder: async (path) => void (await mkdir(path, { recursive: true })),
    async list(path) {
      const names = new Set(await readdir(path));
      for (const [known, node] of seen) {
        if (dirname(known) !== path) continue;
        if (node) names.add(basename(known));
        else names.delete(basename(known));
      }
      return [...names];
    },
    async sizeOf(path) {
      const known = seen.get(path);
      if (known === null) throw missing(path);
      return known ? known.bytes.length : (await stat(path)).size;
    },
    async create(path) {
      if (await exists(path)) throw Object.assign(new Error(`EEXIST: ${path}`), { code: "EEXIST" });
      return create(path);
    },
    append: async (path) => ((await exists(path)) ? fileOf(await find(path)) : create(path)),
    read: async (path, offset, length) => Buffer.from((await find(path)).bytes.subarray(offset, offset + length)),
    async rename(from, to) {
      const node = await find(from);
      seen.set(from, null);
      seen.set(to, node);
      later(to, { kind: "rename", node, to });
    },
    async remove(path) {
      if (!(await exists(path))) return;
      const node = await find(path);
      seen.set(path, null);
      later(path, { kind: "remove", node });
    },
    async syncFolder(path) {
      const due = changes.get(path) ?? [];
      changes.delete(path);
      for (const change of due) await apply(change);
    },
  };
}

async function apply(change: Change): Promise<void> {
  const { node } = change;
  switch (change.kind) {
    case "create":
      node.realPath = change.path;
      return writeFile(change.path, node.bytes.subarray(0, node.synced));
    case "rename":
      if (node.realPath !== undefined) await rename(node.realPath, change.to);
      node.realPath = change.to;
      return;
    case "remove":
      if (node.realPath !== undefined) await unlink(node.realPath).catch(() => undefined);
      node.realPath = undefined;
  }
}

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: ${join(path)}`), { code: "ENOENT" });
}
