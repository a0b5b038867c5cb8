/** What to do when there is nothing to see yet: the environment lines to set, ready to copy. */
import { useEnvironmentLines } from "../data/environment.js";
import { CopyButton } from "../parts/copy-button.js";

export function GettingStarted() {
  const { text, isWhole } = useEnvironmentLines();
  return (
    <section class="start" aria-labelledby="start-title">
      <h2 id="start-title">No tasks yet</h2>
      <p>
        A training appears here as soon as it starts and reports to this server. Set these variables where it runs
        {isWhole ? ":" : "; the two keys are in the terminal that runs trainer-sdk dev:"}
      </p>
      <div class="code-block">
        <pre tabIndex={0}>{text}</pre>
        <CopyButton text={text} what="environment lines" />
      </div>
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
