/** One model, whole. */
import type { ModelDocument } from "../data/documents.js";
import { useModel } from "../data/queries.js";
import { useTitle } from "../data/use-title.js";
import { formatDateTime, parseTime } from "../format.js";
import { Link } from "../navigation.js";
import { CopyButton } from "../parts/copy-button.js";
import { KeyValueTable } from "../parts/key-value-table.js";
import { Loaded } from "../parts/notice.js";
import { UriText } from "../parts/uri-text.js";
import { ModelState, Tags } from "./models-tab.js";

export function ModelPage({ model: id }: { readonly model: string }) {
  const resource = useModel(id);
  useTitle(resource.value?.name);
  return (
    <main data-view="model">
      <Loaded resource={resource} what="the model">
        {(model) => <ModelDetails model={model} />}
      </Loaded>
    </main>
  );
}

function ModelDetails({ model }: { readonly model: ModelDocument }) {
  const name = model.name ?? model.id;
  const metadata = Object.entries(model.metadata ?? {}).map(([key, entry]) => ({
    name: entry.key ?? key,
    value: entry.value ?? "",
    note: entry.type,
  }));
  const labels = Object.entries(model.labels ?? {}).sort(([, a], [, b]) => a - b);
  return (
    <>
      <header class="task-head">
        <p class="crumbs">
          <Link to={{ view: "models", project: "*" }}>Models</Link>
        </p>
        <div class="title-row">
          <h1>{name}</h1>
          <ModelState model={model} />
        </div>
        {model.comment !== undefined && model.comment !== "" && <p class="reason">{model.comment}</p>}
      </header>
      <KeyValueTable
        title="Model"
        rows={[
          { name: "Id", value: <CopyableId id={model.id} what="model id" /> },
          { name: "Address", value: <UriText uri={model.uri} what={name} /> },
          { name: "Framework", value: model.framework ?? "–" },
          { name: "Tags", value: <Tags tags={model.tags} /> },
          { name: "Made by task", value: model.task === undefined ? "–" : <TaskLink model={model} task={model.task} /> },
          {
            name: "Made from model",
            value: model.parent === undefined ? "–" : <Link to={{ view: "model", project: "*", model: model.parent }}>{model.parent}</Link>,
          },
          { name: "Created", value: formatDateTime(parseTime(model.created)) },
          { name: "Last update", value: formatDateTime(parseTime(model.last_update)) },
        ]}
      />
      {metadata.length > 0 && <KeyValueTable title="Metadata" rows={metadata} />}
      {labels.length > 0 && <KeyValueTable title="Labels" rows={labels.map(([label, index]) => ({ name: label, value: String(index) }))} />}
    </>
  );
}

function TaskLink({ model, task }: { readonly model: ModelDocument; readonly task: string }) {
  return <Link to={{ view: "task", project: model.project ?? "*", task, tab: "scalars", item: undefined }}>{task}</Link>;
}

function CopyableId({ id, what }: { readonly id: string; readonly what: string }) {
  return (
    <>
      <code>{id}</code>
      <CopyButton text={id} what={what} />
    </>
  );
}
