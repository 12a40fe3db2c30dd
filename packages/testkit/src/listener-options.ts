import type { ListenerOptions } from "../../service/src/http1/listener.ts";

/** A listener on a free port of loopback, with limits that a test does not reach. A fault, or a connection that is refused, fails the test. */
export const LISTENER_OPTIONS: ListenerOptions = {
  host: "127.0.0.1",
  port: 0,
  maxHeaderBytes: 16_384,
  keepsHeads: true,
  maxConnections: 10,
  maxConnectionsPerAddress: 10,
  trustedProxies: [],
  requestHeaderTimeoutMs: 60_000,
  keepAliveTimeoutMs: 60_000,
  socketTimeoutMs: 60_000,
  pipeline: { perConnection: 100, bytes: 64 * 1024 * 1024 },
  rejectionBytes: () => "",
  isHandshake: () => false,
  onError: (error) => {
    throw error;
  },
  onOverflow: () => unexpected("the memory for pipelined requests is used up"),
  onConnectionRefused: () => unexpected("a connection was refused"),
};

function unexpected(what: string): never {
  throw new Error(what);
}
