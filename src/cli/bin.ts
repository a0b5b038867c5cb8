/**
 * The program's first file. It runs on any Node from 12 on, so that a machine with an old one hears what is needed
 * instead of a syntax error: no syntax newer than ES2017 here, and no import before the check.
 */

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 19)) {
  console.error(`trainer-sdk needs Node.js 22.19 or newer. This is Node.js ${process.versions.node} (${process.execPath}).
Get a newer one from https://nodejs.org/en/download or with a version manager (\`nvm install 24\`, \`fnm install 24\`),
or let npm bring one for this call: npx -p node@24 -p trainer-sdk trainer-sdk --help`);
  process.exitCode = 1;
} else {
  // Not a literal in the call, so that the bundler leaves the program in its own file.
  const program = "./main.js";
  void (import(program) as Promise<typeof import("./main.js")>).then((main) => main.runProgram());
}
