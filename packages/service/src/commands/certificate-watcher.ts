import type { EventLog } from "../telemetry/events.ts";
import type { CertificateSource, CertificateReadResult } from "../tls/certificate-source.ts";

/** How often the files are read, in milliseconds. Watching the directory would miss changes through symbolic links. */
const POLL_INTERVAL_MS = 5_000;

type CertificateLog = Pick<
  EventLog,
  "certificateRenewed" | "certificateUnchanged" | "certificateRejected" | "fault"
>;

/** Follows files that hold the server's certificate. */
export interface CertificateWatcher {
  /** Reads the files now, because the operator asked, and always logs the result. */
  reload(): Promise<void>;
  stop(): void;
}

/** Reads the files regularly, and at once when asked. A pair that cannot be used is logged, and the old one stays in use. */
export function watchCertificate(source: CertificateSource, log: CertificateLog): CertificateWatcher {
  let pending: Promise<void> = Promise.resolve();
  const shouldLog = createChangeFilter();
  const check = async ({ isAsked }: { readonly isAsked: boolean }): Promise<void> => {
    try {
      const seen = await source.read(new Date());
      if (shouldLog(seen) || isAsked) report(seen, log);
    } catch (error) {
      log.fault(error);
    }
  };
  // One at a time: a slow read must not replace a newer pair with an older one.
  const enqueueCheck = (why: { readonly isAsked: boolean }): Promise<void> =>
    (pending = pending.then(() => check(why)));
  const timer = setInterval(() => void enqueueCheck({ isAsked: false }), POLL_INTERVAL_MS).unref();
  return { reload: () => enqueueCheck({ isAsked: true }), stop: () => clearInterval(timer) };
}

/**
 * Decides whether the result of a regular read is logged. A pair that does not match may be half replaced: it is logged once,
 * if the next read finds it again.
 */
export function createChangeFilter(): (look: CertificateReadResult) => boolean {
  let lastProblem: string | undefined;
  let isReported = false;
  return (look) => {
    if (look.ok) {
      lastProblem = undefined;
      isReported = false;
      return look.value.kind === "changed";
    }
    const problem = `${look.error.file}: ${look.error.problem}`;
    const isSettled = problem === lastProblem;
    if (!isSettled) isReported = false;
    lastProblem = problem;
    if (!isSettled || isReported) return false;
    isReported = true;
    return true;
  };
}

function report(look: CertificateReadResult, log: CertificateLog): void {
  if (!look.ok) return log.certificateRejected(look.error);
  switch (look.value.kind) {
    case "changed":
      return log.certificateRenewed({ expires: look.value.certificate.expires });
    case "unchanged":
      return log.certificateUnchanged({ expires: look.value.expires });
  }
}
