/** Takes every connection and every byte, and never answers. */
import { createServer, type AddressInfo } from "node:net";
import { answer } from "./input.ts";

const server = createServer((socket) => void socket.on("error", () => undefined).resume());
server.listen(0, "127.0.0.1", () => answer({ port: (server.address() as AddressInfo).port }));
process.once("SIGTERM", () => process.exit(0));
