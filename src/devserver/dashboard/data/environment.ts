/** Which environment variables reach this server, as far as the page can know. */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { readJson } from "./clearml-reader.js";
import { ownFilePath } from "./own-files.js";

/** Variables by name. */
export type Environment = Readonly<Record<string, string>>;

/** Where the server tells its own origin how it is reached from elsewhere. */
const ENVIRONMENT_PATH = "/env.json";

/** What the server told; undefined until then, or when it tells nothing. */
export const EnvironmentContext = createContext<Environment | undefined>(undefined);

/** Reads the server's own word, once. For the entry, which provides it to all others. */
export function useServerEnvironment(): Environment | undefined {
  const [environment, setEnvironment] = useState<Environment | undefined>(undefined);
  useEffect(() => {
    const abort = new AbortController();
    readJson<{ env?: Environment }>(ENVIRONMENT_PATH, abort.signal).then(
      ({ env }) => {
        setEnvironment(env);
      },
      () => {
        // A server that does not tell: all that needs this has something to say without it.
      },
    );
    return () => {
      abort.abort();
    };
  }, []);
  return environment;
}

/**
 * The lines to set where a training runs. When the server does not tell, the web port's own addresses, behind which the
 * API and the files are as well; `isWhole` is then false, because the keys are known to the terminal alone.
 */
export function useEnvironmentLines(): { readonly text: string; readonly isWhole: boolean } {
  const told = useContext(EnvironmentContext);
  const environment = told ?? {
    CLEARML_API_HOST: `${location.origin}/api`,
    CLEARML_WEB_HOST: location.origin,
    CLEARML_FILES_HOST: `${location.origin}/files`,
    CLEARML_API_ACCESS_KEY: "...",
    CLEARML_API_SECRET_KEY: "...",
    CALLBACK_URL: `${location.origin}/callbacks`,
  };
  const lines = Object.entries(environment).map(([name, value]) => `export ${name}=${value}`);
  return { text: lines.join("\n"), isWhole: told !== undefined };
}

/**
 * Where the browser finds an address of stored bytes, or undefined when it cannot fetch it. What lies at this server's
 * own file server is fetched through the page's origin, whose session it is. Only http(s): an address comes from
 * whoever wrote the task, and `javascript:` must never become a link.
 */
export function useFetchableUri(uri: string): string | undefined {
  const filesHost = useContext(EnvironmentContext)?.["CLEARML_FILES_HOST"];
  return ownFilePath(uri, filesHost) ?? (/^https?:\/\//i.test(uri) ? uri : undefined);
}
