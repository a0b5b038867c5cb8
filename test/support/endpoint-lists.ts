/** The endpoints that `docs/reference/embedded-server.md` says are answered, and those that it says are not. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const REFERENCE = fileURLToPath(new URL("../../docs/reference/embedded-server.md", import.meta.url));
const ENDPOINT = /`([a-z]+\.[a-z_0-9]+)`/g;

export interface EndpointLists {
  readonly answered: readonly string[];
  readonly refused: readonly string[];
}

/** Reads the sections `Answered` and `Not answered`. */
export async function readEndpointLists(): Promise<EndpointLists> {
  const text = await readFile(REFERENCE, "utf8");
  const section = (heading: string): string[] => {
    const [, after = ""] = text.split(`\n## ${heading}\n`);
    const [body = ""] = after.split("\n## ");
    return [...body.matchAll(ENDPOINT)].map(([, name]) => name ?? "");
  };
  return { answered: section("Answered"), refused: section("Not answered") };
}
