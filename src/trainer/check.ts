/** The checks of arguments, where the verbs look for them. They live in `base`, because ClearML's own client makes the same. */
export { checkObject, checkOptionalBoolean, checkOptionalText, checkText, checkTexts, countProblem, wrongType } from "../base/check.js";
