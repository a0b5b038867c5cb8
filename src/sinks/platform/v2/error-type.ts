/** The existing platform's words for what went wrong (its SDK's `ErrorType`), from what a trainer threw. Guesses only what is plain. */
import type { FinalFact } from "../../../records/facts.js";

/** All of them (`platform-protocol`, 3). */
const ERROR_TYPES = [
  "DatasetError",
  "CheckpointError",
  "ConfigError",
  "ResourceError",
  "NetworkError",
  "FrameworkError",
  "ValidationError",
  "UnknownError",
] as const;
type ErrorType = (typeof ERROR_TYPES)[number];

const SIGNS: readonly (readonly [ErrorType, RegExp])[] = [
  ["ResourceError", /out[ -]of[ -]memory|\boom\b|ENOSPC|no space left|heap limit|cannot allocate/i],
  ["CheckpointError", /^UploadError\b|checkpoint/i],
  ["DatasetError", /dataset|data set|annotation/i],
  ["NetworkError", /^(Connection|Api)Error\b|ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|fetch failed/i],
];

/** Pure. An error whose name is one of the platform's words keeps it. */
export function errorTypeOf({ error, reason }: Pick<FinalFact, "error" | "reason">): ErrorType {
  const name = (ERROR_TYPES as readonly string[]).find((known) => known === error?.name || known === reason);
  if (name !== undefined) return name as ErrorType;
  const text = `${error?.name ?? ""}: ${error?.message ?? ""} ${reason ?? ""}`;
  return SIGNS.find(([, sign]) => sign.test(text))?.[0] ?? "UnknownError";
}

/** `[ErrorType] message`, as the platform shows it. Pure. */
export function errorMessageOf(fact: Pick<FinalFact, "error" | "reason">): string {
  const said = fact.error?.message ?? fact.reason ?? "the trainer gave no reason";
  return `[${errorTypeOf(fact)}] ${said}`;
}
