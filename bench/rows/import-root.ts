/** What the import of the root entry costs, and that nothing heavy comes with it. */
import { aim, floor, type Row } from "../row.ts";
import { median } from "../statistics.ts";

const HEAVY = /@aws-sdk|@smithy|temporal|\/undici\/|\/form-data\/|\/busboy\/|\/commander\/|\/dist\/(devserver|testing|cli)\//;
const RUNS = 10;

export const importRoot: Row = {
  name: "import",
  title: "import of the root entry in a fresh process",
  async measure({ workplace }) {
    const times: number[] = [];
    for (let at = 0; at < RUNS; at++) times.push((await workplace.program<{ ms: number }>("import-root", {})).ms);
    const { loaded } = await workplace.program<{ loaded: readonly string[] }>("import-root", { list: true });
    const heavy = loaded.filter((url) => HEAVY.test(url));
    return [
      { what: "import, median", value: median(times), unit: "ms", bars: [aim("at most", 50)], note: `${String(RUNS)} processes` },
      { what: "import, slowest", value: Math.max(...times), unit: "ms", bars: [] },
      {
        what: "modules of the AWS SDK, Temporal, undici or our servers that it loads",
        value: heavy.length,
        unit: "",
        bars: [floor("at most", 0)],
        note: heavy.length > 0 ? heavy.join(" ") : `${String(loaded.filter((url) => url.startsWith("file:")).length)} files in all`,
      },
    ];
  },
};
