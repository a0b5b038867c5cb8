// A trainer as ES module, installed from the archive: one whole run against the embedded server, read back over HTTP.
import { createRequire } from "node:module";
import { createClearML } from "trainer-sdk/clearml";
import { startDevServer } from "trainer-sdk/devserver";
import { TrainerSDK, TrainerSDKError, ValidationError } from "trainer-sdk";
import { tellStory } from "./story.cjs";

const otherCopy = createRequire(import.meta.url)("trainer-sdk");
await tellStory({ TrainerSDK, TrainerSDKError, ValidationError, createClearML, startDevServer, otherCopy });
