// The same trainer as CommonJS.
const { createClearML } = require("trainer-sdk/clearml");
const { startDevServer } = require("trainer-sdk/devserver");
const { TrainerSDK, TrainerSDKError, ValidationError } = require("trainer-sdk");
const { tellStory } = require("./story.cjs");

import("trainer-sdk").then((otherCopy) =>
  tellStory({ TrainerSDK, TrainerSDKError, ValidationError, createClearML, startDevServer, otherCopy }),
);
