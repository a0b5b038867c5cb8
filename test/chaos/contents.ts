/** What the trainer says at its n-th step: the same for the same job and number, so that nothing has to be remembered. */
import { createHash } from "node:crypto";
import { between, seeded } from "./seeded.ts";

/** A number with a fraction that a 32-bit float holds exactly, as the charts' index does. */
export function valueOf(job: string, name: string, number: number): number {
  return between(seeded(hash(`${job} ${name} ${String(number)}`)), 1, 1_000_000) / 1024;
}

/** Bytes of a file, 1 to 48 KiB. */
export function bytesOf(job: string, name: string, number: number): Buffer {
  const random = seeded(hash(`${job} ${name} ${String(number)}`));
  const bytes = Buffer.alloc(between(random, 1, 48 * 1024));
  for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(random() * 256);
  return bytes;
}

export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function hash(text: string): number {
  return createHash("sha256").update(text).digest().readInt32LE(0);
}
