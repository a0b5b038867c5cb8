/** What a sample is, by the end of its address. Pure. */

export type SampleKind = "image" | "audio" | "video" | "page" | "text" | "file";

const KINDS: Readonly<Record<string, SampleKind>> = {
  avif: "image",
  bmp: "image",
  gif: "image",
  jpeg: "image",
  jpg: "image",
  png: "image",
  svg: "image",
  webp: "image",
  flac: "audio",
  mp3: "audio",
  oga: "audio",
  ogg: "audio",
  wav: "audio",
  m4v: "video",
  mov: "video",
  mp4: "video",
  webm: "video",
  htm: "page",
  html: "page",
  csv: "text",
  json: "text",
  log: "text",
  md: "text",
  txt: "text",
};

/** Undefined endings are files: offered, not shown. */
export function sampleKind(url: string): SampleKind {
  const path = /^[^?#]*/.exec(url)?.[0] ?? "";
  const ending = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
  return KINDS[ending] ?? "file";
}
