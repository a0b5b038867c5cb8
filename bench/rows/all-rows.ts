/** All rows, in the order of the table. */
import type { Row } from "../row.ts";
import { checkpoint } from "./checkpoint.ts";
import { importRoot } from "./import-root.ts";
import { migrate } from "./migrate.ts";
import { roundTrip } from "./round-trip.ts";
import { samePoints } from "./same-points.ts";
import { soak } from "./soak.ts";
import { throughput } from "./throughput.ts";
import { verbs } from "./verbs.ts";
import { visible } from "./visible.ts";

export const ROWS: readonly Row[] = [visible, verbs, roundTrip, samePoints, throughput, checkpoint, importRoot, migrate, soak];
