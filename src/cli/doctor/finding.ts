/** What the doctor says: findings, each with its weight and with what to do. */

/** `note`: worth knowing, nothing to do. */
export type Severity = "ok" | "note" | "warning" | "error";

export interface Finding {
  /** Stable, for machines: `clearml.login`. */
  readonly id: string;
  readonly severity: Severity;
  /** A sentence for a person. No secret in it. */
  readonly message: string;
  /** What to do. */
  readonly advice?: string;
  /** Figures behind it. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
}

/** One setting, where it came from, and no secret. */
export interface Setting {
  readonly name: string;
  readonly value: string;
  readonly from: string;
}

/** What a check needs. */
export interface Examination {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly signal: AbortSignal;
  /** Clocks of others, as their answers' `Date` headers have it. */
  readonly clocks: { readonly who: string; readonly date: string; readonly receivedAtMs: number }[];
}

/** The weightiest. */
export function worst(findings: readonly Finding[]): Severity {
  const order: readonly Severity[] = ["ok", "note", "warning", "error"];
  return order[Math.max(0, ...findings.map(({ severity }) => order.indexOf(severity)))] ?? "ok";
}
