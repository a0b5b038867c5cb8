/** What stands where content would be: nothing yet, still loading, or an error with what to do. */
import type { ComponentChildren } from "preact";
import type { Resource } from "../data/use-resource.js";

export interface EmptyStateProps {
  readonly title: string;
  readonly children?: ComponentChildren;
}

/** Says what is missing and how it comes to be there. */
export function EmptyState({ title, children }: EmptyStateProps) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

export interface LoadedProps<T> {
  readonly resource: Resource<T>;
  /** What is being read, as in "the console". */
  readonly what: string;
  readonly children: (value: T) => ComponentChildren;
}

/** Shows a resource once it is there. An error of a later read leaves what was read before on the screen. */
export function Loaded<T>({ resource, what, children }: LoadedProps<T>) {
  if (resource.value !== undefined) return <>{children(resource.value)}</>;
  if (resource.error) {
    return (
      <div class="empty" role="alert">
        <p class="empty-title">Could not read {what}</p>
        <p class="muted">{resource.error.message}</p>
      </div>
    );
  }
  return (
    <p class="loading" role="status">
      Reading {what}
    </p>
  );
}
