import { ConnectTimeoutError } from "./errors.ts";

/**
 * Runs `work` and, when it is not done after `milliseconds`, rejects with ConnectTimeoutError and aborts the signal with
 * it. A lookup may be answered all the same, so whoever continues after one asks the signal first.
 */
export function withDeadline<T>(milliseconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const error = new ConnectTimeoutError();
      reject(error);
      controller.abort(error);
    }, milliseconds);
    work(controller.signal)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
