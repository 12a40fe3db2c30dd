import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { createServer } from "node:net";
import { originOfAuthority } from "capability-protocol";
import type { ServeConfig } from "../../config.ts";
import type { Finding } from "./finding.ts";

export function checkAuthority(config: ServeConfig): Finding {
  const { port } = originOfAuthority(config.authority);
  const ok = config.tls.kind === "none" || port === config.listen.port || config.listen.port === 0;
  return {
    ok: true,
    what: ok
      ? `authority: ${config.authority}`
      : `authority: ${config.authority}, but --listen has port ${config.listen.port}: give doctor the flags of serve, or let something forward it`,
  };
}

export async function checkPort(config: ServeConfig): Promise<Finding> {
  const { host, port } = config.listen;
  const server = createServer();
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once("error", resolve);
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
  const where = `port: ${host}:${port}`;
  if (error === undefined) return { ok: true, what: `${where} is free` };
  if (error.code !== "EADDRINUSE") {
    return {
      ok: false,
      what: `${where} cannot be used (${error.code}): name another address with --listen HOST:PORT`,
    };
  }
  return (await isServiceAt(config))
    ? { ok: true, what: `${where}: a service is running` }
    : {
        ok: false,
        what: `${where} is taken by another program: end it, or name another port with --listen HOST:PORT`,
      };
}

/** Time for the service to respond, in milliseconds. */
const RESPONSE_TIMEOUT_MS = 2_000;

async function isServiceAt({ listen, tls }: ServeConfig): Promise<boolean> {
  const host = listen.host === "0.0.0.0" ? "127.0.0.1" : listen.host === "::" ? "::1" : listen.host;
  // The certificate is not checked: no secret is sent, and only the status of the response is used.
  const options = { host, port: listen.port, path: "/healthz", rejectUnauthorized: false };
  const sendRequest = tls.kind === "none" ? httpRequest : httpsRequest;
  return new Promise<boolean>((resolve) => {
    const request = sendRequest(
      { ...options, signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS), agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on("error", () => resolve(false));
    request.end();
  });
}
