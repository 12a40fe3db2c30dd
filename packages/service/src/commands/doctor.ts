import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { originOfAuthority } from "capability-protocol";
import type { ServeConfig } from "../config.ts";
import { loadServerCertificate } from "../tls/server-certificate.ts";
import { hasCode } from "../error-code.ts";
import { readIfPresent } from "../private-files.ts";
import { adviseOn, readOpenFiles } from "./advice.ts";
import { dataPaths, resolveAuthority, lastAuthority, openDataDirectory } from "./data-directory.ts";
import { describeExposedPath, findExposedPaths } from "./data-directory-modes.ts";
import { findDirectoryProblem } from "./data-directory-checks.ts";
import { checkDiskSpace } from "./disk-space.ts";
import type { Print } from "./print.ts";

/** What a check found, and what to do about it. */
interface Finding {
  readonly ok: boolean;
  readonly what: string;
  /** It works, but the operator should know. */
  readonly isWarning?: boolean;
}

const MIN_NODE_VERSION = [20, 19] as const;
const DAY_MS = 86_400_000;

/**
 * Checks everything that a service needs, and prints what to do.
 *
 * @returns whether no check failed.
 */
export async function doctor(
  config: ServeConfig,
  nodeVersion: string,
  now: Date,
  print: Print,
): Promise<boolean> {
  const denied = await findAccessProblem(config);
  if (denied !== undefined) {
    print(`FAIL  data directory: ${denied}`);
    return false;
  }
  const named = { ...config, authority: await resolveAuthority(config) };
  const findings: readonly Finding[] = [
    checkNode(nodeVersion),
    checkClock(now),
    // Before the store is opened, which makes files.
    await checkModes(config),
    await checkKey(config),
    await checkStore(config),
    await checkDiskSpace(config),
    await checkCertificate(config, now),
    checkAuthority(named),
    await checkPort(config),
    ...(await checkAdvice(named, now)),
    ...(await checkPrivateCA(config)),
    ...checkFirstCapabilities(config),
  ];
  for (const { ok, what, isWarning = false } of findings)
    print(`${ok ? (isWarning ? "warn" : "ok  ") : "FAIL"}  ${what}`);
  return findings.every(({ ok }) => ok);
}

/** Finds a data directory that this user may not read: every other check of it would be wrong. */
async function findAccessProblem(config: ServeConfig): Promise<string | undefined> {
  try {
    await stat(dataPaths(config).store);
    return undefined;
  } catch (error) {
    return hasCode(error, "EACCES") ? findDirectoryProblem(config.data, dataPaths(config)) : undefined;
  }
}

function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace("v", "").split(".").map(Number);
  const ok = major > MIN_NODE_VERSION[0] || (major === MIN_NODE_VERSION[0] && minor >= MIN_NODE_VERSION[1]);
  return {
    ok,
    what: ok ? `Node.js ${version}` : `Node.js ${version}: install ${MIN_NODE_VERSION.join(".")} or newer`,
  };
}

/** A clock far behind makes signatures that no target accepts. */
function checkClock(now: Date): Finding {
  const ok = now.getUTCFullYear() >= 2026;
  return {
    ok,
    what: ok
      ? `clock: ${now.toISOString()}`
      : `clock: ${now.toISOString()} is in the past: set it, signatures carry the time`,
  };
}

async function checkModes(config: ServeConfig): Promise<Finding> {
  const { serviceKey } = dataPaths(config);
  // The key has a check for itself.
  const wide = (await findExposedPaths(config)).filter(({ path }) => path !== serviceKey);
  const [first] = wide;
  if (first === undefined) return { ok: true, what: `data directory: ${config.data}, closed to other users` };
  return {
    ok: false,
    what: `data directory: ${describeExposedPath(first)}${wide.length > 1 ? `; and ${wide.length - 1} more` : ""}; the next start closes it`,
  };
}

/** The advice that a start logs too. */
async function checkAdvice(config: ServeConfig, now: Date): Promise<readonly Finding[]> {
  const given =
    config.tls.kind === "files" ? await loadServerCertificate(config.tls).catch(() => undefined) : undefined;
  const advice = adviseOn(config, {
    certificate: given?.cert,
    lastAuthority: await lastAuthority(config),
    openFiles: await readOpenFiles(),
    now,
  });
  return advice.map(({ subject, problem }) => ({
    ok: true,
    isWarning: true,
    what: `${subject}: ${problem}`,
  }));
}

async function checkPrivateCA({ tls, ...config }: ServeConfig): Promise<readonly Finding[]> {
  if (tls.kind !== "private-ca") return [];
  const file = join(dataPaths(config).tls, "ca.pem");
  const cert = await readIfPresent(file);
  if (cert === undefined) return [];
  const { readNameConstraints } = await import("../tls/x509.ts");
  if (readNameConstraints(cert) !== undefined) return [];
  const what = `private CA: ${file} was made by an older version and can certify any name, and so can anyone who steals its key. Move ca.pem and ca.key away, start, and give clients the new ca.pem`;
  return [{ ok: true, isWarning: true, what }];
}

function checkFirstCapabilities(config: ServeConfig): readonly Finding[] {
  const { firstCapabilities: file } = dataPaths(config);
  if (!existsSync(file)) return [];
  const what = `first capabilities: ${file} holds those of the first tenant and the operator's: move it to a safe place`;
  return [{ ok: true, isWarning: true, what }];
}

async function checkKey(config: ServeConfig): Promise<Finding> {
  const { serviceKey, store } = dataPaths(config);
  if (!existsSync(serviceKey)) {
    const ok = !existsSync(store);
    return {
      ok,
      what: ok
        ? `service key: none yet, the first start makes ${serviceKey}`
        : `service key: ${serviceKey} is missing, without it the store cannot be opened: restore it from its backup`,
    };
  }
  const { mode } = await stat(serviceKey);
  const ok = (mode & 0o077) === 0;
  return {
    ok,
    what: ok ? `service key: ${serviceKey}` : `service key: others can read it: chmod 600 ${serviceKey}`,
  };
}

async function checkStore(config: ServeConfig): Promise<Finding> {
  const paths = dataPaths(config);
  const { store } = paths;
  const problem = await findDirectoryProblem(config.data, paths);
  if (problem !== undefined) return { ok: false, what: `store: ${problem}` };
  if (!existsSync(store)) return { ok: true, what: `store: none yet, the first start makes ${store}` };
  try {
    const data = await openDataDirectory(config);
    const tenants = await data.store.tenants();
    await data.store.close();
    return { ok: true, what: `store: ${store}, ${tenants.length} tenant(s)` };
  } catch (error) {
    return { ok: false, what: `store: ${messageOf(error)}` };
  }
}

async function checkCertificate(config: ServeConfig, now: Date): Promise<Finding> {
  switch (config.tls.kind) {
    case "none":
      return { ok: true, what: "certificate: none (--no-tls): a proxy must terminate TLS" };
    case "files":
      try {
        return describeExpiry((await loadServerCertificate(config.tls)).expires, now);
      } catch (error) {
        return { ok: false, what: `certificate: ${messageOf(error)}` };
      }
    case "private-ca": {
      const leaf = join(dataPaths(config).tls, "leaf.pem");
      if (!existsSync(leaf)) return { ok: true, what: "certificate: none yet, the first start makes one" };
      try {
        const certificate = new X509Certificate(await readFile(leaf));
        return describeExpiry(new Date(certificate.validTo), now);
      } catch {
        return { ok: true, what: `certificate: ${leaf} is damaged, the next start makes a new one` };
      }
    }
  }
}

function describeExpiry(expires: Date, now: Date): Finding {
  const days = Math.floor((expires.getTime() - now.getTime()) / DAY_MS);
  return {
    ok: days >= 0,
    what: `certificate: ${days >= 0 ? `valid for ${days} days` : "expired: renew it (the service's own is renewed by a start)"}`,
  };
}

function checkAuthority(config: ServeConfig): Finding {
  const { port } = originOfAuthority(config.authority);
  const ok = config.tls.kind === "none" || port === config.listen.port || config.listen.port === 0;
  return {
    ok: true,
    what: ok
      ? `authority: ${config.authority}`
      : `authority: ${config.authority}, but the service listens on port ${config.listen.port}: something must forward it`,
  };
}

async function checkPort(config: ServeConfig): Promise<Finding> {
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
    ? { ok: true, what: `${where}: the service is running` }
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "failed";
}
