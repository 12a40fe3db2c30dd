import { once } from "node:events";
import type { Server } from "node:net";
import { createServer } from "node:net";
import type { ServeConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import type { ListenAddress } from "../service/options.ts";
import { errorCode } from "../error-code.ts";

/** The flags that name an address to listen on. */
export type ListenFlag = "--listen" | "--metrics-listen";

/** Explains an error of listening on an address, with what to do about it. */
export function explainListenError(flag: ListenFlag, { host, port }: ListenAddress, error: unknown): unknown {
  const where = `${flag}: ${host}:${port}`;
  switch (errorCode(error) ?? "") {
    case "EADDRINUSE":
      return new ConfigError(
        `${where} is taken: is the service running already? "membrane doctor" checks it; or name another port with ${flag} HOST:PORT`,
        { cause: error },
      );
    case "EACCES":
      return new ConfigError(`${where} may not be used by this user: name a port over 1023`, {
        cause: error,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new ConfigError(`${where} is not an address of this machine: name one, or 0.0.0.0 for all`, {
        cause: error,
      });
    default:
      return error;
  }
}

/**
 * Listens at all addresses for a moment, together, since two flags may name one address. A start that cannot listen must fail before it
 * makes a data directory or replaces the private CA of a service that listens there already.
 *
 * @throws ConfigError
 */
export async function checkListenAddresses({ listen, metricsListen }: ServeConfig): Promise<void> {
  const server = await tryListen("--listen", listen);
  try {
    if (metricsListen !== undefined) await close(await tryListen("--metrics-listen", metricsListen, listen));
  } finally {
    await close(server);
  }
}

async function tryListen(flag: ListenFlag, address: ListenAddress, clients?: ListenAddress): Promise<Server> {
  const { host, port } = address;
  const server = createServer();
  server.listen({ host, port, exclusive: true });
  try {
    await once(server, "listening");
  } catch (error) {
    if (errorCode(error) === "EADDRINUSE" && port === clients?.port) {
      throw new ConfigError(`${flag}: ${host}:${port} has the port of --listen: name another one`, {
        cause: error,
      });
    }
    throw explainListenError(flag, address, error);
  }
  return server;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
