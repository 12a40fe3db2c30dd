import type { AuditLog } from "../audit/log.ts";
import type { GivenCertificateSource, Look } from "../tls/given-certificate.ts";

/** How often the files are read, in milliseconds. Watching the directory would miss changes behind symbolic links. */
const EVERY_MS = 5_000;

type Log = Pick<AuditLog, "certificateRenewed" | "certificateUnchanged" | "certificateRejected" | "fault">;

/** Follows files that hold the server's certificate. */
export interface CertificateFollower {
  /** Reads the files now, because the operator asked, and always logs the result. */
  reload(): Promise<void>;
  stop(): void;
}

/** Reads the files regularly, and at once when asked. A pair that cannot be used is logged, and the old one stays in use. */
export function followCertificate(source: GivenCertificateSource, log: Log): CertificateFollower {
  let turn: Promise<void> = Promise.resolve();
  const isNews = createPatience();
  const look = async ({ isAsked }: { readonly isAsked: boolean }): Promise<void> => {
    try {
      const seen = await source.look(new Date());
      if (isNews(seen) || isAsked) report(seen, log);
    } catch (error) {
      log.fault(error);
    }
  };
  // One after the other: an older read must not replace a newer pair with an older one.
  const lookInTurn = (why: { readonly isAsked: boolean }): Promise<void> =>
    (turn = turn.then(() => look(why)));
  const timer = setInterval(() => void lookInTurn({ isAsked: false }), EVERY_MS).unref();
  return { reload: () => lookInTurn({ isAsked: true }), stop: () => clearInterval(timer) };
}

/**
 * Decides whether a regular look is logged. A pair that does not match may be half replaced: it is logged once, if the next
 * look finds it again.
 */
export function createPatience(): (look: Look) => boolean {
  let seen: string | undefined;
  let isReported = false;
  return (look) => {
    if (look.kind !== "rejected") {
      seen = undefined;
      isReported = false;
      return look.kind === "changed";
    }
    const problem = `${look.file}: ${look.problem}`;
    const isSettled = problem === seen;
    if (!isSettled) isReported = false;
    seen = problem;
    if (!isSettled || isReported) return false;
    isReported = true;
    return true;
  };
}

function report(look: Look, log: Log): void {
  switch (look.kind) {
    case "changed":
      return log.certificateRenewed({ expires: look.certificate.expires });
    case "unchanged":
      return log.certificateUnchanged({ expires: look.expires });
    case "rejected":
      return log.certificateRejected({ file: look.file, problem: look.problem });
  }
}
