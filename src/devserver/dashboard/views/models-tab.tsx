/** Models of one task. */
import type { ModelDocument, TaskDocument } from "../data/documents.js";
import { useTaskModels } from "../data/queries.js";
import { Link } from "../navigation.js";
import { EmptyState, Loaded } from "../parts/notice.js";
import { TimeAgo } from "../parts/time-text.js";
import { UriText } from "../parts/uri-text.js";

export interface ModelsTabProps {
  readonly task: TaskDocument;
  /** Id of the model that the address names. */
  readonly selected: string | undefined;
}

export function ModelsTab({ task, selected }: ModelsTabProps) {
  const models = useTaskModels(task);
  const inputs = new Set(task.models?.input?.map((entry) => entry.model));
  return (
    <Loaded resource={models} what="the models">
      {(all) =>
        all.length === 0 ? (
          <EmptyState title="No models yet">
            <p class="muted">
              Register one with <code>sdk.registerModel({"{ name, path, framework }"})</code>.
            </p>
          </EmptyState>
        ) : (
          <ul class="cards" aria-label="Models">
            {all.map((model) => (
              <ModelCard key={model.id} model={model} selected={model.id === selected} isInput={inputs.has(model.id)} />
            ))}
          </ul>
        )
      }
    </Loaded>
  );
}

export interface ModelCardProps {
  readonly model: ModelDocument;
  readonly selected: boolean;
  readonly isInput: boolean;
}

/** A model in a list. */
export function ModelCard({ model, selected, isInput }: ModelCardProps) {
  const name = model.name ?? model.id;
  return (
    <li class="card" data-model={model.id} data-selected={selected || undefined}>
      <div class="card-head">
        <h3>
          <Link to={{ view: "model", project: model.project ?? "*", model: model.id }}>{name}</Link>
        </h3>
        <ModelState model={model} />
        {isInput && <span class="tag">input</span>}
        <span class="card-side muted">
          <TimeAgo value={model.last_update ?? model.created} />
        </span>
      </div>
      <dl class="rows">
        <div>
          <dt>Framework</dt>
          <dd>{model.framework === undefined || model.framework === "" ? "–" : model.framework}</dd>
        </div>
        <div>
          <dt>Tags</dt>
          <dd>
            <Tags tags={model.tags} />
          </dd>
        </div>
        <div class="wide">
          <dt>Address</dt>
          <dd>
            <UriText uri={model.uri} what={name} />
          </dd>
        </div>
      </dl>
    </li>
  );
}

/** Published, or still a draft. */
export function ModelState({ model }: { readonly model: ModelDocument }) {
  return (
    <span class="status" data-status={model.ready ? "published" : "created"}>
      {model.ready ? "Published" : "Draft"}
    </span>
  );
}

/** Tags, or a dash. */
export function Tags({ tags }: { readonly tags: readonly string[] | undefined }) {
  if (tags === undefined || tags.length === 0) return <>–</>;
  return (
    <>
      {tags.map((tag) => (
        <span key={tag} class="tag">
          {tag}
        </span>
      ))}
    </>
  );
}
