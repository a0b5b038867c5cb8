// The same from CommonJS.
import testingEntry = require("trainer-sdk/testing");

export const platform: testingEntry.TestPlatform = testingEntry.createTestPlatform();
export const network: testingEntry.TestNetwork = testingEntry.setupTestNetwork(platform.handlers);
