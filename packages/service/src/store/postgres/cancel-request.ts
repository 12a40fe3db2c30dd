import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectionConfig } from "./config/connection-config.ts";
import { serverAddress } from "./server-address.ts";
import { tlsOptions } from "./tls-options.ts";

/** A process of the server, with the number that only its own client knows. */
export interface BackendKey {
  readonly pid: number;
  readonly secret: number;
}

/** Codes of requests in the place of a version of the protocol, and the response of a server that has TLS. */
const CANCEL = 80_877_102;
const TLS = 80_877_103;
const HAS_TLS = "S".charCodeAt(0);

/** A server that does not take the request by then is gone, or has no process left for it. */
const TIMEOUT_MS = 1_000;

/**
 * Asks the server to cancel what one of its processes carries out. It needs no free connection of the server, and does nothing if
 * the process has ended.
 *
 * @returns when the server has taken the request, or after a second.
 */
export function requestCancel(config: ConnectionConfig, { pid, secret }: BackendKey): Promise<void> {
  const request = message(CANCEL, pid, secret);
  return new Promise((resolve) => {
    const socket = connect(serverAddress(config));
    const timer = setTimeout(() => socket.destroy(), TIMEOUT_MS);
    socket
      .on("error", () => undefined)
      .on("close", () => {
        clearTimeout(timer);
        resolve();
      });
    const tls = tlsOptions(config);
    if (tls === undefined) {
      // The server closes it, which is seen only while it is read.
      socket.resume().write(request);
      return;
    }
    socket.write(message(TLS));
    socket.once("data", ([response]: Buffer) => {
      if (response !== HAS_TLS) {
        socket.destroy();
        return;
      }
      // With it ends the socket below.
      const secured = connectTls({ ...tls, socket });
      secured.on("error", () => undefined).on("secureConnect", () => secured.resume().write(request));
    });
  });
}

/** A message without a type: its length and whole numbers. */
function message(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * (numbers.length + 1));
  for (const [index, number] of [bytes.length, ...numbers].entries()) bytes.writeUInt32BE(number, 4 * index);
  return bytes;
}

/** The process that carried out several statements. The driver says so with each result, and returns a list of them, or one. */
export function backendOf(
  results: { readonly state?: unknown } & readonly unknown[],
): BackendKey | undefined {
  const [first] = results;
  const state = Array.isArray(first) && "state" in first ? first.state : results.state;
  return isBackendKey(state) ? { pid: state.pid, secret: state.secret } : undefined;
}

function isBackendKey(state: unknown): state is BackendKey {
  return (
    typeof state === "object" &&
    state !== null &&
    "pid" in state &&
    typeof state.pid === "number" &&
    "secret" in state &&
    typeof state.secret === "number"
  );
}
