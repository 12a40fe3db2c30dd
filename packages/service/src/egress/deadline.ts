import { ConnectFailedError, ConnectTimeoutError } from "./errors.ts";

/**
 * Runs `work` and, when it is not done after `milliseconds`, rejects with ConnectTimeoutError and aborts the signal with
 * it; `cancelSignal` does the same with ConnectFailedError. A lookup may still succeed later, so what continues after one checks
 * the signal first.
 */
export function withDeadline<T>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
  cancelSignal?: AbortSignal,
): Promise<T> {
  const controller = new AbortController();
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(error);
      controller.abort(error);
    };
    const timer = setTimeout(() => fail(new ConnectTimeoutError()), milliseconds);
    cancelSignal?.addEventListener(
      "abort",
      () => fail(new ConnectFailedError({ cause: cancelSignal.reason })),
      {
        once: true,
      },
    );
    work(controller.signal)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
