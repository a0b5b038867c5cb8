/** What a program of the benchmark was told, and how it answers: one line of JSON. */

/** The JSON of the first argument; the caller says what it is. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function input<T>(): T {
  return JSON.parse(process.argv[2] ?? "{}") as T;
}

export function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
