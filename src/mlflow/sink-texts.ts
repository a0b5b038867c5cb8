/**
 * Where the files of a run are that the sink makes of a text: ClearML has the same texts as configuration objects. The sink writes them,
 * the proof reads them. Pure.
 */
import { pathPart } from "./mlflow-names.js";

/** The job's results, with an end of line. */
export const RESULTS_PATH = "results.json";

/** A configuration object; its type is the ending where that is one. */
export function configurationPath({ name, type = "" }: { readonly name: string; readonly type?: string | undefined }): string {
  const extension = /^(json|yaml|yml|toml|xml)$/i.test(type) ? `.${type.toLowerCase()}` : ".txt";
  return `configuration/${pathPart(name.toLowerCase().endsWith(extension) ? name : `${name}${extension}`)}`;
}
