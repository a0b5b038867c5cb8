/**
 * For child processes that run our sources as they are: Node strips the types but does not look for the `.ts` behind an
 * import that ends in `.js`. Used as `node --import ./test/support/resolve-typescript.js child.ts`.
 */
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, nextResolve) {
    try {
      return nextResolve(specifier, context);
    } catch (error) {
      if (!specifier.startsWith(".") || !specifier.endsWith(".js")) throw error;
      return nextResolve(`${specifier.slice(0, -3)}.ts`, context);
    }
  },
});
