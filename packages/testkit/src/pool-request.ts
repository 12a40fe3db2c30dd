import type { ConnectionWaiter, UpstreamHandler, UpstreamPool } from "../../service/src/http1/upstream.ts";

/** Sends a GET over a connection of a pool, and again if it was not begun. */
export function requestFromPool(
  upstream: UpstreamPool,
  path: string,
): Promise<{ readonly status: number; readonly headers: readonly string[]; readonly text: string }> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let headers: readonly string[] = [];
    const chunks: Buffer[] = [];
    let isBegun = false;
    const request = { path, method: "GET", body: null, responseTimeoutMs: 300_000, idleTimeoutMs: 300_000 };
    const waiter: ConnectionWaiter & UpstreamHandler = {
      onConnection: (lease) => lease.send(request, [], waiter),
      onConnectError: reject,
      onBegin: () => (isBegun = true),
      onResponseStarted: () => undefined,
      onRead: () => undefined,
      onInformational: () => undefined,
      onHead(code, _reason, lines) {
        status = code;
        headers = lines;
        return true;
      },
      onData: (chunk) => chunks.push(chunk) > 0,
      onEnd: () => resolve({ status, headers, text: Buffer.concat(chunks).toString() }),
      onUpgrade: () => reject(new Error("the protocol was switched")),
      onError(error) {
        if (isBegun) reject(error);
        else upstream.acquire(waiter);
      },
    };
    upstream.acquire(waiter);
  });
}
