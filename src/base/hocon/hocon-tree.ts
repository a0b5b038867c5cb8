/** A HOCON text as it was written, before anything in it refers to anything: what the parser makes and the resolver reads. */

/** What comes of a text in the end. */
export type HoconValue = string | number | boolean | null | readonly HoconValue[] | HoconObject;
/** An object of it. */
export interface HoconObject {
  readonly [key: string]: HoconValue;
}

/** A place in a text, from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A value as it was written. */
export type Node =
  | { readonly kind: "scalar"; readonly value: string | number | boolean | null; readonly isQuoted: boolean }
  | { readonly kind: "array"; readonly items: readonly Node[] }
  | ObjectNode
  | {
      readonly kind: "reference";
      readonly path: readonly string[];
      readonly isOptional: boolean;
      readonly place: Place;
      readonly file: string;
    }
  /** Values side by side, with the blanks between them. */
  | { readonly kind: "joined"; readonly parts: readonly (Node | string)[] };

/** Every value that a key was given, in order: a later object is merged into an earlier one, anything else replaces it. */
export interface ObjectNode {
  readonly kind: "object";
  readonly fields: Map<string, Node[]>;
}

/** What is wrong with a text, and where. */
export class HoconError extends Error {
  readonly file: string;
  readonly place: Place;

  constructor(message: string, file: string, place: Place) {
    super(`${file}, line ${String(place.line)}, column ${String(place.column)}: ${message}`);
    this.name = "HoconError";
    this.file = file;
    this.place = place;
  }
}
