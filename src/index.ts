/** The root entry: names every public export, nothing more. */
export {
  ApiError,
  ClosedError,
  ConfigError,
  ConnectionError,
  JournalError,
  TrainerSDKError,
  UploadError,
  ValidationError,
} from "./base/errors.js";
