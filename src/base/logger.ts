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

/** Says nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
