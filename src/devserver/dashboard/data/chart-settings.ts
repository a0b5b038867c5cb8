/** How charts are drawn, as the address keeps it: a link shows another reader the same picture. Pure. */

/** What x is: the iteration, the time since the task's start, or the time of day. */
export type XAxis = "iteration" | "relative" | "wall";

/** What a reader chooses for all charts at once. */
export interface ChartSettings {
  readonly axis: XAxis;
  /** Weight of the past in the moving average, 0 (off) to 0.99. */
  readonly smoothing: number;
  readonly logarithmic: boolean;
}

/** Names of the settings in an address; they stay when the reader goes to another page. */
export const SETTING_NAMES = ["x", "smooth", "log"] as const;

const MOST_SMOOTHING = 0.99;

/** Reads the settings of an address; what is missing or makes no sense is the default. */
export function parseSettings(query: URLSearchParams): ChartSettings {
  const axis = query.get("x");
  const smoothing = Number(query.get("smooth") ?? 0);
  return {
    axis: axis === "relative" || axis === "wall" ? axis : "iteration",
    smoothing: Number.isFinite(smoothing) ? Math.min(MOST_SMOOTHING, Math.max(0, smoothing)) : 0,
    logarithmic: query.get("log") === "1",
  };
}

/** The settings for an address; the defaults are left out. */
export function settingsQuery(settings: ChartSettings): Record<(typeof SETTING_NAMES)[number], string | undefined> {
  return {
    x: settings.axis === "iteration" ? undefined : settings.axis,
    smooth: settings.smoothing === 0 ? undefined : String(settings.smoothing),
    log: settings.logarithmic ? "1" : undefined,
  };
}
