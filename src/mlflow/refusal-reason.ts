/** Why a server refused, out of whatever it sent: MLflow's JSON, a proxy's page, a plain text. Pure. */

/** MLflow's own words, where the body has them; of pages and plain texts the beginning. */
export function reasonOf(body: string): string {
  try {
    const { error_code, message } = JSON.parse(body) as { error_code?: unknown; message?: unknown };
    if (typeof error_code === "string")
      return `${error_code}${typeof message === "string" ? `, ${message.slice(0, 300).replace(/\.$/, "")}` : ""}`;
  } catch {
    // A proxy's page, or the plain text of the authentication.
  }
  return (
    body
      .replace(/<[^>]*>/g, " ")
      .replace(/\s+/g, " ")
      .trim()
      .slice(0, 200) || "no reason was given"
  );
}

/** What to do about it, with a blank before it; nothing where there is nothing to say. */
export function adviceOn(status: number): string {
  if (status !== 401 && status !== 403) return "";
  return " Check MLFLOW_TRACKING_USERNAME and its password, or the token, and what they may read.";
}
