import { describeLine } from "./describe-line.js";
import { LINE_2_0 } from "./sdk-lines.js";

describeLine(LINE_2_0);
