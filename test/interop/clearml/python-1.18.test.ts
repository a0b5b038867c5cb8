import { describeLine } from "./describe-line.js";
import { LINE_1_18 } from "./sdk-lines.js";

describeLine(LINE_1_18);
