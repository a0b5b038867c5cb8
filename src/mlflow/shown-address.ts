/** Addresses of MLflow's stores as they may be told: SFTP and FTP stores have user and password in them, and signed ones a query. Pure. */
import { publicUrl } from "../base/http.js";

/** The address without what may be secret; a path as it is. */
export function shownAddress(address: string): string {
  return URL.canParse(address) ? publicUrl(address) : address;
}
