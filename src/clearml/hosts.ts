/** Where ClearML's three servers are when only some of them were named (`clearml-protocol`, 2.4, and 1.1 for `/api`). */

/** The API of ClearML's own service: where the official SDK goes when no host is named. */
export const DEFAULT_API_HOST = "https://api.clear.ml";

/** The web application beside an API server: `app.` for `api.`, port 8080 for 8008, the root for `/api`. Else unknown. */
export function webHostOf(apiHost: string): string | undefined {
  if (apiHost.includes("://api.")) return apiHost.replace("://api.", "://app.");
  const url = new URL(apiHost);
  if (url.port === "8008") return apiHost.replace(":8008", ":8080");
  return url.pathname === "/api" ? apiHost.slice(0, -"/api".length) : undefined;
}

/** The file server beside a web application: port 8081 for any port, `files.` for `app.`, else port 8081 added. */
export function filesHostOf(webHost: string, apiHost: string): string {
  const url = new URL(webHost);
  // Behind the stock web container all three share one address.
  if (apiHost === `${webHost}/api`) return `${webHost}/files`;
  if (url.port !== "") return webHost.replace(`:${url.port}`, ":8081");
  if (url.host.startsWith("app.")) return webHost.replace("://app.", "://files.");
  return webHost.replace(url.host, `${url.host}:8081`);
}
