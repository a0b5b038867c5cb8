/** What an `MLmodel` file says of the framework that a model was made with, in the words of ClearML's filters. Pure. */
import { FAILSAFE_SCHEMA, load } from "js-yaml";

/** Name of the file that describes a model, at the root of its folder. */
export const MLMODEL_FILE = "MLmodel";

/** Flavors of MLflow that ClearML spells otherwise; others keep MLflow's word. */
const FRAMEWORKS: Readonly<Record<string, string>> = {
  catboost: "CatBoost",
  gluon: "MXNet",
  keras: "Keras",
  lightgbm: "LightGBM",
  onnx: "ONNX",
  paddle: "PaddlePaddle",
  pytorch: "PyTorch",
  sklearn: "ScikitLearn",
  tensorflow: "TensorFlow",
  xgboost: "XGBoost",
};

/** Every model has it, for it says how to load the model and not what it is. */
const LOADER_FLAVOR = "python_function";

/**
 * The framework; undefined where the file names none. A model of several flavors is of the first that ClearML knows: a
 * `transformers` model with a `pytorch` flavor is found under PyTorch.
 *
 * @param text - The file, which is YAML.
 */
export function frameworkOfMlmodel(text: string): string | undefined {
  const flavors = flavorsOf(text);
  const names = Object.keys(flavors).filter((name) => name !== LOADER_FLAVOR);
  const known = names.find((name) => FRAMEWORKS[name] !== undefined) ?? names[0];
  if (known !== undefined) return FRAMEWORKS[known] ?? known;
  const { loader_module: loader } = (flavors[LOADER_FLAVOR] ?? {}) as { readonly loader_module?: unknown };
  const module = /^mlflow\.(\w+)/.exec(typeof loader === "string" ? loader : "")?.[1];
  return module === undefined || module === "pyfunc" ? undefined : (FRAMEWORKS[module] ?? module);
}

/** By name; none where the file cannot be read: it is kept as it is, and says nothing. */
function flavorsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const { flavors } = (load(text, { schema: FAILSAFE_SCHEMA }) ?? {}) as { readonly flavors?: unknown };
    return typeof flavors === "object" && flavors !== null ? (flavors as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
