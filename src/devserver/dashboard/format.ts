/** Numbers, sizes and times as a person reads them. Pure; `now` is always given. */

const PLACEHOLDER = "–";

/** At most five significant digits; exponents where the plain form would be long. */
export function formatNumber(value: number | undefined | null): string {
  if (value === undefined || value === null) return PLACEHOLDER;
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (magnitude >= 1e7 || magnitude < 1e-4)
    return value
      .toExponential(3)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e");
  if (Number.isInteger(value)) return formatCount(value);
  return String(Number(value.toPrecision(5)));
}

/** An axis label: as short as it can be, `2.5M` for millions, without the dust of binary fractions. */
export function formatTick(value: number): string {
  const clean = Number(value.toPrecision(10));
  if (Math.abs(clean) < 1e5 || Math.abs(clean) >= 1e15) return formatNumber(clean);
  return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 }).format(clean);
}

/** A whole number with its digits in groups of three. */
export function formatCount(value: number): string {
  return new Intl.NumberFormat("en").format(value);
}

/** Binary units, three significant digits. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined || !Number.isFinite(bytes)) return PLACEHOLDER;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? String(value) : String(Number(value.toPrecision(3)))} ${units[unit] ?? ""}`;
}

/** `48 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. */
export function formatDuration(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return PLACEHOLDER;
  const seconds = Math.max(0, Math.round(ms / 1000));
  const steps: readonly (readonly [string, number])[] = [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ];
  const first = steps.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "0 s";
  let rest = seconds;
  const words: string[] = [];
  for (const [unit, size] of steps.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) words.push(`${String(count)} ${unit}`);
  }
  return words.join(" ");
}

/** `just now`, `12 s ago`, `4 min ago`: the largest unit alone. */
export function formatRelative(timeMs: number | undefined, nowMs: number): string {
  if (timeMs === undefined) return PLACEHOLDER;
  const ageMs = nowMs - timeMs;
  if (ageMs < 5000) return "just now";
  const [largest = ""] = /^\d+ \w+/.exec(formatDuration(ageMs)) ?? [];
  return `${largest} ago`;
}

/** Local date and time to the second. */
export function formatDateTime(timeMs: number | undefined): string {
  if (timeMs === undefined) return PLACEHOLDER;
  return new Date(timeMs).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

/** Local time of day with milliseconds, for console lines. */
export function formatClock(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** Milliseconds of a wire time: an ISO text, or a number in milliseconds. Undefined for anything else. */
export function parseTime(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  const parsed = Date.parse(value);
  return Number.isNaN(parsed) ? undefined : parsed;
}
