/** Where metrics that are known all at once are drawn: those of a finished run, or of one report. No two share a line. */
import { AddressBook, metricAddress, type MetricAddress } from "./metric-address.js";

/** Chart and line that a metric asks for, by its name. */
export type AddressOf = (name: string) => MetricAddress;

/**
 * Chart and line of each metric, by its name: those that a live trainer reports under. Of two names with one address
 * (`train/loss` and `train_loss`) the first by the alphabet gets the line, the other a numbered one beside it, so the order
 * of `names` does not matter. Pure, if `addressOf` is.
 *
 * @param addressOf - Default: the rule of {@link metricAddress}.
 */
export function metricAddresses(names: Iterable<string>, addressOf: AddressOf = metricAddress): ReadonlyMap<string, MetricAddress> {
  const book = new AddressBook();
  const asked = new Set<string>();
  const addresses = new Map<string, MetricAddress>();
  for (const name of [...new Set(names)].toSorted()) {
    const { title, series } = addressOf(name);
    let line = series;
    for (let copy = 2; asked.has(JSON.stringify([title, line])); copy++) line = `${series} (${String(copy)})`;
    asked.add(JSON.stringify([title, line]));
    addresses.set(name, book.resolve({ title, series: line }));
  }
  return addresses;
}
