/**
 * What only a job with ClearML needs, behind one `import()`: a third of the package's code, and the schemas of the whole
 * wire. A trainer without ClearML never loads it, and with it the root entry is imported before, not after.
 */
export { createClearML } from "../clearml/create-clearml.js";
export { createClearMLSink } from "../sinks/clearml/clearml-sink.js";
