/**
 * Who keeps the process up. Work behind the caller's back (deliveries, polls) must not: a trainer that returns from its
 * main function ends, whatever hangs. A caller who waits for something must: his wait would be cut off in the middle.
 */

/** What of a socket is needed here. */
interface Referable {
  ref(): unknown;
  unref(): unknown;
}

/** Far above any wait; the timer is there to be there. */
const HOLD_MS = 2 ** 30;

/**
 * The socket, from now on and for good without a hold on the process: HTTP clients take the hold again with each request,
 * which is undone here.
 */
export function inBackground<Socket extends Referable>(socket: Socket): Socket {
  socket.unref();
  socket.ref = () => socket;
  return socket;
}

/** `work`, with the process kept up until it settles: for a wait that a caller asked for. */
export function keptUp<T>(work: Promise<T>): Promise<T> {
  const hold = setInterval(() => undefined, HOLD_MS);
  return work.finally(() => {
    clearInterval(hold);
  });
}
