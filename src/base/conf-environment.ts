/**
 * Variables that `clearml.conf` sets: its section `environment`, where `sdk.apply_environment` turns it on. ClearML's own
 * client writes them into the process, for everybody in it; here they count for this package alone.
 */
import { CONF_VARIABLES, readClearMLConf } from "./clearml-conf.js";
import type { ConfVariables } from "./clearml-conf-files.js";

/** What was read before the section was known: where the file is, where ClearML is, and who asks. */
const READ_BEFORE = /^(?:CLEARML|TRAINS)_(?:CONFIG_|API_|WEB_HOST$|FILES_HOST$|AUTH_TOKEN$)/;

/**
 * An environment with the section over it: as in ClearML's client it wins over what was set, and has no say in what was read
 * before it. To be called once, where an environment enters: a value may refer to the one that it replaces.
 */
export function withConfEnvironment(env: ConfVariables): ConfVariables {
  const { environment } = readClearMLConf(env);
  if (environment === undefined) return env;
  const counted = Object.entries(environment).filter(
    ([name]) => !READ_BEFORE.test(name) && !(CONF_VARIABLES as readonly string[]).includes(name),
  );
  return { ...env, ...Object.fromEntries(counted) };
}
