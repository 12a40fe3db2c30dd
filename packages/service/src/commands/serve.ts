import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join, resolve } from "node:path";
import type { Authority } from "capability-protocol";
import type { AuditLog } from "../audit/log.ts";
import type { ServeConfig } from "../config.ts";
import { ConfigError } from "../config.ts";
import { makeFirstTenant } from "../management/tenants.ts";
import type { RunningService } from "../service.ts";
import { startService } from "../service.ts";
import { ensureServerCertificate, loadServerCertificate } from "../tls/server-certificate.ts";
import { dataPaths, openData } from "./data.ts";
import type { Print } from "./print.ts";
import { printFirst } from "./print.ts";

/** How often the own certificate is looked at, in milliseconds. */
const RENEWAL_MS = 12 * 60 * 60 * 1_000;

/** Runs the service until `stop` resolves. */
export async function serve(
  config: ServeConfig,
  log: AuditLog,
  print: Print,
  stop: Promise<unknown>,
): Promise<void> {
  const data = await openData(config);
  const certificate = await readCertificate(config);
  const service = await startService({
    store: data.store,
    keys: data.keys,
    authority: config.authority,
    aliases: config.aliases,
    authorityCas: await readAuthorityCas(config.authorityCaFiles),
    allowTargets: config.allowTargets,
    listen: config.listen,
    ...(certificate === undefined ? {} : { tls: certificate }),
    limits: config.limits,
    log,
    localAddresses: () =>
      Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
    now: () => new Date(),
  });
  const renewal = setInterval(() => void renew(config, service, log), RENEWAL_MS).unref();
  const first = await makeFirstTenant(data);
  if (first !== undefined) {
    printFirst(
      print,
      first,
      config.tls.kind === "private-ca" ? resolve(join(dataPaths(config).tls, "ca.pem")) : undefined,
    );
  }
  const { address, port } = service.address;
  log.ready({ authority: config.authority, host: address, port, secure: certificate !== undefined });

  await stop;
  log.stopping();
  clearInterval(renewal);
  await service.close();
  await data.store.close();
  log.stopped();
}

async function readCertificate(config: ServeConfig): Promise<{ cert: string; key: string } | undefined> {
  switch (config.tls.kind) {
    case "none":
      return undefined;
    case "files":
      return loadServerCertificate(config.tls);
    case "private-ca":
      return ownCertificate(config);
  }
}

function ownCertificate(config: ServeConfig): ReturnType<typeof ensureServerCertificate> {
  const authorities = [config.authority, ...config.aliases];
  return ensureServerCertificate({ directory: dataPaths(config).tls, authorities, now: new Date() });
}

async function renew(config: ServeConfig, service: RunningService, log: AuditLog): Promise<void> {
  if (config.tls.kind !== "private-ca") return;
  try {
    const certificate = await ownCertificate(config);
    if (!certificate.renewed) return;
    service.setCertificate(certificate);
    log.certificateRenewed({ expires: certificate.expires });
  } catch (error) {
    log.fault(error);
  }
}

async function readAuthorityCas(
  files: ReadonlyMap<Authority, string>,
): Promise<ReadonlyMap<Authority, string>> {
  const read = Array.from(files, async ([authority, file]): Promise<[Authority, string]> => {
    const pem = await readFile(file, "utf8").catch((cause: unknown) => {
      throw new ConfigError(`--authority-ca: ${file} cannot be read`, { cause });
    });
    return [authority, pem];
  });
  return new Map(await Promise.all(read));
}
