/**
 * Text on its way to ClearML. The server's JSON parser turns a string that is exactly an ISO date or time into a date
 * object, which it then refuses or rewrites (`clearml-protocol`, 4.3); terminals' carriage returns and texts without an
 * end do a console no good. Pure functions; what they change, they change visibly.
 */
import { isIsoLookalike } from "../records/metric-address.js";

/** The longest console message, in UTF-16 code units: the size up to which ClearML's own client joins lines (4.7). */
export const MAX_MESSAGE_LENGTH = 1_048_576;
/** The longest preview of an artifact (3.12). */
export const MAX_PREVIEW_LENGTH = 65_536;
/** The longest reason or message of a status, so that a stack trace does not fill the task's head. */
export const MAX_STATUS_TEXT_LENGTH = 2_000;

/**
 * A free text (message, value, comment): one that the server would read as a date gets a trailing space, which a
 * person does not see and every parser of numbers and dates skips. Lone surrogates, which no UTF-8 can carry, become U+FFFD.
 */
export function freeText(text: string): string {
  const wellFormed = text.toWellFormed();
  return isIsoLookalike(wellFormed) ? `${wellFormed} ` : wellFormed;
}

/** A name (key, tag, section): as {@link freeText}, but with an underscore, because the server strips names. */
export function nameText(text: string): string {
  const wellFormed = text.toWellFormed();
  return isIsoLookalike(wellFormed.trim()) ? `${wellFormed.trim()}_` : wellFormed;
}

/** A text of at most `maxLength` code units; what is cut off is counted in the text itself. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const notice = (cut: number): string => ` [trainer-sdk cut ${String(cut)} characters]`;
  const kept = Math.max(0, maxLength - notice(text.length).length);
  return `${text.slice(0, kept).toWellFormed()}${notice(text.length - kept)}`;
}

/**
 * A console message as it would stand on a terminal: of a line that was overwritten by carriage returns (a progress
 * bar) the last state stays.
 */
export function consoleText(message: string): string {
  const collapsed = message.includes("\r") ? message.split("\n").map(lastState).join("\n") : message;
  return freeText(cutText(collapsed, MAX_MESSAGE_LENGTH));
}

function lastState(line: string): string {
  return line.split("\r").findLast((state) => state !== "") ?? "";
}
