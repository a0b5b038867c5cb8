/** An address of stored bytes: a download when a browser can fetch it, else a text to copy. */
import { CopyButton } from "./copy-button.js";

export interface UriTextProps {
  readonly uri: string | undefined;
  /** What lies there, for the labels. */
  readonly what: string;
}

export function UriText({ uri, what }: UriTextProps) {
  if (uri === undefined || uri === "") return <span class="muted">none</span>;
  return (
    <span class="uri">
      <code>{uri}</code>
      <CopyButton text={uri} what={`address of ${what}`} />
      {isFetchable(uri) && (
        <a class="button" href={uri} download rel="noreferrer" aria-label={`Download ${what}`}>
          Download
        </a>
      )}
    </span>
  );
}

/** Only http(s): an address comes from whoever wrote the task, and `javascript:` must never become a link. */
function isFetchable(uri: string): boolean {
  return /^https?:\/\//i.test(uri);
}
