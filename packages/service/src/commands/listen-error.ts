import { once } from "node:events";
import { createServer } from "node:net";
import type { ServeConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import { errorCode } from "../error-code.ts";

/** Explains an error of listening on an address, with what to do about it. */
export function explainListenError({ listen: { host, port } }: ServeConfig, error: unknown): unknown {
  const where = `--listen: ${host}:${port}`;
  switch (errorCode(error) ?? "") {
    case "EADDRINUSE":
      return new ConfigError(
        `${where} is taken: is the service running already? "membrane doctor" checks it; or name another port with --listen HOST:PORT`,
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
 * Listens at the address for a moment. A start that cannot listen must fail before it makes a data directory or replaces the
 * private CA of a service that listens there already.
 *
 * @throws ConfigError
 */
export async function checkListenAddress(config: ServeConfig): Promise<void> {
  const { host, port } = config.listen;
  const server = createServer();
  server.listen({ host, port, exclusive: true });
  try {
    await once(server, "listening");
  } catch (error) {
    throw explainListenError(config, error);
  }
  server.close();
  await once(server, "close");
}
