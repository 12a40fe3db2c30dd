import type { InitConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import { createFirstTenant } from "../management/tenants.ts";
import { ownAuthorities } from "../service/own-authorities.ts";
import { ensureServerCertificate } from "../tls/server-certificate.ts";
import { checkDataDirectory, dataPaths, openDataDirectory, saveAuthority } from "./data-directory.ts";
import { explainStoreError } from "./database-place.ts";
import { repairModes } from "./data-directory-modes.ts";
import { makeFirstProfile } from "./first-profile.ts";
import { privateCAPath } from "./managed-certificate.ts";
import type { OperatorProcess } from "./operator.ts";
import { asOperator, withAudit } from "./operator.ts";
import type { Print } from "./print.ts";
import { firstCapabilitiesJson } from "./first-capabilities-file.ts";
import { printFirstCapabilities, printJson } from "./print.ts";
import { removeAbandonedStores } from "./staged-store.ts";

/** What `init` needs of its process. */
export interface InitContext extends OperatorProcess {
  readonly now: Date;
  /** Home directory of the user who runs it. */
  readonly home: () => string;
  /** Messages for a person, kept apart from the output that a program parses. */
  readonly printError: Print;
}

/** Initializes a data directory as the first start does, and exits. */
export async function init(config: InitConfig, json: boolean, context: InitContext): Promise<void> {
  const { now, home, print, printError, log } = context;
  const paths = dataPaths(config);
  await checkDataDirectory(config);
  const data = await openDataDirectory(config);
  try {
    await repairModes(config);
    for (const path of await removeAbandonedStores(config.data, now)) {
      printError(`Removed what a killed process left: ${path}`);
    }
    const authorities = ownAuthorities(config);
    // As with `serve`, the service has a CA only if it makes its certificate.
    const ca = config.tls.kind === "private-ca" ? privateCAPath(config) : undefined;
    // Writes the files before the tenant: an error after it would lose the capabilities, which cannot be shown again.
    const first = await withAudit(config, data, { command: "init", log }, (audited) =>
      createFirstTenant(asOperator(audited, "init", log.changed), async () => {
        if (ca !== undefined)
          await ensureServerCertificate({ directory: paths.tls, authorities, now, mayReplaceCA: true });
        await saveAuthority(config);
      }),
    );
    if (first === undefined) {
      throw new ConfigError(
        `${config.data} has its first tenant already, and its capabilities cannot be shown again: use "membrane tenant create --id ID" or "membrane tenant reissue --id default"`,
      );
    }
    if (json) printJson(print, firstCapabilitiesJson(first, ca));
    else printFirstCapabilities(print, first, ca);
    (await makeFirstProfile(config, first, { ca }, home)).forEach(json ? printError : print);
  } catch (error) {
    throw explainStoreError(config, error);
  } finally {
    await data.store.close();
  }
}
