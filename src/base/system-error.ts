/** The file system's and the network's own errors, by their code. */

/** True for a system error of that code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === code;
}
