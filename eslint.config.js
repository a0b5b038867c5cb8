// The rules are strict where a mistake would hurt the training (a promise nobody awaits, an `any` that hides a wire
// format) and silent about taste, which prettier settles.
import js from "@eslint/js";
import tseslint from "typescript-eslint";

const RESTRICTED_SYNTAX = [
  {
    selector: "ImportDeclaration[source.value='zod'] > ImportSpecifier",
    message: 'Write `import * as z from "zod"`: only so does the bundle leave out what is not used.',
  },
  { selector: "ExportAllDeclaration[exported=null]", message: "Name each export: every public name is a promise." },
];

export default tseslint.config(
  { ignores: ["dist/", "test/package/consumers/projects/types/", ".cache/", "docs/api/", "coverage/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": ["error", { ignoreVoid: true }],
      "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Taste: `return done();` for an early end reads well.
      "@typescript-eslint/no-confusing-void-expression": "off",
      // Refuses `Promise.withResolvers<void>()`.
      "@typescript-eslint/no-invalid-void-type": "off",
      // A method that fulfils an asynchronous port need not wait for anything.
      "@typescript-eslint/require-await": "off",
      // An aborted signal's reason is passed through as it is, whatever it is.
      "@typescript-eslint/prefer-promise-reject-errors": "off",
      "@typescript-eslint/only-throw-error": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "none" }],
      "no-console": "error",
      "no-restricted-syntax": ["error", ...RESTRICTED_SYNTAX],
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // What a trainer imports before its first line. A worker lives for weeks: its schemas may cost its start. A server
    // of tests, a migration, and what reads MLflow's documents are no part of that start.
    files: ["src/**/*.ts"],
    ignores: ["src/{temporal,devserver,migrate,mlflow}/**"],
    rules: {
      "no-restricted-syntax": [
        "error",
        ...RESTRICTED_SYNTAX,
        {
          selector:
            "Program > :matches(VariableDeclaration, ExportNamedDeclaration) CallExpression[callee.object.name='z']:not(:function *)",
          message: "Build the schema in `onFirstUse(() => ...)`: built at import, each costs every start that does not use it.",
        },
      ],
    },
  },
  {
    // Programs own their terminal.
    files: ["src/cli/**", "scripts/**", "examples/**", "bench/**", "test/**"],
    rules: { "no-console": "off" },
  },
  {
    // Must be read by any old Node, and is not part of the program that it starts.
    files: ["src/cli/bin.ts"],
    rules: {
      "no-var": "off",
      "prefer-const": "off",
      "@typescript-eslint/no-floating-promises": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
    },
  },
  {
    // Tests look into answers whose shape they are about to assert, and hand over wrong values on purpose.
    files: ["test/**"],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-meaningless-void-operator": "off",
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-base-to-string": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/unbound-method": "off",
      "max-lines": "off",
    },
  },
  {
    files: ["**/*.js", "**/*.cjs", "**/*.mjs"],
    languageOptions: {
      globals: {
        process: "readonly",
        module: "writable",
        exports: "writable",
        require: "readonly",
        console: "readonly",
        URL: "readonly",
        Buffer: "readonly",
      },
    },
  },
);
