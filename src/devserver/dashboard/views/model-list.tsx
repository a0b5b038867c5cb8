/** All models, the newest first. */
import { useModels, useProjectNames } from "../data/queries.js";
import { useTitle } from "../data/use-title.js";
import { EmptyState, Loaded } from "../parts/notice.js";
import { ModelCard } from "./models-tab.js";

export function ModelList({ project }: { readonly project: string }) {
  useTitle("Models");
  const models = useModels(project);
  const projects = useProjectNames();
  return (
    <main data-view="models">
      <header class="page-head">
        <h1>{project === "*" ? "Models" : `Models of ${projects.get(project) ?? "the project"}`}</h1>
      </header>
      <Loaded resource={models} what="the models">
        {(all) =>
          all.length === 0 ? (
            <EmptyState title="No models yet">
              <p class="muted">
                A training registers one with <code>sdk.registerModel({"{ name, path, framework }"})</code>.
              </p>
            </EmptyState>
          ) : (
            <ul class="cards" aria-label="Models">
              {all.map((model) => (
                <ModelCard key={model.id} model={model} selected={false} isInput={false} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </main>
  );
}
