/**
 * Which line of which chart a metric is drawn on, for the life of a task. Two names never share a line unless the
 * caller asked for that very line: the server would overwrite one by the other (`clearml-protocol`, 4.4). What was once
 * answered is kept in the sink's memory, so that a restarted process goes on with the same lines.
 */
import type { JsonValue } from "../../base/json.js";
import type { SinkMemory } from "../../outbox/sink.js";
import { AddressBook, metricAddress, type MetricAddress } from "../../records/metric-address.js";

/** Entries a page of memory holds: a new metric rewrites one page, not the whole list. */
const PAGE_SIZE = 100;
const NAMES = "metric-names";
const ADDRESSES = "metric-addresses";

/** A kept answer: who asked (a metric's name, or an address as the book spells it), and the line. */
type Entry = readonly [asked: string, title: string, series: string];

/** Chart and line of a metric. */
export type AddressRule = (name: string) => MetricAddress;

export class MetricLines {
  readonly #rule: AddressRule;
  readonly #book: AddressBook;
  /** By metric name: what it asks the book for. */
  readonly #claims = new Map<string, MetricAddress>();
  /** By metric name: the line. */
  readonly #lines = new Map<string, MetricAddress>();
  /** Addresses that belong to a name. */
  readonly #owned = new Set<string>();
  readonly #savedNames: Entry[];
  readonly #savedAddresses: Entry[];
  #changed = false;

  private constructor(rule: AddressRule, names: Entry[], addresses: Entry[]) {
    this.#rule = rule;
    this.#savedNames = names;
    this.#savedAddresses = addresses;
    this.#book = new AddressBook(addresses.map(([asked, title, series]) => [asked, { title, series }]));
    for (const [name, title, series] of names) this.#claim(name, { title, series });
  }

  /** Goes on where an earlier process stopped. `rule` is the caller's; default {@link metricAddress}. It must not throw. */
  static load(memory: SinkMemory, rule: AddressRule = metricAddress): MetricLines {
    return new MetricLines(rule, readPages(memory, NAMES), readPages(memory, ADDRESSES));
  }

  /**
   * Gives lines to names that are new together, in the order in which a migrated run's are given (`metricAddresses`): so of
   * two names with one address the same one has the plain line here and there.
   */
  learn(names: Iterable<string>): void {
    for (const name of [...names].filter((each) => !this.#lines.has(each)).toSorted()) this.ofName(name);
  }

  /** The line of a metric by its name. When the line belongs to another name already, a numbered series beside it. */
  ofName(name: string): MetricAddress {
    const known = this.#lines.get(name);
    if (known) return known;
    const wanted = this.#rule(name);
    let claim = wanted;
    for (let copy = 2; this.#owned.has(identity(claim)); copy++)
      claim = { title: wanted.title, series: `${wanted.series} (${String(copy)})` };
    this.#changed = true;
    return this.#claim(name, claim);
  }

  /** The line that a caller named by chart and series. It may be the line of a metric with that address: that was the wish. */
  ofAddress(address: MetricAddress): MetricAddress {
    this.#changed = true;
    return this.#book.resolve(address);
  }

  /** Makes every answer given so far durable. To be awaited before the first point of a new line is sent. */
  async save(memory: SinkMemory): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    await writePages(memory, NAMES, this.#savedNames, [...this.#claims].map(toEntry));
    await writePages(memory, ADDRESSES, this.#savedAddresses, this.#book.entries().map(toEntry));
  }

  #claim(name: string, claim: MetricAddress): MetricAddress {
    const line = this.#book.resolve(claim);
    this.#claims.set(name, claim);
    this.#lines.set(name, line);
    this.#owned.add(identity(claim));
    return line;
  }
}

/** A caller's rule that cannot fail: where it throws or answers with no address, the default rule holds and `onBad` hears of it. */
export function safeRule(rule: AddressRule, onBad: (name: string, error: unknown) => void): AddressRule {
  return (name) => {
    try {
      const address: unknown = rule(name);
      if (isAddress(address)) return { title: address.title, series: address.series };
      onBad(name, new TypeError("it gave no { title, series } of texts that are not empty"));
    } catch (error) {
      onBad(name, error);
    }
    return metricAddress(name);
  };
}

function isAddress(value: unknown): value is MetricAddress {
  if (typeof value !== "object" || value === null) return false;
  const { title, series } = value as { title?: unknown; series?: unknown };
  return typeof title === "string" && typeof series === "string" && title.trim() !== "" && series.trim() !== "";
}

function identity(address: MetricAddress): string {
  return JSON.stringify([address.title, address.series]);
}

function toEntry([asked, { title, series }]: readonly [string, MetricAddress]): Entry {
  return [asked, title, series];
}

function readPages(memory: SinkMemory, list: string): Entry[] {
  const entries: Entry[] = [];
  for (let page = 0; ; page++) {
    const kept = memory.get(`${list}:${String(page)}`);
    if (!Array.isArray(kept)) return entries;
    entries.push(...(kept as readonly JsonValue[]).filter(isEntry));
  }
}

function isEntry(value: unknown): value is Entry {
  return Array.isArray(value) && value.length === 3 && value.every((part) => typeof part === "string");
}

/** A list only grows at its end, so what is new begins on the page that was written last. */
async function writePages(memory: SinkMemory, list: string, saved: Entry[], entries: readonly Entry[]): Promise<void> {
  if (entries.length === saved.length) return;
  for (let page = Math.floor(saved.length / PAGE_SIZE); page * PAGE_SIZE < entries.length; page++) {
    await memory.set(`${list}:${String(page)}`, entries.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE));
  }
  saved.push(...entries.slice(saved.length));
}
