/** Sizes for people, spelled as ClearML's own client spells them: decimal, two places, `bytes` in full. */
const UNITS = ["bytes", "KB", "MB", "GB", "TB", "PB"] as const;

/** `0 bytes`, `1 byte`, `1.5 KB`. */
export function fileSizeText(sizeBytes: number): string {
  let unit = sizeBytes > 0 ? Math.min(Math.floor(Math.log10(sizeBytes) / 3), UNITS.length - 1) : 0;
  let text = shortened(sizeBytes / 1000 ** unit);
  // 999,995 bytes would be 1000 KB.
  if (text === "1000" && unit < UNITS.length - 1) {
    unit += 1;
    text = "1";
  }
  return text === "1" && unit === 0 ? "1 byte" : `${text} ${UNITS[unit] ?? "bytes"}`;
}

function shortened(value: number): string {
  return value.toFixed(2).replace(/\.?0+$/, "");
}
