/** Samples: an image, a video, a sound, a page. Where one comes from, and what every one of them has. */
import { checkObject, checkOptionalText, checkText, wrongType } from "../../base/check.js";
import { contentTypeOf } from "./content-types.js";
import { encodePng, readPixels, type Pixels } from "./png.js";

/** What every sample has. */
export interface SampleInput {
  /** ClearML's `metric`. */
  readonly title: string;
  /** ClearML's `variant`. */
  readonly series: string;
  /** A whole number of 0 or more, absolute. Default 0. */
  readonly iteration?: number;
  /** A file. */
  readonly path?: string;
  /** Where it lies already: nothing is stored, the address is shown. */
  readonly url?: string;
  /** Default: by the ending of the file's name. */
  readonly contentType?: string;
}

/** A video, a sound, a text, any file. Exactly one of `path`, `content` and `url`. */
export interface MediaInput extends SampleInput {
  /** The file's bytes, or its text. Goes with `fileName`. */
  readonly content?: Uint8Array | string;
  /** For `content`: a name with the ending that says what it is, such as `speech.wav`. */
  readonly fileName?: string;
}

/** An image. Exactly one of `path`, `content`, `pixels` and `url`. */
export interface ImageInput extends MediaInput {
  /** The image as numbers; stored as PNG. */
  readonly pixels?: Pixels;
}

/** A page. Exactly one of `html`, `path` and `url`. */
export interface HtmlInput extends SampleInput {
  readonly html?: string;
}

/** Where the bytes are. `content` is the caller's own, to be copied before the call returns, or makes the bytes from a copy. */
export type MediaSource =
  | { readonly path: string }
  | { readonly content: Uint8Array | (() => Promise<Uint8Array>); readonly fileName: string }
  | { readonly url: string };

/** A sample whose argument types are right. */
export interface ReadSample {
  readonly title: string;
  readonly series: string;
  readonly iteration: number;
  readonly source: MediaSource;
  readonly contentType: string;
  /** Pixels that were not finite and are black. */
  readonly nonFinite: number;
}

/** @throws ValidationError for an argument of the wrong type. */
export function readMedia(verb: string, input: MediaInput): ReadSample {
  checkObject(verb, "input", input);
  const { content, fileName } = input;
  checkOne(verb, input, ["path", "content", "url"]);
  if (content === undefined) return sample(verb, input, fileSource(verb, input));
  checkText(verb, "fileName", fileName);
  if (typeof content !== "string" && !(content instanceof Uint8Array)) wrongType(verb, "content", "a Uint8Array or a text", content);
  return sample(verb, input, { content: typeof content === "string" ? Buffer.from(content) : content, fileName });
}

/** Pixels are copied at once and packed off the main thread. @throws ValidationError for an argument of the wrong type. */
export function readImage(verb: string, input: ImageInput): ReadSample {
  checkObject(verb, "input", input);
  if (input.pixels === undefined) {
    checkOne(verb, input, ["path", "content", "pixels", "url"]);
    return readMedia(verb, input);
  }
  checkOne(verb, input, ["pixels", "path", "content", "url"]);
  const pixels = readPixels(verb, "pixels", input.pixels);
  return { ...sample(verb, input, { content: () => encodePng(pixels), fileName: "image.png" }), nonFinite: pixels.nonFinite };
}

/** @throws ValidationError for an argument of the wrong type. */
export function readHtml(verb: string, input: HtmlInput): ReadSample {
  checkObject(verb, "input", input);
  checkOne(verb, input, ["html", "path", "url"]);
  if (input.html === undefined) return sample(verb, input, fileSource(verb, input));
  checkOptionalText(verb, "html", input.html);
  return sample(verb, input, { content: Buffer.from(input.html), fileName: "page.html" });
}

function checkOne(verb: string, input: object, names: readonly string[]): void {
  const given = names.filter((name) => (input as Readonly<Record<string, unknown>>)[name] !== undefined);
  if (given.length !== 1)
    wrongType(verb, names[0] ?? "", `given, or else ${names.slice(1).join(" or ")}: exactly one of them`, given.length);
}

function fileSource(verb: string, { path, url }: SampleInput): MediaSource {
  if (url === undefined) {
    checkText(verb, "path", path);
    return { path };
  }
  checkText(verb, "url", url);
  if (!URL.canParse(url)) wrongType(verb, "url", "an absolute address", url);
  return { url };
}

function sample(verb: string, input: SampleInput, source: MediaSource): ReadSample {
  const { title, series, iteration = 0, contentType } = input;
  checkText(verb, "title", title);
  checkText(verb, "series", series);
  if (typeof iteration !== "number") wrongType(verb, "iteration", "a number", iteration);
  checkOptionalText(verb, "contentType", contentType);
  const fileName = "path" in source ? source.path : "url" in source ? new URL(source.url).pathname : source.fileName;
  return { title, series, iteration, source, contentType: contentType ?? contentTypeOf(fileName), nonFinite: 0 };
}
