/** What a figure comes to on this page: panels that one of a few drawings can show. */
import type { ColourScale } from "./colour-scale.js";

/** A figure of Plotly's form, read. */
export interface Figure {
  readonly title: string | undefined;
  readonly panels: readonly Panel[];
  /** As it came, for who wants to see it. */
  readonly source: unknown;
}

export type Panel = CartesianPanel | MatrixPanel | TablePanel | ImagePanel | UndrawnPanel;

/** What a place on an axis is. `date`: milliseconds since the epoch. `category`: the number of the category. */
export interface FigureAxis {
  readonly title: string | undefined;
  readonly kind: "linear" | "log" | "date" | "category";
  readonly categories: readonly string[];
  readonly isReversed: boolean;
}

/** Lines, points and bars over two axes. */
export interface CartesianPanel {
  readonly kind: "cartesian";
  readonly x: FigureAxis;
  readonly y: FigureAxis;
  readonly marks: readonly Mark[];
  readonly barMode: "group" | "stack";
  /** What a reader should know of how it is drawn. */
  readonly note: string | undefined;
}

export type Mark = PointMark | BarMark;

/** A place is null where there is none. */
export type Place = number | null;

export interface PointMark {
  readonly kind: "points";
  readonly name: string;
  readonly x: readonly Place[];
  readonly y: readonly Place[];
  readonly hasLine: boolean;
  readonly hasMarkers: boolean;
  readonly isDashed: boolean;
  /** Filled down to the axis. */
  readonly isFilled: boolean;
  /** Said of each point under the pointer, by its number. */
  readonly texts: readonly string[];
}

export interface BarMark {
  readonly kind: "bars";
  readonly name: string;
  /** Where each bar stands: on the x axis, or with `isHorizontal` on the y axis. */
  readonly at: readonly Place[];
  readonly length: readonly Place[];
  readonly isHorizontal: boolean;
  /** Width of a bar on its axis; undefined: by the distance to the next. */
  readonly width: number | undefined;
}

/** Numbers in cells, the colour of each by its value. */
export interface MatrixPanel {
  readonly kind: "matrix";
  readonly xTitle: string | undefined;
  readonly yTitle: string | undefined;
  readonly columns: readonly string[];
  /** Names of the rows, top down as drawn. */
  readonly rows: readonly string[];
  /** Rows of values, top down as drawn. */
  readonly values: readonly (readonly (number | null)[])[];
  readonly colours: ColourScale;
  readonly note: string | undefined;
}

export interface TablePanel {
  readonly kind: "table";
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface ImagePanel {
  readonly kind: "image";
  readonly source: string;
}

/** What there is no drawing for: its data stands for it. */
export interface UndrawnPanel {
  readonly kind: "undrawn";
  /** Plotly's name for it. */
  readonly type: string;
  readonly trace: unknown;
}
