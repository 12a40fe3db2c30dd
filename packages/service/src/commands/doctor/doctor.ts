import type { ServeConfig } from "../../config.ts";
import type { ServiceKeys } from "../../store/keys.ts";
import { loadServerCertificate } from "../../tls/server-certificate.ts";
import { adviseOn, readOpenFiles } from "../advice.ts";
import { dataPaths, lastAuthority, resolveAuthority } from "../data-directory.ts";
import { describeKeyFile } from "../key/describe-key-file.ts";
import { loadPrivateCA } from "../managed-certificate.ts";
import type { Print } from "../print.ts";
import { checkAudit } from "./audit-checks.ts";
import { checkCertificate, checkPrivateCA } from "./certificate-checks.ts";
import { checkDatabase } from "./database-checks.ts";
import {
  checkFirstCapabilities,
  checkKey,
  checkModes,
  checkStore,
  findAccessProblem,
} from "./directory-checks.ts";
import { checkDiskSpace } from "./disk-space.ts";
import type { Finding } from "./finding.ts";
import { checkClock, checkNode } from "./machine-checks.ts";
import { checkAuthority, checkPort } from "./port-check.ts";
import { checkTraces } from "./trace-check.ts";

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
  // Before the store is opened, which makes files.
  const before = [await checkModes(config), await checkKey(config)];
  const store = await checkStorePlace(config);
  const findings: readonly Finding[] = [
    checkNode(nodeVersion),
    checkClock(now),
    ...before,
    ...store.findings,
    ...(await checkAudit(config)),
    await checkCertificate(config, now),
    checkAuthority(named),
    await checkPort(config),
    ...(await checkTraces(config)),
    ...(await checkAdvice(named, now, store.keys)),
    ...(await checkPrivateCA(config)),
    ...checkFirstCapabilities(config),
  ];
  for (const { ok, what, isWarning = false } of findings)
    print(`${ok ? (isWarning ? "warn" : "ok  ") : "FAIL"}  ${what}`);
  return findings.every(({ ok }) => ok);
}

/** Checks where the store is, and opens it unless that would fail for the same reason, or change the schema of a database. */
async function checkStorePlace(
  config: ServeConfig,
): Promise<{ readonly findings: readonly Finding[]; readonly keys?: ServiceKeys }> {
  const { postgres } = config;
  if (postgres === undefined) {
    const { finding, ...store } = await checkStore(config);
    return { ...store, findings: [finding, await checkDiskSpace(config)] };
  }
  const { findings, isUsable } = await checkDatabase(postgres, config);
  if (!isUsable) return { findings };
  const { finding, ...store } = await checkStore(config);
  return { ...store, findings: [...findings, finding] };
}

/** The advice that a start logs too. */
async function checkAdvice(
  config: ServeConfig,
  now: Date,
  keys: ServiceKeys | undefined,
): Promise<readonly Finding[]> {
  const given =
    config.tls.kind === "files" ? await loadServerCertificate(config.tls).catch(() => undefined) : undefined;
  const advice = adviseOn(config, {
    certificate: given?.cert,
    privateCA: await loadPrivateCA(config),
    lastAuthority: await lastAuthority(config),
    openFiles: await readOpenFiles(),
    serviceKeyProblems: keys === undefined ? [] : describeKeyFile(dataPaths(config).serviceKey, keys),
    now,
  });
  return advice.map(({ subject, problem }) => ({
    ok: true,
    isWarning: true,
    what: `${subject}: ${problem}`,
  }));
}
