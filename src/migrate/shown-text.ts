/**
 * Texts of MLflow as they may be read in ClearML. Git addresses with a token in them are how secrets come to be in tags, and a task's
 * page, its search and its exports are read by others than MLflow's were. So addresses lose user and password wherever ClearML
 * shows them; the copy of a run, which is a file and nobody's page, keeps the text as it was. Pure.
 */

import type { MlflowRun } from "../mlflow/mlflow-documents.js";

/** An address within a text: up to a blank, to what may stand around it, or to the next address. */
const ADDRESS = /([a-z][a-z0-9+.-]*:\/\/)((?:(?![a-z][a-z0-9+.-]*:\/\/)[^\s"'<>`])*)/gi;
/** Parts of the file addresses of a diff are code, and no longer a patch once something is taken out. */
const AS_IT_IS: ReadonlySet<string> = new Set(["mlflow.source.git.diff"]);

/** A text whose addresses have no user and password. Of `ssh://git@host` the user stays: it is no secret. */
export function withoutPasswords(text: string): string {
  if (!text.includes("@")) return text;
  return text.replace(ADDRESS, (whole: string, scheme: string, rest: string) => {
    const authority = /^[^/?#]*/.exec(rest)?.[0] ?? "";
    // A password may hold a slash that nobody quoted: then what looks like a host has a port that is no number.
    const isCut = /^[^:[\]]+:(?!\d*$)/.test(authority);
    const end = authority.includes("@") ? authority.lastIndexOf("@") : isCut ? rest.lastIndexOf("@") : -1;
    if (end < 0) return whole;
    const user = /^(?:git\+)?ssh|^sftp/i.test(scheme) ? /^[\w.-]+/.exec(rest.slice(0, end))?.[0] : undefined;
    return `${scheme}${user === undefined ? "" : `${user}@`}${rest.slice(end + 1)}`;
  });
}

/** Of a run: true when it has a text that ClearML shows otherwise, for an address in it names user and password. */
export function hidesPasswords({ info, data }: MlflowRun): boolean {
  const texts = [info.artifact_uri ?? "", ...data.params.map(({ value }) => value)];
  return texts.some((text) => withoutPasswords(text) !== text) || data.tags.some((tag) => shownTag(tag) !== tag.value);
}

/** A tag's value as it is shown. */
export function shownTag({ key, value }: { readonly key: string; readonly value: string }): string {
  return AS_IT_IS.has(key) ? value : withoutPasswords(value);
}
