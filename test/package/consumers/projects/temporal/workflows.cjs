exports.trainingWorkflow = require("trainer-sdk/temporal/workflow").trainingWorkflow;
