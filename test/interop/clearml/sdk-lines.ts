/** The lines of the official Python SDK that are held against the project: the current one, and two that are still in use. */

/** A line, by the newest release of it that was pinned. */
export interface SdkLine {
  readonly version: string;
  /** `current`: everything. `older`: what a line may have changed, without the heavy data packages. */
  readonly depth: "current" | "older";
  /** What its environment holds, each `name==version`. */
  readonly packages: readonly string[];
}

export const CURRENT_LINE: SdkLine = {
  version: "2.1.12",
  depth: "current",
  packages: ["clearml==2.1.12", "boto3==1.44.8", "pandas==3.0.6"],
};

export const LINE_2_0: SdkLine = { version: "2.0.2", depth: "older", packages: ["clearml==2.0.2", "setuptools==80.9.0"] };

export const LINE_1_18: SdkLine = { version: "1.18.0", depth: "older", packages: ["clearml==1.18.0", "setuptools==80.9.0"] };

export const SDK_LINES: readonly SdkLine[] = [CURRENT_LINE, LINE_2_0, LINE_1_18];
