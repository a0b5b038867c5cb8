/** Builds the page once, into the folder where the server looks for it, before the browser tests open it side by side. */
import { buildDashboard } from "../../scripts/build-dashboard.js";

export default async function buildPage(): Promise<void> {
  await buildDashboard();
}
