/** What the places on a figure's axis are, by its layout and by what lies on it. Pure. */
import type { FigureAxis, Place } from "./figure.js";
import { cellText, fieldsOf, listOf, numberOf, textOf } from "./trace-values.js";

/** A day at least; with a time of day or without. */
const DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** `layout` is the axis of the figure's layout, `columns` all that is placed on it. */
export function readAxis(layout: unknown, columns: readonly unknown[]): FigureAxis {
  const { title, type, autorange } = fieldsOf(layout);
  const values = columns.flatMap((column) => [...(listOf(column) ?? [])]);
  const kind = type === "log" || type === "category" || type === "date" || type === "linear" ? type : kindOf(values);
  return {
    title: textOf(title),
    kind,
    categories: kind === "category" ? [...new Set(values.map(cellText))] : [],
    isReversed: autorange === "reversed",
  };
}

/** Where a value lies on the axis; `index` stands in for a value that is not given. */
export function placeOn(axis: FigureAxis, value: unknown, categories: ReadonlyMap<string, number>): Place {
  switch (axis.kind) {
    case "category":
      return categories.get(cellText(value)) ?? null;
    case "date": {
      if (typeof value === "number") return value;
      const time = typeof value === "string" ? Date.parse(value.replace(" ", "T")) : Number.NaN;
      return Number.isNaN(time) ? null : time;
    }
    case "log": {
      const number = numberOf(value);
      return number !== null && number > 0 ? number : null;
    }
    case "linear":
      return numberOf(value);
  }
}

/** Numbers of the axis's categories. */
export function categoryNumbers(axis: FigureAxis): Map<string, number> {
  return new Map(axis.categories.map((name, index) => [name, index]));
}

function kindOf(values: readonly unknown[]): FigureAxis["kind"] {
  const texts = values.filter((value) => typeof value === "string" && value !== "");
  if (texts.length === 0 || texts.every((text) => numberOf(text) !== null || text === "nan")) return "linear";
  return texts.every((text) => DATE.test(text as string)) ? "date" : "category";
}
