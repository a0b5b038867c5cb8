/**
 * A constant that is made when it is first asked for. For schemas: to build all of them cost every start more than to read
 * the code, and most starts use few. What is made must not change, so that it is no state of the module.
 */
export function onFirstUse<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => (made ??= make());
}
