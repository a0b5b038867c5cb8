// What a CommonJS file sees.
import sdkEntry = require("trainer-sdk");
import clearmlEntry = require("trainer-sdk/clearml");
import devserverEntry = require("trainer-sdk/devserver");

export async function train(): Promise<boolean> {
  const sdk = await sdkEntry.TrainerSDK.init({ env: {} });
  await sdk.uploadCheckpoint("last.pt", { type: "last", epoch: 1 });
  const receipt: sdkEntry.DeliveryReceipt = await sdk.close();
  return receipt.complete;
}

export const clearml: clearmlEntry.ClearML = clearmlEntry.createClearML();
export const server: Promise<devserverEntry.DevServer> = devserverEntry.startDevServer();
