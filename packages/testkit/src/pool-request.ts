import type { ConnectionWaiter, UpstreamPool } from "../../service/src/egress/connection-pool.ts";

/** A GET over one connection of a pool, sent again as long as it was not begun. */
export function requestFromPool(
  upstream: UpstreamPool,
  path: string,
): Promise<{ readonly status: number; readonly headers: readonly string[]; readonly text: string }> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let headers: string[] = [];
    const chunks: Buffer[] = [];
    let isBegun = false;
    const user = {
      onConnection: (connection) =>
        connection.dispatch(
          { path, method: "GET" },
          {
            onConnect: () => {
              isBegun = true;
            },
            onHeaders: (code, raw) => {
              status = code;
              headers = raw.map(String);
              return true;
            },
            onData: (chunk) => chunks.push(chunk) > 0,
            onComplete: () => resolve({ status, headers, text: Buffer.concat(chunks).toString() }),
            onError: (error) => {
              if (isBegun) reject(error);
              else upstream.acquire(user);
            },
          },
        ),
      onError: reject,
    } satisfies ConnectionWaiter;
    upstream.acquire(user);
  });
}
