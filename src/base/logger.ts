/** The package's own words to whoever runs it. Never the console by itself: a library that prints is a nuisance. */

/** Values that help a reader act; never a secret. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Four methods, so that pino, winston, `console` or a test double fit without an adapter. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/**
 * The same logger, whose failures hurt nobody: one that throws (pino's does once its worker has exited) or rejects would
 * otherwise end a delivery that only wanted to tell something, or the whole process.
 */
export function unfailing(logger: Logger): Logger {
  const guarded =
    (method: keyof Logger) =>
    (message: string, fields?: LogFields): void => {
      try {
        // An async function fits the type too.
        const answer: unknown = fields === undefined ? logger[method](message) : logger[method](message, fields);
        if (answer instanceof Promise) answer.catch(() => undefined);
      } catch {
        // There is nobody left to be told.
      }
    };
  return { debug: guarded("debug"), info: guarded("info"), warn: guarded("warn"), error: guarded("error") };
}

/** Says nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
