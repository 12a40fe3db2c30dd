import type { EventLog } from "../telemetry/events.ts";
import type { ServeConfig } from "../config.ts";
import { adviseOn, readOpenFiles } from "./advice.ts";
import type { DataDirectory } from "./data-directory.ts";
import {
  checkDataDirectory,
  dataPaths,
  lastAuthority,
  openDataDirectory,
  saveAuthority,
} from "./data-directory.ts";
import { explainStoreError } from "./database-place.ts";
import { repairModes } from "./data-directory-modes.ts";
import { makeFirstProfile } from "./first-profile.ts";
import type { FirstTenant } from "./first-tenant.ts";
import { createAndSaveFirstTenant, createAndPrintFirstTenant } from "./first-tenant.ts";
import type { ConfiguredFiles } from "./configured-files.ts";
import { readConfiguredFiles } from "./configured-files.ts";
import { describeKeyFile } from "./key/describe-key-file.ts";
import { checkListenAddresses } from "./listen-error.ts";
import {
  ensureManagedCertificate,
  privateCAPath,
  loadPrivateCA,
  RENEWAL_CHECK_INTERVAL_MS,
} from "./managed-certificate.ts";
import type { ServedMetrics } from "./metrics/serve-metrics.ts";
import { serveMetrics } from "./metrics/serve-metrics.ts";
import { startProcessMeter } from "./metrics/process-meter.ts";
import { asOperator } from "./operator.ts";
import type { ProcessAudit } from "./process-audit.ts";
import { openConfiguredAudit } from "./process-audit.ts";
import type { Print } from "./print.ts";
import { removeAbandonedStores } from "./staged-store.ts";
import { settleUnplacedCapabilities } from "./unplaced-capabilities.ts";
import { printCapabilitiesFile } from "./print.ts";
import type { RunningServer, ServerContext } from "./server.ts";
import { startServer } from "./server.ts";
import type { ServiceManager } from "./service-manager.ts";

/** What a service needs of its process. */
export interface ProcessContext extends ServerContext {
  readonly print: Print;
  /** Whether standard output is a terminal, so that what is printed is not stored. */
  readonly isTerminal: boolean;
  /** Home directory of the user who runs it. */
  readonly home: () => string;
  /** Resolves when it is time to end. */
  readonly stop: Promise<unknown>;
  /** Calls the listener whenever the operator asks for the certificate to be read again. */
  readonly onReload: (listener: () => void) => void;
  readonly serviceManager: ServiceManager;
}

/**
 * Runs the service until `stop` resolves: in this process, or in workers that this process starts and replaces.
 *
 * @throws ConfigError or StoreFormatError if it cannot start, or the store refuses it while it serves.
 */
export async function serve(config: ServeConfig, context: ProcessContext): Promise<void> {
  // Checks files, directory and address first: a start that fails for one of them makes and changes nothing.
  const files = await readConfiguredFiles(config);
  await checkDataDirectory(config);
  await checkListenAddresses(config);
  // With workers, requests do not wait for the event loop of this process.
  const isMeasured = config.metricsListen !== undefined && config.workers === 1;
  const meter = startProcessMeter({ ...context, measuresEventLoop: isMeasured });
  const data = await openDataDirectory(config, {
    serves: config.workers === 1,
    log: meter.storeHealth.log,
    durations: meter.storeDurations,
  });
  let audit: ProcessAudit | undefined;
  try {
    audit = await openConfiguredAudit(config, data, context.log);
    for (const { path } of await repairModes(config)) context.log.modeRepaired({ path });
    // Makes the certificate before any worker starts: two must not make it at once.
    const certificate = await ensureManagedCertificate(config, context.log, { mayReplaceCA: true });
    if (certificate?.replacedCA === true) context.log.authorityReplaced({ file: privateCAPath(config) });
    const server = await startServer(config, data, files, { ...context, meter, audit });
    const renewal = setInterval(() => void server.renew(), RENEWAL_CHECK_INTERVAL_MS).unref();
    context.onReload(() => {
      context.log.reloading();
      server.reopenAudit();
      context.serviceManager.reloading(server.reload);
    });
    let metrics: ServedMetrics | undefined;
    try {
      metrics = await serveMetrics(config, server, context.log);
      await advise(config, files, data, context.log);
      // Only other commands read the file: without it the service continues.
      await saveAuthority(config).catch(context.log.fault);
      await makeFirstTenant(config, { ...data, audit }, context);
      reportReady(config, server, context.log);
      context.serviceManager.ready();
      await Promise.race([context.stop, server.refused]);
      context.log.stopping();
      context.serviceManager.stopping();
      metrics?.stopping();
    } finally {
      clearInterval(renewal);
      await server.close();
      // Last, so that a probe sees until the end that the service stops.
      await metrics?.close();
    }
  } catch (error) {
    throw explainStoreError(config, error);
  } finally {
    meter.stop();
    await audit?.close();
    await data.store.close();
  }
  context.log.stopped();
}

/** Logs advice on the configuration, which never stops a start. */
async function advise(
  config: ServeConfig,
  { certificate }: ConfiguredFiles,
  { keys }: DataDirectory,
  log: EventLog,
): Promise<void> {
  const advice = adviseOn(config, {
    certificate: certificate?.cert,
    privateCA: await loadPrivateCA(config),
    lastAuthority: await lastAuthority(config),
    openFiles: await readOpenFiles(),
    serviceKeyProblems: describeKeyFile(dataPaths(config).serviceKey, keys),
    now: new Date(),
  });
  advice.forEach(log.advised);
}

/** Makes the first tenant, or finishes what a killed first start began, and says where its capabilities are. */
async function makeFirstTenant(
  config: ServeConfig,
  data: DataDirectory,
  { log, print, isTerminal, home }: ProcessContext,
): Promise<void> {
  const ca = config.tls.kind === "private-ca" ? privateCAPath(config) : undefined;
  const operator = asOperator(data, "serve", log.changed);
  const created = isTerminal
    ? await createAndPrintFirstTenant(operator, ca, print)
    : await createAndSaveFirstTenant(operator, config, ca);
  const made = (await settleLeftovers(config, data, log)) ?? created;
  if (made === undefined) return;
  const { first, file } = made;
  if (file !== undefined) {
    log.firstCapabilities({ tenant: first.tenant, file });
    printCapabilitiesFile(print, first.tenant, file, ca);
  }
  (await makeFirstProfile(config, first, { ca, file }, home)).forEach(print);
}

/** Logs where the service listens, once for all processes that serve. */
function reportReady(config: ServeConfig, { address, isSecure }: RunningServer, log: EventLog): void {
  log.ready({ authority: config.authority, host: address.address, port: address.port, secure: isSecure });
}

/**
 * Settles what killed processes left in the data directory. A failure does not stop a start.
 *
 * @returns the first tenant, if its start was killed before it could tell where the capabilities are.
 */
async function settleLeftovers(
  config: ServeConfig,
  { vault }: DataDirectory,
  log: EventLog,
): Promise<FirstTenant | undefined> {
  try {
    const { recovered, removed } = await settleUnplacedCapabilities(vault, config);
    const stores = await removeAbandonedStores(config.data, new Date());
    for (const path of [...removed, ...stores]) log.leftoverRemoved({ path });
    return recovered;
  } catch (error) {
    log.fault(error);
    return undefined;
  }
}
