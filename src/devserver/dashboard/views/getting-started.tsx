/** What to do when there is nothing to see yet: the environment lines to set, ready to copy. */
import { useEffect, useState } from "preact/hooks";
import { readJson } from "../data/clearml-reader.js";
import { CopyButton } from "../parts/copy-button.js";

/** Where the server tells its own origin which environment reaches it. */
const ENVIRONMENT_PATH = "/env.json";

export function GettingStarted() {
  const [environment, setEnvironment] = useState<Readonly<Record<string, string>> | undefined>(undefined);
  useEffect(() => {
    const abort = new AbortController();
    readJson<{ env: Record<string, string> }>(ENVIRONMENT_PATH, abort.signal).then(
      ({ env }) => {
        setEnvironment(env);
      },
      () => {
        // The page can do without: the text below says where else the lines are.
      },
    );
    return () => {
      abort.abort();
    };
  }, []);
  const lines =
    environment === undefined
      ? undefined
      : Object.entries(environment)
          .map(([name, value]) => `export ${name}=${value}`)
          .join("\n");
  return (
    <section class="start" aria-labelledby="start-title">
      <h2 id="start-title">No tasks yet</h2>
      <p>
        A training appears here as soon as it starts and reports to this server. Set these variables where it runs
        {lines === undefined ? "; the terminal that runs trainer-sdk dev has printed them." : ":"}
      </p>
      {lines !== undefined && (
        <div class="code-block">
          <pre tabIndex={0}>{lines}</pre>
          <CopyButton text={lines} what="environment lines" />
        </div>
      )}
      <p>Then report from the training loop:</p>
      <div class="code-block">
        <pre tabIndex={0}>{SNIPPET}</pre>
        <CopyButton text={SNIPPET} what="example" />
      </div>
      <p class="muted">ClearML&rsquo;s own Python SDK works with the same variables.</p>
    </section>
  );
}

const SNIPPET = `import { TrainerSDK } from "trainer-sdk";

const sdk = await TrainerSDK.init();
sdk.reportProgress({ epoch: 1, totalEpochs: 10, metrics: { train_loss: 0.31 } });
await sdk.reportCompleted();
await sdk.close();`;
