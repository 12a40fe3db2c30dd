import type { LookupAddress } from "node:dns";
import type { Socket, TcpNetConnectOpts } from "node:net";
import { ConnectFailedError } from "./errors.ts";
import { READ_BYTES, connectBuffered } from "./read-buffer.ts";
import { fixedLookup } from "./resolve-host.ts";

/** How long a connection attempt to one of several addresses may take, in milliseconds. */
const ATTEMPT_TIMEOUT_MS = 1_000;

/**
 * Opens a TCP connection to the first of the numeric addresses that accepts it (RFC 8305, one attempt at a time). The
 * signal destroys the socket even after it is connected, during the TLS handshake.
 *
 * @throws ConnectFailedError, or the signal's reason when it is aborted
 */
export function dial(
  addresses: readonly LookupAddress[],
  port: number,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = connectBuffered(dialOptions(addresses, port));
    signal.addEventListener("abort", () => socket.destroy(), { once: true });
    // Never removed: a reset without an `error` listener would end the process.
    socket.on("error", (cause) => reject(new ConnectFailedError({ cause })));
    socket.once("close", () => reject(signal.aborted ? signal.reason : new ConnectFailedError()));
    socket.once("connect", () => resolve(socket));
  });
}

function dialOptions(
  addresses: readonly LookupAddress[],
  port: number,
): TcpNetConnectOpts & { readonly readableHighWaterMark: number; readonly writableHighWaterMark: number } {
  return {
    // The lookup below ignores the name. A single address is a literal, which Node does not look up.
    host: addresses.length === 1 ? addresses[0]?.address : "target.invalid",
    port,
    lookup: fixedLookup(addresses),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    readableHighWaterMark: READ_BYTES,
    // Small: a chunk of one byte that waits takes hundreds of bytes of memory.
    writableHighWaterMark: 1_024,
  };
}
