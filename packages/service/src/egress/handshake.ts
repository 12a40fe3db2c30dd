import { isIP } from "node:net";
import type { Socket } from "node:net";
import { connect, createSecureContext } from "node:tls";
import type { SecureContext, TLSSocket } from "node:tls";
import { checkServerIdentity } from "capability-sdk/pem";
import { TlsFailedError } from "./errors.ts";
import { KEY_AGREEMENT } from "../key-agreement.ts";

/** The TLS material of a target: PEM text. Nothing else may reach Node's `tls.connect`. */
export interface TargetTls {
  /** Replaces the default authorities. */
  readonly ca?: string;
  /** The client certificate, with its chain. */
  readonly cert?: string;
  readonly key?: string;
  /** `false` accepts any certificate for any name. Default: true, whatever NODE_TLS_REJECT_UNAUTHORIZED is. */
  readonly rejectUnauthorized?: boolean;
}

/** Calls `make` when it is its turn. */
export type ScheduleContext = (make: () => SecureContext) => Promise<SecureContext>;

/** Makes a connected socket a TLS connection to the named host, or rejects with TlsFailedError. */
export type Handshake = (socket: Socket, hostname: string) => Promise<TLSSocket>;

/**
 * A handshake with one target's material. A session is resumed only with this material and for the host name that it was made
 * for, since the certificate of a resumed session is not verified again.
 */
export function createHandshake(material: TargetTls, scheduleContext: ScheduleContext = runNow): Handshake {
  // A context without certificates is cheap: it does not wait.
  const hasPem = material.ca !== undefined || material.cert !== undefined || material.key !== undefined;
  const rejectUnauthorized = material.rejectUnauthorized ?? true;
  let lastSession: { readonly hostname: string; readonly session: Buffer } | undefined;
  let context: Promise<SecureContext> | undefined;

  const handshake = (socket: Socket, hostname: string, secureContext: SecureContext): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const fail = (cause?: unknown): void =>
        reject(new TlsFailedError(cause === undefined ? {} : { cause }));
      const secure = connect({
        socket,
        secureContext,
        rejectUnauthorized,
        host: hostname,
        checkServerIdentity,
        servername: serverName(hostname),
        ALPNProtocols: ["http/1.1"],
        ...(lastSession?.hostname === hostname ? { session: lastSession.session } : {}),
      });
      // Node emits this only after it has verified the certificate: no session resumes a connection to a wrong one.
      secure.on("session", (session) => {
        lastSession = { hostname, session };
      });
      secure.once("secureConnect", () => resolve(secure));
      // Never removed: a reset without an `error` listener would end the process.
      secure.on("error", fail);
      secure.once("close", () => fail());
    });

  return async (socket, hostname) => {
    const pending = (context ??= (hasPem ? scheduleContext : runNow)(() => createContext(material)));
    const secureContext = await pending.catch((cause: unknown) => {
      // Another attempt may succeed: memory may have been short.
      context = undefined;
      socket.destroy();
      throw new TlsFailedError({ cause });
    });
    if (socket.destroyed) throw new TlsFailedError();
    return handshake(socket, hostname, secureContext);
  };
}

async function runNow(make: () => SecureContext): Promise<SecureContext> {
  return make();
}

/** Copies each key by name: any other (`servername`, `checkServerIdentity`, …) would disable the checks. */
function createContext({ ca, cert, key }: TargetTls): SecureContext {
  return createSecureContext({
    ...KEY_AGREEMENT,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
}

/** A server name is never an address (RFC 6066 §3). */
function serverName(hostname: string): string {
  return isIP(hostname) === 0 ? hostname : "";
}
