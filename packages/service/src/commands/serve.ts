import type { AuditLog } from "../audit/log.ts";
import type { ServeConfig } from "../config.ts";
import { adviseOn, readOpenFiles } from "./advice.ts";
import type { OpenData } from "./data.ts";
import { checkPlace, lastAuthority, openData, rememberAuthority } from "./data.ts";
import { mendModes } from "./data-modes.ts";
import { makeFirstProfile } from "./first-profile.ts";
import { keepFirstTenant, showFirstTenant } from "./first-tenant.ts";
import type { GivenFiles } from "./given-files.ts";
import { readGivenFiles } from "./given-files.ts";
import { checkListening } from "./listening-error.ts";
import { ensureOwnCertificate, ownCAPath, RENEWAL_MS } from "./own-certificate.ts";
import type { Print } from "./print.ts";
import { printKept } from "./print.ts";
import type { Serving, ServingContext } from "./serving.ts";
import { startServing } from "./serving.ts";

/** What a service needs of its process. */
export interface Machine extends ServingContext {
  readonly print: Print;
  /** What is printed is shown to a person, and stored nowhere. */
  readonly isTerminal: boolean;
  /** Home directory of the user who runs it. */
  readonly home: () => string;
  /** Resolves when it is time to end. */
  readonly stop: Promise<unknown>;
  /** Calls the listener whenever the operator asks for the certificate to be read again. */
  readonly onReload: (listener: () => void) => void;
}

/** Runs the service until `stop` resolves: in this process, or in workers that this process starts and replaces. */
export async function serve(config: ServeConfig, machine: Machine): Promise<void> {
  // Given files, the place and the address come first: a start that fails for one of them makes and changes nothing.
  const files = await readGivenFiles(config);
  await checkPlace(config);
  await checkListening(config);
  for (const { path } of await mendModes(config)) machine.log.modeMended({ path });
  const data = await openData(config, machine.log.store);
  try {
    // Before any worker looks for it: two must not make it at once.
    const certificate = await ensureOwnCertificate(config, machine.log, { mayReplaceCA: true });
    if (certificate?.replacedCA === true) machine.log.authorityReplaced({ file: ownCAPath(config) });
    const serving = await startServing(config, data, files, machine);
    const renewal = setInterval(() => void serving.renew(), RENEWAL_MS).unref();
    machine.onReload(() => {
      machine.log.reloading();
      void serving.reload();
    });
    try {
      await advise(config, files, machine.log);
      await announce(config, data, serving, machine);
      await machine.stop;
      machine.log.stopping();
    } finally {
      clearInterval(renewal);
      await serving.close();
    }
  } finally {
    await data.store.close();
  }
  machine.log.stopped();
}

/** Logs what an operator should know of the configuration; a start does not stop for it. */
async function advise(config: ServeConfig, { certificate }: GivenFiles, log: AuditLog): Promise<void> {
  const advice = adviseOn(config, {
    certificate: certificate?.cert,
    lastAuthority: await lastAuthority(config),
    openFiles: await readOpenFiles(),
    now: new Date(),
  });
  advice.forEach(log.advised);
}

/** Does what is done once, however many processes serve: makes the first tenant, and reports where the service is. */
async function announce(
  config: ServeConfig,
  data: OpenData,
  { address: { address, port }, isSecure }: Serving,
  { log, print, isTerminal, home }: Machine,
): Promise<void> {
  // Only other commands read it, so serving goes on without it.
  await rememberAuthority(config).catch(log.fault);
  const ca = config.tls.kind === "private-ca" ? ownCAPath(config) : undefined;
  const made = isTerminal ? await showFirstTenant(data, ca, print) : await keepFirstTenant(data, config, ca);
  if (made !== undefined) {
    const { first, file } = made;
    if (file !== undefined) {
      log.firstCapabilities({ tenant: first.tenant, file });
      printKept(print, first.tenant, file, ca);
    }
    (await makeFirstProfile(config, first, { ca, file }, home)).forEach(print);
  }
  log.ready({ authority: config.authority, host: address, port, secure: isSecure });
}
