import { describeLine } from "./describe-line.js";
import { CURRENT_LINE } from "./sdk-lines.js";

describeLine(CURRENT_LINE);
