/**
 * Fields that the searches of tasks, models and projects share (`clearml-protocol`, 3.8). The request is loose: every
 * field of the searched document can be a filter, under a dotted name where it is nested.
 */
import * as z from "zod/mini";
import { lazily } from "./endpoint.js";
import { flag, integer, text, texts } from "./field-types.js";

const pattern = lazily(() => z.nullish(z.looseObject({ fields: texts(), pattern: text(), datetime: text() })));

/** A text, or a list of texts in which null stands for "the field is empty". Prefix `-` excludes; `__$all` first means AND. */
export const listFilter = () => z.nullish(z.union([z.string(), z.array(z.nullable(z.string()))]));

/** Paging, ordering and the filters that every search knows. */
export const searchFields = lazily(() => ({
  _all_: pattern(),
  _any_: pattern(),
  id: listFilter(),
  /** Python regular expression, searched, not matched whole. */
  name: text(),
  tags: listFilter(),
  system_tags: listFilter(),
  search_text: text(),
  /** Fields to return; `id` comes always. */
  only_fields: texts(),
  /** Fields, `-` in front for descending. */
  order_by: texts(),
  /** From 0. */
  page: integer(),
  /** Cut to 500 without a word. */
  page_size: integer(),
  /** Null starts a scroll of `size` rows a page. */
  scroll_id: text(),
  refresh_scroll: flag(),
  size: integer(),
  search_hidden: flag(),
}));

/** What a status call or an edit answers. */
export const updateResponse = lazily(() => z.looseObject({ updated: integer(), fields: z.nullish(z.record(z.string(), z.unknown())) }));
