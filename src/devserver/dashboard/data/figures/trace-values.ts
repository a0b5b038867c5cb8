/** Values of a figure as clients write them: lists, packed numbers, texts with markup, anything. Pure. */

export type Fields = Readonly<Record<string, unknown>>;

/** A JSON object, or an empty one for anything else. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** A text without its markup, or undefined when there is none: titles may hold `<br>` and `<sup>`. */
export function textOf(value: unknown): string | undefined {
  const text = typeof value === "string" ? value : typeof fieldsOf(value)["text"] === "string" ? (fieldsOf(value)["text"] as string) : "";
  const plain = text
    .replace(/<br\s*\/?>/gi, " ")
    .replace(/<\/?[a-z][^<>]*>/gi, "")
    .trim();
  return plain === "" ? undefined : plain;
}

/** Texts of table cells, labels and categories. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return textOf(value) ?? "";
  return typeof value === "number" || typeof value === "boolean" ? String(value) : JSON.stringify(value);
}

/** A number, or null for what is none; clients write NaN as null or as the text `nan`. */
export function numberOf(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string" || value.trim() === "") return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** A list, or undefined for what is none. Plotly 6 packs numbers: `{"dtype": "f8", "bdata": <base64>, "shape": "2, 3"}`. */
export function listOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value as readonly unknown[];
  const { dtype, bdata, shape } = fieldsOf(value);
  if (typeof dtype !== "string" || typeof bdata !== "string") return undefined;
  const numbers = unpack(dtype, bdata);
  const columns = typeof shape === "string" ? Number(shape.split(",")[1]) : Number.NaN;
  if (!numbers || !Number.isInteger(columns) || columns < 1) return numbers;
  return Array.from({ length: Math.ceil(numbers.length / columns) }, (_none, row) => numbers.slice(row * columns, (row + 1) * columns));
}

/** A list of lists of numbers, or undefined. */
export function matrixOf(value: unknown): (number | null)[][] | undefined {
  const rows = listOf(value)?.map((row) => listOf(row)?.map(numberOf));
  if (!rows || rows.length === 0 || rows.some((row) => row === undefined)) return undefined;
  return rows as (number | null)[][];
}

type Reader = (view: DataView, at: number) => number;

const READERS: Readonly<Record<string, readonly [sizeBytes: number, read: Reader]>> = {
  i1: [1, (view, at) => view.getInt8(at)],
  u1: [1, (view, at) => view.getUint8(at)],
  i2: [2, (view, at) => view.getInt16(at, true)],
  u2: [2, (view, at) => view.getUint16(at, true)],
  i4: [4, (view, at) => view.getInt32(at, true)],
  u4: [4, (view, at) => view.getUint32(at, true)],
  f4: [4, (view, at) => view.getFloat32(at, true)],
  f8: [8, (view, at) => view.getFloat64(at, true)],
};

function unpack(type: string, base64: string): number[] | undefined {
  const [sizeBytes, read] = READERS[type] ?? [];
  if (sizeBytes === undefined || read === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Array.from({ length: Math.floor(bytes.length / sizeBytes) }, (_none, index) => read(view, index * sizeBytes));
  } catch {
    return undefined;
  }
}
