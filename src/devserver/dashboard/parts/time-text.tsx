/** An age that grows on the screen, with the exact time behind it. */
import { formatDateTime, formatRelative, parseTime } from "../format.js";
import { useNow } from "../data/use-resource.js";

/** `value` is a time as the wire has it. */
export function TimeAgo({ value }: { readonly value: unknown }) {
  const now = useNow(5000);
  const time = parseTime(value);
  if (time === undefined) return <span class="muted">–</span>;
  return (
    <time dateTime={new Date(time).toISOString()} title={formatDateTime(time)}>
      {formatRelative(time, now)}
    </time>
  );
}
