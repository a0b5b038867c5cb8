/** Frameworks as the web application's filters spell them, and which one a file's name suggests (`clearml-protocol`, 5.2). Pure. */

/** Spellings that the web application and the official client share. Any other text is accepted too. */
export const MODEL_FRAMEWORKS = [
  "TensorFlow",
  "TensorFlow_js",
  "TensorFlow_Lite",
  "PyTorch",
  "TorchScript",
  "Caffe",
  "Caffe2",
  "ONNX",
  "Keras",
  "MXNet",
  "CNTK",
  "Torch",
  "Darknet",
  "PaddlePaddle",
  "ScikitLearn",
  "XGBoost",
  "LightGBM",
  "Parquet",
  "MegEngine",
  "CatBoost",
  "TensorRT",
  "OpenVINO",
] as const;

/** Endings that mean one framework; the longer ones first. */
const BY_ENDING: readonly (readonly [ending: string, framework: (typeof MODEL_FRAMEWORKS)[number]])[] = [
  ["model.json", "TensorFlow_js"],
  ["-symbol.json", "MXNet"],
  [".tflite", "TensorFlow_Lite"],
  [".pth", "PyTorch"],
  [".pt", "PyTorch"],
  [".onnx", "ONNX"],
  [".keras", "Keras"],
  [".hdf5", "Keras"],
  [".h5", "Keras"],
  [".caffemodel", "Caffe"],
  [".cbm", "CatBoost"],
  [".plan", "TensorRT"],
  [".parquet", "Parquet"],
  [".pb", "TensorFlow"],
];

/** The framework whose files are named so; undefined where the name says nothing certain. */
export function frameworkOfFile(fileName: string): string | undefined {
  const name = fileName.toLowerCase();
  return BY_ENDING.find(([ending]) => name.endsWith(ending))?.[1];
}
