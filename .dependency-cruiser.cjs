// Who may import whom. The arrows are those of CONTRIBUTING.md, "Rooms"; a room that is not named here may not be imported
// by any other.
const ROOMS = {
  base: [],
  observe: ["base"],
  records: ["base"],
  protocol: ["base"],
  clearml: ["base", "observe", "records", "protocol", "storage"],
  storage: ["base", "records", "protocol"],
  mlflow: ["base", "records", "protocol", "storage"],
  outbox: ["base", "records", "protocol"],
  sinks: ["base", "records", "protocol", "clearml", "mlflow", "storage", "outbox"],
  trainer: ["base", "observe", "records", "protocol", "clearml", "mlflow", "storage", "outbox", "sinks"],
  devserver: ["base", "protocol"],
  // The program starts the other doors, by their entries alone.
  cli: ["base", "records", "protocol", "clearml", "mlflow", "storage", "outbox", "sinks", "trainer", "migrate"],
  migrate: ["base", "records", "protocol", "clearml", "mlflow", "storage"],
  temporal: ["base", "records", "protocol", "clearml", "storage", "outbox", "sinks", "trainer"],
  testing: ["base", "observe", "records", "protocol", "clearml", "storage", "outbox", "sinks", "trainer", "devserver"],
};

const arrows = Object.entries(ROOMS).map(([room, allowed]) => ({
  name: `${room}-imports-only-what-lies-below`,
  severity: "error",
  from: { path: `^src/${room}/` },
  to: {
    path: "^src/",
    pathNot: [room, ...allowed].map((name) => `^src/${name}/`).concat(room === "cli" ? ["^src/devserver/index\\.ts$"] : []),
  },
}));

module.exports = {
  forbidden: [
    ...arrows,
    {
      name: "every-room-has-its-arrows",
      comment: "A new room must be added to the list above.",
      severity: "error",
      from: { path: "^src/[^/]+/", pathNot: Object.keys(ROOMS).map((room) => `^src/${room}/`) },
      to: {},
    },
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only", "type-import"] } },
    },
    {
      name: "outbox-knows-no-network",
      severity: "error",
      from: { path: "^src/outbox/" },
      to: { path: ["^src/base/http", "^src/protocol/", "node_modules/undici", "node_modules/@aws-sdk"] },
    },
    {
      name: "heavy-packages-load-when-used",
      comment: "A static import of these would slow every start of a trainer. Use `await import(...)`.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(testing|cli)/" },
      to: {
        path: "node_modules/(undici|@aws-sdk|form-data|busboy|@fastify/busboy)/",
        dependencyTypesNot: ["dynamic-import", "type-only", "type-import"],
      },
    },
    {
      name: "no-test-support-in-the-package",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|examples|scripts)/" },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "require", "node", "default", "types"] },
  },
};
