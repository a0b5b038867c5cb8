/** Versions, and how this machine's clock goes beside others'. */
import { counted } from "../../base/counted.js";
import type { Examination, Finding } from "./finding.js";

/** S3 refuses what is signed so far off, and tokens lose their meaning. */
const REFUSED_SKEW_MS = 15 * 60_000;
const NOTABLE_SKEW_MS = 30_000;
/** `Date` has whole seconds, and the answer took its time. */
const BLUR_MS = 2_000;

export function versions(packageVersion: string): readonly Finding[] {
  const { node } = process.versions;
  return [
    {
      id: "versions",
      severity: "ok",
      message: `trainer-sdk ${packageVersion} on Node.js ${node}, ${process.platform} ${process.arch}.`,
      facts: { package: packageVersion, node, platform: process.platform },
    },
  ];
}

/** Called last, when the others' clocks were read. */
export function checkClocks({ clocks }: Examination): readonly Finding[] {
  // One server may have been asked twice.
  const seen = [...new Map(clocks.map((clock) => [clock.who, clock])).values()].flatMap(({ who, date, receivedAtMs }) => {
    const at = Date.parse(date);
    return Number.isNaN(at) ? [] : [{ who, skewMs: receivedAtMs - at }];
  });
  const off = seen.filter(({ skewMs }) => Math.abs(skewMs) > NOTABLE_SKEW_MS);
  if (off.length === 0) {
    if (seen.length === 0)
      return [{ id: "clock", severity: "note", message: "No server told its time, so this machine's clock could not be compared." }];
    return [
      {
        id: "clock",
        severity: "ok",
        message: `This machine's clock agrees with that of ${counted(seen.length, "server")}, to ${String(BLUR_MS / 1000)} s.`,
      },
    ];
  }
  return off.map(({ who, skewMs }) => {
    const seconds = Math.round(Math.abs(skewMs) / 1000);
    const by = seconds < 120 ? `${String(seconds)} s` : `${String(Math.round(seconds / 60))} min`;
    return {
      id: "clock",
      severity: Math.abs(skewMs) > REFUSED_SKEW_MS ? "error" : "warning",
      message: `This machine's clock is ${by} ${skewMs > 0 ? "ahead of" : "behind"} that of ${who.replace(/^The/, "the")}.`,
      advice:
        "Let it be set by NTP. Signatures and tokens that seem to come from another time are refused, and charts by time are shifted.",
      facts: { skewMs: Math.round(skewMs) },
    };
  });
}
