/** What a command may touch of the process it runs in, so that a test can run one without a process of its own. */

/** The two outputs and the wish to stop. */
export interface Terminal {
  /** For results, and with `--json` for nothing but the one line of JSON. */
  out(text: string): void;
  /** For everything a person should know besides. */
  error(text: string): void;
  /** Aborted when the process is asked to end (SIGINT, SIGTERM). */
  readonly stop: AbortSignal;
  /** True: `error` goes to a screen, where a line can be drawn over. Default false. */
  readonly interactive?: boolean;
  /** Width of that screen. */
  readonly columns?: number;
}

/** Exit codes of the program. */
export const EXIT = {
  ok: 0,
  /** The command was understood and could not be done. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
} as const;

/** An exit code. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
