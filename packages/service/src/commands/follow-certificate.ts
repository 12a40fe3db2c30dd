import type { AuditLog } from "../audit/log.ts";
import type { GivenCertificateSource, Look } from "../tls/given-certificate.ts";

/** How often the files are read, in milliseconds: a watch of directories misses what links lead to, a read does not. */
const EVERY_MS = 5_000;

type Log = Pick<AuditLog, "certificateRenewed" | "certificateUnchanged" | "certificateRejected" | "fault">;

/** Follows files that hold the server's certificate. */
export interface CertificateFollower {
  /** Looks now, for an operator who asked, and says what was found in any case. */
  reload(): Promise<void>;
  stop(): void;
}

/** Looks at the files again and again, and at once when asked. What cannot be used is said, and the old one stays. */
export function followCertificate(source: GivenCertificateSource, log: Log): CertificateFollower {
  let turn: Promise<void> = Promise.resolve();
  const judge = createPatience();
  const look = async (isAsked: boolean): Promise<void> => {
    try {
      const seen = await source.look(new Date());
      if (judge(seen) || isAsked) say(seen, log);
    } catch (error) {
      log.fault(error);
    }
  };
  // One after the other: an older look must not present an older pair after a newer one.
  const inTurn = (isAsked: boolean): Promise<void> => (turn = turn.then(() => look(isAsked)));
  const timer = setInterval(() => void inTurn(false), EVERY_MS).unref();
  return { reload: () => inTurn(true), stop: () => clearInterval(timer) };
}

/**
 * Whether a look that nobody asked for is worth a line. A pair that does not fit may be a pair half replaced: it is
 * reported when it is still there at the next look, and once.
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

function say(look: Look, log: Log): void {
  switch (look.kind) {
    case "changed":
      return log.certificateRenewed({ expires: look.certificate.expires });
    case "unchanged":
      return log.certificateUnchanged({ expires: look.expires });
    case "rejected":
      return log.certificateRejected({ file: look.file, problem: look.problem });
  }
}
