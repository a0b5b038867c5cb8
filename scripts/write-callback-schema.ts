/**
 * Writes the callback protocol as JSON Schema, for backends in other languages: `node scripts/write-callback-schema.ts`.
 * A unit test fails when the written file is older than the schemas.
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { callbackAnswerSchema, CALLBACK_SCHEMAS } from "../src/protocol/callbacks.ts";

/** Where the schema lies. */
export const CALLBACK_SCHEMA_FILE = fileURLToPath(new URL("../docs/reference/callbacks.schema.json", import.meta.url));

/** The file's text: one definition a path, and one for the answer. */
export function callbackSchemaText(): string {
  const definitions = Object.entries({ ...CALLBACK_SCHEMAS, answer: callbackAnswerSchema() }).map(([name, schema]) => {
    const { $schema: _dialect, ...definition } = z.toJSONSchema(schema);
    return [name, definition] as const;
  });
  const document = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "trainer-sdk callbacks, dialect plan",
    description:
      "Bodies that are posted to CALLBACK_URL/<name>, and `answer`: what a 2xx answer may carry. Fields that are not named here may come and must be let pass.",
    $defs: Object.fromEntries(definitions),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(CALLBACK_SCHEMA_FILE, callbackSchemaText());
