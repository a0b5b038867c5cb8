/** An address of stored bytes: a download when a browser can fetch it, else a text to copy. */
import { useFetchableUri } from "../data/environment.js";
import { CopyButton } from "./copy-button.js";

export interface UriTextProps {
  readonly uri: string | undefined;
  /** What lies there, for the labels. */
  readonly what: string;
}

export function UriText({ uri, what }: UriTextProps) {
  const href = useFetchableUri(uri ?? "");
  if (uri === undefined || uri === "") return <span class="muted">none</span>;
  return (
    <span class="uri">
      <code>{uri}</code>
      <CopyButton text={uri} what={`address of ${what}`} />
      {href !== undefined && (
        <a class="button" href={href} download rel="noreferrer" aria-label={`Download ${what}`}>
          Download
        </a>
      )}
    </span>
  );
}
